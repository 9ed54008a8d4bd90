// Calendar: a month, and the days ahead as a list.
import { addDays, formatValue, isoDay, locale, parseDay, today, useRows, type Field, type Query, type Row } from "@matrixos/sdk";
import { useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from "react";
import { useHeight, useWidth } from "./base.tsx";
import { Button, IconButton, Segmented } from "./controls.tsx";
import { Dialog } from "./dialog.tsx";
import { fixedColumns } from "./fixed.ts";
import { Form } from "./form.tsx";
import { Empty, Failure, Item, Skeleton, useToast } from "./layout.tsx";
import { rebase } from "./rebase.ts";
import { dayRoom, monthDays, occurrences, weekStart } from "./month.ts";

export interface CalendarProps {
  table: string;
  fields: readonly Field[];
  date: string;
  time?: string;
  end?: string;
  /** A column with the last day of what takes several. */
  until?: string;
  /** A column that says Daily, Weekly, Fortnightly, Monthly or Yearly. */
  repeat?: string;
  title: string;
  noun?: string;
  where?: Query["where"];
}

const format = (day: string, form: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale(), form).format(parseDay(day)!);
const longDay = (day: string) => format(day, { weekday: "long", day: "numeric", month: "long" });

interface Columns {
  date: string;
  time?: string;
  end?: string;
  until?: string;
  repeat?: string;
}

/** byDay lists the events of each day in view; one of several days stands on each of them, one that repeats wherever it comes again. */
function byDay(rows: Row[], c: Columns, from: string, to: string): Map<string, Row[]> {
  const days = new Map<string, Row[]>();
  for (const row of rows) {
    const first = String(row[c.date] ?? "").slice(0, 10);
    if (!parseDay(first)) continue;
    const last = String(row[c.until ?? c.end ?? ""] ?? "").slice(0, 10);
    const length = parseDay(last) && last > first ? Math.min(61, Math.round((parseDay(last)!.getTime() - parseDay(first)!.getTime()) / 864e5)) : 0;
    const starts = c.repeat && row[c.repeat] ? occurrences(first, row[c.repeat], addDays(from, -length), to) : [first];
    for (const start of starts) for (let n = 0; n <= length; n++) days.set(addDays(start, n), [...(days.get(addDays(start, n)) ?? []), row]);
  }
  const at = (r: Row) => (c.time ? String(r[c.time] ?? "") : String(r[c.date]).slice(11));
  for (const list of days.values()) list.sort((a, b) => at(a).localeCompare(at(b)));
  return days;
}

export function Calendar({ table, fields, date, time, end, until, repeat, title, noun = "event", where }: CalendarProps) {
  const { rows, loading, error, insert, update, remove } = useRows(table, where ? { where } : {});
  const [ref, width] = useWidth<HTMLDivElement>();
  const [view, setView] = useState("Month");
  const [at, setAt] = useState(today());
  const [adding, setAdding] = useState<string | null>(null);
  const [editing, setEditing] = useState<Row | null>(null);
  const [looking, setLooking] = useState<string | null>(null); // a day, of which everything is shown
  const toast = useToast();
  const month = at.slice(0, 7);
  const days = useMemo(() => byDay(rows, { date, time, end, until, repeat }, addDays(`${month}-01`, -7), addDays(`${month}-01`, 100)), [rows, date, time, end, until, repeat, month]);
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const small = width < 640;
  const drop = (row: Row) => {
    setEditing(null);
    const { created_at: _c, updated_at: _u, ...rest } = row;
    act(remove(row.id).then(() => toast("Deleted.", { label: "Undo", run: () => act(insert(rest)) })));
  };
  const shift = (n: number) => {
    const d = parseDay(at)!;
    setAt(isoDay(new Date(d.getFullYear(), d.getMonth() + n, 1)));
  };
  const when = (row: Row) => clock(row, date, time, end, fields);
  const preset = adding ? { ...Object.fromEntries(fields.filter((f) => f.default !== undefined && f.default !== "today" && f.default !== "now").map((f) => [f.name, f.default])), [date]: adding } : undefined;
  return (
    <div className="mx" ref={ref}>
      <div className="mx-cal-top">
        <h2>{format(at, { month: "long", year: "numeric" })}</h2>
        <span className="mx-cal-nav">
        <IconButton icon="chevron-left" label="Month before" onClick={() => shift(-1)} />
        <Button onClick={() => setAt(today())}>Today</Button>
        <IconButton icon="chevron-right" label="Month after" onClick={() => shift(1)} />
        </span>
        <Segmented label="View" value={view} options={["Month", "Agenda"]} onChange={setView} />
        <Button primary icon="plus" onClick={() => setAdding(at)}>Add {noun}</Button>
      </div>
      {error && <Failure error={error} />}
      {loading ? <Skeleton /> : view === "Month" ? width > 0 && <Month at={at} days={days} small={small} title={title} when={when} onDay={(d) => { setAt(d); if (!small) setAdding(d); }} onMove={setAt} onOpen={setEditing} onLook={setLooking} /> : null}
      {!loading && (view === "Agenda" || small) && <Agenda list={view === "Agenda" ? agendaDays(days, at) : [at]} days={days} title={title} when={when} onOpen={setEditing} onAdd={setAdding} noun={noun} />}
      <Dialog open={looking !== null} title={looking ? longDay(looking) : ""} onClose={() => setLooking(null)}>
        {looking && <Whole day={looking} events={days.get(looking) ?? []} title={title} when={when} noun={noun} onOpen={(row) => { setLooking(null); setEditing(row); }} onAdd={() => { setLooking(null); setAdding(looking); }} />}
      </Dialog>
      <Dialog open={adding !== null} title={adding ? `Add ${noun}, ${format(adding, { weekday: "short", day: "numeric", month: "short" })}` : ""} onClose={() => setAdding(null)}>
        {adding && <Form key={adding} fields={fields} value={preset} onCancel={() => setAdding(null)} onSave={async (v) => { await insert({ ...fixedColumns(where), ...v }); setAdding(null); }} />}
      </Dialog>
      <Dialog open={editing !== null} title={`Edit ${noun}`} onClose={() => setEditing(null)}>
        {editing && <Form fields={fields} value={editing} onCancel={() => setEditing(null)} onSave={async (v) => { await update(editing.id, v, editing).catch(rebase(setEditing)); setEditing(null); }} extra={<><Button danger quiet icon="trash-2" onClick={() => drop(editing)}>Delete</Button><span className="mx-spacer" /></>} />}
      </Dialog>
    </div>
  );
}

function clock(row: Row, date: string, time: string | undefined, end: string | undefined, fields: readonly Field[]): string {
  const own = time ? row[time] : String(row[date] ?? "").slice(11, 16);
  if (!own) return "";
  const text = (v: string) => formatValue(v, { name: "", type: "time" });
  const to = end && fields.find((f) => f.name === end)?.type === "time" ? row[end] : "";
  return to ? `${text(own)}–${text(to)}` : text(own);
}

/** agendaDays are the days with events, from the start of the month that is in view. */
function agendaDays(days: Map<string, Row[]>, at: string): string[] {
  const from = at.slice(0, 7) === today().slice(0, 7) ? today() : `${at.slice(0, 7)}-01`;
  return [...days.keys()].filter((d) => d >= from).sort().slice(0, 60);
}

interface MonthProps {
  at: string;
  days: Map<string, Row[]>;
  small: boolean;
  title: string;
  when: (row: Row) => string;
  onDay: (day: string) => void;
  onMove: (day: string) => void;
  onOpen: (row: Row) => void;
  onLook: (day: string) => void;
}

function Month({ at, days, small, title, when, onDay, onMove, onOpen, onLook }: MonthProps) {
  const first = weekStart(locale());
  const grid = monthDays(at, first);
  const { height, lines } = dayRoom(useHeight(), grid.length / 7);
  const box = useRef<HTMLDivElement>(null);
  const keys = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 7, ArrowUp: -7 }[e.key];
    if (!step) return;
    e.preventDefault();
    const to = addDays(at, step);
    onMove(to);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-day="${to}"]`)?.focus());
  };
  return (
    <div className="mx-cal" ref={box} data-small={small ? "" : undefined} style={{ "--day": `${height}px` } as CSSProperties} onKeyDown={keys}>
      {grid.slice(0, 7).map((d) => <div key={d} className="mx-cal-head">{format(d, { weekday: small ? "narrow" : "short" })}</div>)}
      {grid.map((d) => {
        const events = days.get(d) ?? [];
        const some = events.slice(0, events.length > lines ? lines - 1 : lines);
        const rest = events.length - some.length;
        return (
          <div key={d} role="button" tabIndex={d === at ? 0 : -1} className="mx-day" data-day={d} data-out={d.slice(0, 7) === at.slice(0, 7) ? undefined : ""} aria-current={d === today() ? "date" : undefined} aria-pressed={small ? d === at : undefined} aria-selected={small && d === at ? true : undefined} aria-label={`${longDay(d)}, ${events.length === 0 ? "nothing" : events.length === 1 ? "1 entry" : `${events.length} entries`}`} onClick={() => onDay(d)} onKeyDown={(e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); (small || events.length === 0 ? onDay : onLook)(d); } }}>
            <span className="mx-daynum">{Number(d.slice(8))}</span>
            {small ? events.length > 0 && <span className="mx-dots">{events.slice(0, 3).map((r) => <i key={r.id} />)}</span> : <>
              {some.map((r) => <span key={r.id} className="mx-ev" title={`${when(r)} ${r[title] ?? ""}`.trim()} onClick={(e) => { e.stopPropagation(); onOpen(r); }}>{when(r) && <span className="mx-num">{when(r).split("–")[0]} </span>}<span>{String(r[title] ?? "")}</span></span>)}
              {rest > 0 && <span className="mx-more" onClick={(e) => { e.stopPropagation(); onLook(d); }}>{rest} more</span>}
            </>}
          </div>
        );
      })}
    </div>
  );
}

interface WholeProps {
  day: string;
  events: Row[];
  title: string;
  when: (row: Row) => string;
  noun: string;
  onOpen: (row: Row) => void;
  onAdd: () => void;
}

/** Whole is everything on one day: what a month has no room for, and the way to it by keyboard. */
function Whole({ day, events, title, when, noun, onOpen, onAdd }: WholeProps) {
  return (
    <>
      <ul className="mx-list">{events.map((r) => <Item key={`${day}${r.id}`} title={String(r[title] ?? "") || "Untitled"} value={when(r)} onClick={() => onOpen(r)} />)}</ul>
      <div className="mx-form-foot" style={{ marginTop: 16 }}><Button icon="plus" onClick={onAdd}>Add {noun}</Button></div>
    </>
  );
}

interface AgendaProps {
  list: string[];
  days: Map<string, Row[]>;
  title: string;
  when: (row: Row) => string;
  onOpen: (row: Row) => void;
  onAdd: (day: string) => void;
  noun: string;
}

function Agenda({ list, days, title, when, onOpen, onAdd, noun }: AgendaProps) {
  if (list.length === 0) return <Empty title={`Nothing ahead.`} action={<Button onClick={() => onAdd(today())}>Add {noun}</Button>} />;
  return (
    <div className="mx-agenda">
      {list.map((d) => {
        const events = days.get(d) ?? [];
        return (
          <div key={d} className="mx-agenda-day">
            <h3>{formatValue(d, { name: "", type: "date" })}<div className="mx-quiet" style={{ fontWeight: 400 }}>{format(d, { weekday: "long" })}</div></h3>
            {events.length === 0 ? <p className="mx-quiet" style={{ padding: "11px 0" }}>Nothing on this day.</p> : <ul className="mx-list">{events.map((r) => <Item key={r.id} title={String(r[title] ?? "") || "Untitled"} value={when(r)} onClick={() => onOpen(r)} />)}</ul>}
          </div>
        );
      })}
    </div>
  );
}
