// Board: cards in columns, moved by pointer or keyboard.
import { formatValue, useRows, type Field, type Query, type Row } from "@matrixos/sdk";
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { createPortal } from "react-dom";
import { IconButton, Button } from "./controls.tsx";
import { Dialog } from "./dialog.tsx";
import { fixedColumns } from "./fixed.ts";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import { Failure, Skeleton, useToast } from "./layout.tsx";
import { rebase } from "./rebase.ts";
import { show } from "./value.tsx";

export interface BoardProps {
  table: string;
  fields: readonly Field[];
  column: string;
  columns: readonly string[];
  /** A float column that keeps the order within a column; without it cards stand in the order of their making. */
  order?: string;
  title: string;
  noun?: string;
  where?: Query["where"];
}

/** place is where a card stands: its own figure, else the time of its making. */
function place(row: Row, order: string): number {
  const own = row[order];
  return typeof own === "number" ? own : Date.parse(row.created_at) / 1000 || 0;
}

/** between is the figure that puts a card in front of another, or last. */
export function between(cards: readonly Row[], before: string | null, order: string): number {
  const i = cards.findIndex((c) => c.id === before);
  const last = cards.at(-1);
  if (i < 0) return last ? place(last, order) + 1 : 0;
  const here = place(cards[i]!, order);
  return i === 0 ? here - 1 : (place(cards[i - 1]!, order) + here) / 2;
}

interface Drag {
  row: Row;
  x: number;
  y: number;
  dx: number;
  dy: number;
  width: number;
  over: string | null;
  before: string | null; // the card in front of which it would lie
}

export function Board({ table, fields, column, columns, order, title, noun = "card", where }: BoardProps) {
  const { rows: all, loading, error, insert, update, remove } = useRows(table, where ? { where } : {});
  const rows = order ? [...all].sort((a, b) => place(a, order) - place(b, order)) : all;
  const [adding, setAdding] = useState<string | null>(null);
  const [editing, setEditing] = useState<Row | null>(null);
  const [said, setSaid] = useState("");
  const toast = useToast();
  const box = useRef<HTMLDivElement>(null);
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const laneOf = (r: Row) => (columns.includes(r[column]) ? (r[column] as string) : columns[0]!);
  const moved = useRef<{ id: string; lane: string } | null>(null);
  useEffect(() => {
    // A card that was moved keeps the keyboard, once it stands where it was moved to.
    const card = moved.current && box.current?.querySelector<HTMLElement>(`[data-lane="${CSS.escape(moved.current.lane)}"] [data-card="${CSS.escape(moved.current.id)}"]`);
    if (!card) return;
    moved.current = null;
    card.focus();
  }, [all]);
  const move = (row: Row, to: string, before: string | null = null) => {
    if (laneOf(row) === to && (!order || before === row.id)) return;
    const cards = rows.filter((r) => laneOf(r) === to && r.id !== row.id);
    const patch = { [column]: to, ...(order ? { [order]: between(cards, before, order) } : {}) };
    setSaid(laneOf(row) === to ? `${row[title]} moved within ${to}.` : `${row[title]} moved to ${to}.`);
    moved.current = { id: row.id, lane: to };
    act(update(row.id, patch));
  };
  const shift = (row: Row, step: number) => {
    const cards = rows.filter((r) => laneOf(r) === laneOf(row));
    const i = cards.indexOf(row);
    if (cards[i + step]) move(row, laneOf(row), (step < 0 ? cards[i - 1] : cards[i + 2])?.id ?? null);
  };
  const { drag, start } = useDrag(move, setEditing);
  const drop = (row: Row) => {
    setEditing(null);
    const { created_at: _c, updated_at: _u, ...rest } = row;
    act(remove(row.id).then(() => toast("Card deleted.", { label: "Undo", run: () => act(insert(rest)) })));
  };
  const keys = (e: KeyboardEvent, row: Row) => {
    if (e.target !== e.currentTarget) return;
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    const to = columns[columns.indexOf(laneOf(row)) + step];
    if (step && to) {
      e.preventDefault();
      move(row, to);
    } else if (order && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
      e.preventDefault();
      shift(row, e.key === "ArrowUp" ? -1 : 1);
    } else if (e.key === "Enter" || e.key === " ") {
      e.preventDefault();
      setEditing(row);
    }
  };
  if (loading) return <Skeleton />;
  const rest = fields.filter((f) => f.name !== title && f.name !== column);
  const formFields = fields.some((f) => f.name === column) ? fields : [...fields, { name: column, type: "choice" as const, options: columns }];
  return (
    <div className="mx">
      {error && <Failure error={error} />}
      <p className="mx-sr" id="mx-board-help">Arrow left and right move a card{order ? ", up and down change its place" : ""}, Enter opens it.</p>
      <div className="mx-sr" role="status">{said}</div>
      <div className="mx-board" ref={box}>
        {columns.map((name) => {
          const cards = rows.filter((r) => laneOf(r) === name);
          return (
            <section key={name} className="mx-lane" data-lane={name} data-over={drag?.over === name ? "" : undefined} aria-label={name}>
              <header>
                <h3>{name} <span className="mx-quiet mx-num" style={{ fontWeight: 400 }}>{cards.length}</span></h3>
                <IconButton icon="plus" label={`Add ${noun} to ${name}`} onClick={() => setAdding(name)} />
              </header>
              {cards.map((row) => (
                <div key={row.id} className="mx-ticket" data-card={row.id} data-drag={drag?.row.id === row.id ? "" : undefined} data-before={order && drag?.before === row.id ? "" : undefined} tabIndex={0} role="button" aria-describedby="mx-board-help" onKeyDown={(e) => keys(e, row)} onPointerDown={(e) => start(e, row)}>
                  <Card row={row} title={title} rest={rest} />
                  <button type="button" className="mx-grip" tabIndex={-1} aria-hidden data-grip><Icon name="grip-vertical" size={16} /></button>
                </div>
              ))}
            </section>
          );
        })}
      </div>
      {drag && createPortal(<div className="mx mx-ticket mx-ghost" style={{ left: drag.x - drag.dx, top: drag.y - drag.dy, width: drag.width }}><Card row={drag.row} title={title} rest={rest} /></div>, document.body)}
      <Dialog open={adding !== null} title={`Add ${noun}`} onClose={() => setAdding(null)}>
        {adding && <Form fields={fields.filter((f) => f.name !== column)} onCancel={() => setAdding(null)} onSave={async (v) => { await insert({ ...fixedColumns(where), ...v, [column]: adding, ...(order ? { [order]: between(rows.filter((r) => laneOf(r) === adding), null, order) } : {}) }); setAdding(null); }} />}
      </Dialog>
      <Dialog open={editing !== null} title={`Edit ${noun}`} onClose={() => setEditing(null)}>
        {editing && <Form fields={formFields} value={editing} onCancel={() => setEditing(null)} onSave={async (v) => { await update(editing.id, v, editing).catch(rebase(setEditing)); setEditing(null); }} extra={<><Button danger quiet icon="trash-2" onClick={() => drop(editing)}>Delete</Button><span className="mx-spacer" /></>} />}
      </Dialog>
    </div>
  );
}

function Card({ row, title, rest }: { row: Row; title: string; rest: Field[] }) {
  const shown = rest.filter((f) => f.type !== "note" && formatValue(row[f.name], f) !== "" && !(f.type === "check" && !row[f.name]));
  const note = rest.find((f) => f.type === "note" && row[f.name]);
  return (
    <>
      <span className="mx-item-title">{String(row[title] ?? "") || "Untitled"}</span>
      {note && <span className="mx-small mx-quiet">{String(row[note.name]).slice(0, 120)}</span>}
      {shown.length > 0 && <span className="mx-row mx-small mx-quiet" style={{ gap: 8 }}>{shown.map((f) => <span key={f.name}>{show(row[f.name], f)}</span>)}</span>}
    </>
  );
}

// A mouse drags the whole card after a few pixels; a finger drags it by its grip,
// so that the page still scrolls. A press that does not travel opens the card.
function useDrag(move: (row: Row, to: string, before: string | null) => void, open: (row: Row) => void) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const start = (e: PointerEvent<HTMLElement>, row: Row) => {
    const grip = (e.target as HTMLElement).closest("[data-grip]");
    if (e.button !== 0 || (e.target as HTMLElement).closest("a")) return;
    const card = e.currentTarget.getBoundingClientRect();
    const from = { x: e.clientX, y: e.clientY };
    const mayDrag = e.pointerType === "mouse" || grip !== null;
    let current: Drag | null = null;
    let scrolled = false;
    const at = (m: globalThis.PointerEvent) => {
      if (!current && Math.hypot(m.clientX - from.x, m.clientY - from.y) < 5) return;
      if (!mayDrag) {
        scrolled = true;
        return;
      }
      m.preventDefault();
      const over = document.elementsFromPoint(m.clientX, m.clientY).map((el) => (el as HTMLElement).closest<HTMLElement>("[data-lane]")).find(Boolean);
      const below = [...(over?.querySelectorAll<HTMLElement>("[data-card]") ?? [])].find((el) => m.clientY < el.getBoundingClientRect().top + el.offsetHeight / 2);
      current = { row, x: m.clientX, y: m.clientY, dx: from.x - card.left, dy: from.y - card.top, width: card.width, over: over?.dataset.lane ?? null, before: below?.dataset.card ?? null };
      setDrag(current);
    };
    const done = (m: globalThis.PointerEvent | globalThis.KeyboardEvent) => {
      if (m instanceof globalThis.KeyboardEvent && m.key !== "Escape") return;
      removeEventListener("pointermove", at);
      removeEventListener("pointerup", done);
      removeEventListener("pointercancel", done);
      removeEventListener("keydown", done, true);
      setDrag(null);
      if (m.type === "pointerup" && current?.over) move(row, current.over, current.before);
      else if (m.type === "pointerup" && !current && !scrolled) open(row);
    };
    addEventListener("pointermove", at);
    addEventListener("pointerup", done);
    addEventListener("pointercancel", done);
    addEventListener("keydown", done, true);
  };
  return { drag, start };
}
