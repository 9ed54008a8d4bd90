// The three ways a Tracker shows rows.
import { exactValue, formatValue, isNumeric, labelOf, sumBy, type Field, type Group, type Row } from "@matrixos/sdk";
import { Fragment, useEffect, useState } from "react";
import { os } from "@matrixos/sdk";
import { cx, pressOf } from "./base.tsx";
import { Checkbox, IconButton } from "./controls.tsx";
import { Icon } from "./icon.tsx";
import { Item } from "./layout.tsx";
import { show } from "./value.tsx";

export interface ViewProps {
  fields: readonly Field[];
  rows: Row[];
  all: Row[];
  groups: Group<Row>[] | null;
  totals: readonly string[];
  main: string;
  done?: string;
  image?: string;
  sort?: string;
  onSort: (name: string) => void;
  onEdit: (row: Row) => void;
  onDelete: (row: Row) => void;
  onDone: (row: Row, done: boolean) => void;
}

const whole = (p: ViewProps): Group<Row>[] => p.groups ?? [{ key: "", label: "", rows: p.rows }];
const fieldOf = (p: ViewProps, name: string): Field => p.fields.find((f) => f.name === name) ?? { name, type: "number" };
const totalOf = (p: ViewProps, rows: Row[], name: string) => formatValue(sumBy(rows, name), fieldOf(p, name));

/** nameOf is what a row is called, in labels that are read aloud. */
function nameOf(p: ViewProps, row: Row): string {
  return formatValue(row[p.main], fieldOf(p, p.main)) || "row";
}

function DoneBox({ p, row }: { p: ViewProps; row: Row }) {
  return <Checkbox checked={Boolean(row[p.done!])} aria-label={`Done: ${nameOf(p, row)}`} onChange={(v) => p.onDone(row, v)} />;
}

function Actions({ p, row }: { p: ViewProps; row: Row }) {
  return (
    <>
      <IconButton icon="pencil" label={`Edit ${nameOf(p, row)}`} onClick={() => p.onEdit(row)} />
      <IconButton icon="trash-2" label={`Delete ${nameOf(p, row)}`} onClick={() => p.onDelete(row)} />
    </>
  );
}

// A column that is summed cannot stand first, where the word "Total" does: the column that names a row changes places with it.
function leading(columns: Field[], p: ViewProps): Field[] {
  if (!p.totals.includes(columns[0]?.name ?? "")) return columns;
  const name = columns.find((f) => f.name === p.main && !p.totals.includes(f.name)) ?? columns.find((f) => !p.totals.includes(f.name));
  return name ? [name, ...columns.filter((f) => f !== name)] : columns;
}

/** TableView is the view for wide windows: sortable headings, groups with subtotals, a total. */
export function TableView(p: ViewProps) {
  const columns = leading(p.fields.filter((f) => f.name !== p.done), p);
  const first = columns.findIndex((f) => p.totals.includes(f.name));
  const lead = (p.done ? 1 : 0) + Math.max(first, 1);
  return (
    <div className="mx-scroll">
      <table className="mx-table">
        <thead>
          <tr>
            {p.done && <th><span className="mx-sr">Done</span></th>}
            {columns.map((f) => {
              const dir = p.sort === f.name ? "ascending" : p.sort === `-${f.name}` ? "descending" : undefined;
              return (
                <th key={f.name} scope="col" className={isNumeric(f) && f.type !== "rating" ? "mx-r" : undefined} aria-sort={dir}>
                  <button type="button" onClick={() => p.onSort(f.name)}>
                    {labelOf(f)}
                    {dir && <Icon name={dir === "ascending" ? "arrow-up" : "arrow-down"} size={14} />}
                  </button>
                </th>
              );
            })}
            <th><span className="mx-sr">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          {whole(p).map((g) => (
            <Fragment key={g.key}>
              {p.groups && (
                <tr className="mx-sub">
                  <th scope="rowgroup" colSpan={p.totals.length ? lead : columns.length + (p.done ? 2 : 1)}>{g.label} <Many rows={g.rows} /></th>
                  {p.totals.length > 0 && <TotalCells p={p} columns={columns.slice(Math.max(first, 1))} rows={g.rows} />}
                </tr>
              )}
              {g.rows.map((row) => <Line key={`${g.key}${row.id}`} p={p} row={row} columns={columns} />)}
            </Fragment>
          ))}
        </tbody>
        {p.totals.length > 0 && (
          <tfoot>
            <tr>
              <td colSpan={lead}>Total</td>
              <TotalCells p={p} columns={columns.slice(Math.max(first, 1))} rows={p.all} />
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

// How many rows a group has; with a word, so that it is not read as a part of the group's name.
function Many({ rows }: { rows: Row[] }) {
  return <span className="mx-many mx-num">{rows.length === 1 ? "1 entry" : `${rows.length} entries`}</span>;
}

function TotalCells({ p, columns, rows }: { p: ViewProps; columns: Field[]; rows: Row[] }) {
  return (
    <>
      {columns.map((f) => <td key={f.name} className="mx-r">{p.totals.includes(f.name) && totalOf(p, rows, f.name)}</td>)}
      <td />
    </>
  );
}

function Line({ p, row, columns }: { p: ViewProps; row: Row; columns: Field[] }) {
  const done = p.done && row[p.done];
  return (
    <tr className={cx("mx-line", done && "mx-dim")} onClick={pressOf(() => p.onEdit(row))}>
      {p.done && <td style={{ width: 1, paddingBlock: 0 }}><DoneBox p={p} row={row} /></td>}
      {columns.map((f) => {
        if (f.name === p.main) {
          return (
            <td key={f.name} className="mx-main">
              <button type="button" className={cx("mx-open", done && "mx-struck")} onClick={() => p.onEdit(row)} title={exactValue(row[f.name], f)}>{formatValue(row[f.name], f) || "–"}</button>
            </td>
          );
        }
        const figure = isNumeric(f) && f.type !== "rating";
        return <td key={f.name} className={figure ? "mx-r" : f.type === "note" ? "mx-note" : f.type === "date" || f.type === "datetime" || f.type === "time" ? "mx-nowrap mx-num" : undefined}>{f.type === "check" ? row[f.name] && <Icon name="check" label="Yes" /> : f.type === "note" ? row[f.name] && <div>{String(row[f.name])}</div> : show(row[f.name], f)}</td>;
      })}
      <td className="mx-acts"><Actions p={p} row={row} /></td>
    </tr>
  );
}

function GroupHead({ p, g }: { p: ViewProps; g: Group<Row> }) {
  if (!p.groups) return null;
  return (
    <div className="mx-group">
      <h3>{g.label} <Many rows={g.rows} /></h3>
      {p.totals.map((t) => <span key={t} className="mx-num mx-quiet">{totalOf(p, g.rows, t)}</span>)}
    </div>
  );
}

function TotalLine({ p }: { p: ViewProps }) {
  if (p.totals.length === 0) return null;
  return (
    <div className="mx-total">
      {p.totals.map((t) => <div key={t}><span>{p.totals.length > 1 ? labelOf(fieldOf(p, t)) : "Total"}</span>{totalOf(p, p.all, t)}</div>)}
    </div>
  );
}

/** valueField is the figure that a list shows on the right: what is summed, else the first figure. */
function valueField(p: ViewProps): Field | undefined {
  return p.fields.find((f) => p.totals.includes(f.name)) ?? p.fields.find((f) => f.name !== p.main && isNumeric(f) && f.type !== "rating");
}

/** ListView is the view for narrow windows and for things to tick off. */
export function ListView(p: ViewProps) {
  const value = valueField(p);
  const rest = p.fields.filter((f) => f.name !== p.main && f !== value && f.name !== p.done && f.name !== p.image);
  return (
    <>
      {whole(p).map((g) => (
        <div key={g.key}>
          <GroupHead p={p} g={g} />
          <ul className="mx-list">
            {g.rows.map((row) => {
              const done = Boolean(p.done && row[p.done]);
              const parts = rest.map((f) => (f.type === "check" ? (row[f.name] ? labelOf(f) : "") : formatValue(row[f.name], f))).filter(Boolean);
              return <Item key={row.id} done={done} title={formatValue(row[p.main], fieldOf(p, p.main)) || "–"} subtitle={parts.join(" · ")} value={value && formatValue(row[value.name], value)} leading={p.done && <DoneBox p={p} row={row} />} trailing={<IconButton icon="trash-2" label={`Delete ${nameOf(p, row)}`} onClick={() => p.onDelete(row)} />} onClick={() => p.onEdit(row)} />;
            })}
          </ul>
        </div>
      ))}
      <TotalLine p={p} />
    </>
  );
}

// An image column holds a data URL, a file of the app, or a key of the app's data that holds a data URL.
function Picture({ source, alt }: { source: string; alt: string }) {
  const direct = /^(data:|blob:|\.{0,2}\/|.*\.(png|jpe?g|webp|gif|svg)$)/i.test(source);
  const [src, setSrc] = useState(direct ? source : "");
  useEffect(() => {
    if (direct) setSrc(source);
    else os.readData(source).then((v) => setSrc(typeof v === "string" ? v : ""), () => setSrc(""));
  }, [source, direct]);
  return src ? <img src={src} alt={alt} loading="lazy" /> : null;
}

/** CardView suits things with a picture or many fields: recipes, books, contacts. */
export function CardView(p: ViewProps) {
  const rest = p.fields.filter((f) => f.name !== p.main && f.name !== p.done && f.name !== p.image);
  return (
    <>
      {whole(p).map((g) => (
        <div key={g.key}>
          <GroupHead p={p} g={g} />
          <div className="mx-cards" style={p.groups ? { marginTop: 12 } : undefined}>
            {g.rows.map((row) => (
              <div key={row.id} className="mx-card" onClick={pressOf(() => p.onEdit(row))}>
                {p.image && row[p.image] && <Picture source={String(row[p.image])} alt="" />}
                <div className="mx-row" style={{ flexWrap: "nowrap" }}>
                  {p.done && <DoneBox p={p} row={row} />}
                  <button type="button" className={cx("mx-open mx-item-title", p.done && row[p.done] && "mx-dim mx-struck")} onClick={() => p.onEdit(row)}>{nameOf(p, row)}</button>
                  <span className="mx-spacer" />
                  <IconButton icon="trash-2" label={`Delete ${nameOf(p, row)}`} onClick={() => p.onDelete(row)} />
                </div>
                {rest.filter((f) => f.type === "note" && row[f.name]).map((f) => <p key={f.name} className="mx-small mx-quiet">{formatValue(row[f.name], f)}</p>)}
                <dl>
                  {rest.filter((f) => f.type !== "note" && (f.type !== "check" || row[f.name]) && formatValue(row[f.name], f)).map((f) => <Fragment key={f.name}><dt>{labelOf(f)}</dt><dd>{show(row[f.name], f)}</dd></Fragment>)}
                </dl>
              </div>
            ))}
          </div>
        </div>
      ))}
      <TotalLine p={p} />
    </>
  );
}
