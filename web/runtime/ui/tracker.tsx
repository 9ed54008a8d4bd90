// Tracker: everything for one table.
import { groupRows, isNumeric, labelOf, searchRows, sortRows, useRows, type Every, type Field, type Group, type Query, type Row } from "@matrixos/sdk";
import { useMemo, useState } from "react";
import { cx, useWidth } from "./base.tsx";
import { Button, Select } from "./controls.tsx";
import { Dialog } from "./dialog.tsx";
import { fixedColumns } from "./fixed.ts";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import { Empty, Failure, Skeleton, useToast } from "./layout.tsx";
import { rebase } from "./rebase.ts";
import { CardView, ListView, TableView, type ViewProps } from "./views.tsx";

export interface TrackerProps {
  table: string;
  noun: string;
  fields: readonly Field[];
  sort?: string;
  group?: string | { by: string; every: Every };
  totals?: readonly string[];
  filters?: readonly string[];
  search?: boolean;
  view?: "table" | "list" | "cards";
  done?: string;
  where?: Query["where"];
  empty?: string;
  title?: string;
  image?: string;
}

const page = 200;
const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);
const article = (noun: string) => (/^[aeiou]/i.test(noun) ? `an ${noun}` : `a ${noun}`);

/** own keeps the columns that are the app's, for putting a deleted row back as it was. */
function own(row: Row): Record<string, unknown> {
  const { created_at: _c, updated_at: _u, ...rest } = row;
  return rest;
}

function useFiltered(p: TrackerProps, rows: Row[], sort: string | undefined, text: string, chosen: Record<string, string>) {
  return useMemo(() => {
    let kept = searchRows(rows, text, p.fields);
    for (const [name, value] of Object.entries(chosen)) {
      if (value) kept = kept.filter((r) => (Array.isArray(r[name]) ? r[name].includes(value) : String(r[name] ?? "") === value));
    }
    kept = sortRows(kept, sort);
    const done = p.done;
    return done ? [...kept.filter((r) => !r[done]), ...kept.filter((r) => r[done])] : kept;
  }, [rows, sort, text, chosen, p.fields, p.done]);
}

function grouped(p: TrackerProps, rows: Row[], sort: string | undefined): Group<Row>[] | null {
  if (!p.group) return null;
  const [by, every] = typeof p.group === "string" ? [p.group, undefined] : [p.group.by, p.group.every];
  const groups = groupRows(rows, by, every);
  const options = p.fields.find((f) => f.name === by)?.options;
  if (every) return groups.sort((a, b) => (sort === by ? 1 : -1) * a.key.localeCompare(b.key));
  return options ? groups.sort((a, b) => rank(options, a.key) - rank(options, b.key)) : groups.sort((a, b) => Number(!a.key) - Number(!b.key) || a.label.localeCompare(b.label));
}

function rank(options: readonly string[], key: string): number {
  const i = options.indexOf(key);
  return i < 0 ? options.length : i;
}

/** Tracker lists, adds, edits, deletes, searches, filters, groups and sums the rows of one table. */
export function Tracker(p: TrackerProps) {
  const { rows, loading, error, insert, update, remove } = useRows(p.table, p.where ? { where: p.where } : {});
  const [ref, width] = useWidth<HTMLDivElement>();
  const [sort, setSort] = useState(p.sort);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Row | null>(null);
  const [shown, setShown] = useState(page);
  const toast = useToast();

  const kept = useFiltered(p, rows, sort, text, chosen);
  const visible = kept.slice(0, shown);
  const wide = width >= 640;
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const drop = (row: Row) => {
    setEditing(null);
    act(remove(row.id).then(() => toast(`${capital(p.noun)} deleted.`, { label: "Undo", run: () => act(insert(own(row))) })));
  };
  const preset = useMemo(() => fixedColumns(p.where), [p.where]);
  const add = async (value: Record<string, any>) => {
    await insert({ ...preset, ...value });
    if (!wide) setAdding(false);
    setGeneration((n) => n + 1);
  };
  const [generation, setGeneration] = useState(0);

  const view: ViewProps = {
    fields: p.fields,
    rows: visible,
    all: kept,
    groups: grouped(p, visible, sort),
    totals: p.totals ?? [],
    main: p.title ?? mainField(p.fields),
    done: p.done,
    image: p.image,
    sort,
    onSort: (name) => setSort(sort === name ? `-${name}` : sort === `-${name}` ? name : isNumeric(p.fields.find((f) => f.name === name) ?? { name }) ? `-${name}` : name),
    onEdit: setEditing,
    onDelete: drop,
    onDone: (row, done) => act(update(row.id, { [p.done!]: done })),
  };
  const View = p.view === "cards" ? CardView : p.view === "list" || width < 560 ? ListView : TableView;
  const form = <Form key={generation} fields={p.fields} onSave={add} onCancel={() => setAdding(false)} />;
  return (
    <div className="mx mx-tracker" ref={ref}>
      <Bar p={p} rows={rows} text={text} onText={setText} chosen={chosen} onChosen={setChosen} adding={adding} onAdd={() => setAdding(true)} />
      {error && <Failure error={error} />}
      {adding && wide && <div key={generation} className="mx-sheet" role="group" aria-label={`Add ${p.noun}`} ref={focusFirst}>{form}</div>}
      <Dialog open={adding && !wide} title={`Add ${p.noun}`} onClose={() => setAdding(false)}>{form}</Dialog>
      {loading ? <Skeleton /> : rows.length === 0 ? (
        !error && <Empty title={p.empty ?? `Nothing here yet. Add ${article(p.noun)} to begin.`} />
      ) : kept.length === 0 ? (
        <Empty title="Nothing matches." action={<Button onClick={() => { setText(""); setChosen({}); }}>Show all</Button>} />
      ) : (
        width > 0 && <View {...view} />
      )}
      {kept.length > shown && <Button quiet onClick={() => setShown(shown + page)}>Show {Math.min(page, kept.length - shown)} more of {kept.length}</Button>}
      <Dialog open={editing !== null} title={`Edit ${p.noun}`} onClose={() => setEditing(null)}>
        {editing && (
          <Form
            fields={p.fields}
            value={editing}
            onCancel={() => setEditing(null)}
            onSave={async (v) => {
              await update(editing.id, v, editing).catch(rebase(setEditing));
              setEditing(null);
            }}
            extra={<><Button danger quiet icon="trash-2" onClick={() => drop(editing)}>Delete</Button><span className="mx-spacer" /></>}
          />
        )}
      </Dialog>
    </div>
  );
}

function focusFirst(el: HTMLElement | null): void {
  if (el && !el.contains(document.activeElement)) el.querySelector<HTMLElement>("input,textarea,select")?.focus({ preventScroll: true });
}

function mainField(fields: readonly Field[]): string {
  const text = fields.find((f) => (f.type ?? "text") === "text" && !f.options);
  return (text ?? fields[0])?.name ?? "id";
}

interface BarProps {
  p: TrackerProps;
  rows: Row[];
  text: string;
  onText: (text: string) => void;
  chosen: Record<string, string>;
  onChosen: (chosen: Record<string, string>) => void;
  adding: boolean;
  onAdd: () => void;
}

function Bar({ p, rows, text, onText, chosen, onChosen, adding, onAdd }: BarProps) {
  return (
    <div className="mx-bar">
      {p.search && rows.length > 0 && (
        <div className="mx-search" role="search">
          <Icon name="search" size={16} />
          <input className="mx-in" type="search" aria-label="Search" placeholder="Search" value={text} onChange={(e) => onText(e.target.value)} />
        </div>
      )}
      {(rows.length > 0 ? (p.filters ?? []) : []).map((name) => {
        const field = p.fields.find((f) => f.name === name) ?? { name };
        return <Select key={name} className={cx("mx-filter")} aria-label={`Filter by ${labelOf(field).toLowerCase()}`} value={chosen[name] ?? ""} empty={`${labelOf(field)}: all`} options={valuesOf(field, rows)} onChange={(v) => onChosen({ ...chosen, [name]: v })} />;
      })}
      <span className="mx-spacer" />
      <Button primary={!adding} icon="plus" aria-expanded={adding} onClick={onAdd}>Add {p.noun}</Button>
    </div>
  );
}

function valuesOf(field: Field, rows: Row[]): { value: string; label: string }[] {
  if (field.type === "check") return [{ value: "true", label: "Yes" }, { value: "false", label: "No" }];
  const seen = new Set<string>(field.options ?? []);
  for (const r of rows) for (const v of Array.isArray(r[field.name]) ? r[field.name] : [r[field.name]]) if (v !== null && v !== undefined && v !== "") seen.add(String(v));
  const all = [...seen];
  return (field.options ? all : all.sort((a, b) => a.localeCompare(b))).map((value) => ({ value, label: value }));
}
