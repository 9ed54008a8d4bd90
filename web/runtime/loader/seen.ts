// What this window has seen of rows. An update brings it along, so that the system
// merges it with what another window has changed meanwhile instead of writing over it.
import type { Clash, ConflictHandler, Row } from "../sdk/types.ts";
import type { Link } from "./port.ts";

interface Patch {
  id: string;
  data: Record<string, unknown>;
  seen?: Record<string, unknown>;
}

interface Answer {
  updated: number;
  clashes?: { id: string; fields: string[]; row: Row }[];
}

const most = 20000; // rows that are remembered

const say = (value: unknown) => (typeof value === "string" ? `“${value.slice(0, 80)}”` : value === null || value === undefined ? "empty" : JSON.stringify(value).slice(0, 80));

/** ClashError says what another window has changed; saving again uses this window's. */
export class ClashError extends Error {
  constructor(readonly clash: Clash) {
    super(`Changed elsewhere meanwhile: ${clash.fields.map((f) => `${f} is now ${say(clash.theirs[f])}`).join(", ")}. Save again to use yours.`);
    this.name = "ClashError";
  }
}

/** seenRows wraps the ways to read and to update rows. */
export function seenRows(link: Link) {
  const rows = new Map<string, Record<string, unknown>>();
  const written = new Map<string, number>(); // when this window last wrote a row
  const handlers = new Map<string, ConflictHandler>();
  const turn = new Map<string, Promise<unknown>>(); // updates of one table, one after the other
  let tick = 0;
  const key = (table: string, id: string) => `${table}\n${id}`;

  const remember = (table: string, row: Row, asked: number) => {
    const k = key(table, row.id);
    if ((written.get(k) ?? 0) > asked) return; // it was read before this window wrote
    rows.delete(k);
    rows.set(k, row);
    if (rows.size > most) rows.delete(rows.keys().next().value!);
  };

  const read = async <T>(table: string, call: () => Promise<T>, of: (value: T) => Row[]): Promise<T> => {
    const asked = tick;
    const value = await call();
    for (const row of of(value)) if (row?.id) remember(table, row, asked);
    return value;
  };

  const send = async (method: string, table: string, patches: Patch[]): Promise<unknown> => {
    const full = patches.map((p) => ({ ...p, seen: p.seen ?? rows.get(key(table, p.id)) }));
    const answer = (await link.call(method, method === "db.update" ? { table, ...full[0] } : { table, rows: full })) as Answer;
    tick++;
    const first = answer?.clashes?.[0];
    if (!first) {
      for (const p of patches) {
        const k = key(table, p.id);
        written.set(k, tick);
        if (rows.has(k)) rows.set(k, { ...rows.get(k), ...p.data });
      }
      return answer;
    }
    for (const c of answer.clashes!) rows.set(key(table, c.id), c.row);
    const clash: Clash = { table, id: first.id, fields: first.fields, mine: patches.find((p) => p.id === first.id)!.data, theirs: first.row };
    const decide = handlers.get(table);
    if (!decide) throw new ClashError(clash);
    const decided = await decide(clash);
    if (decided === null) return { updated: 0 };
    return send(method, table, patches.map((p) => (p.id === first.id ? { id: p.id, data: decided, seen: first.row } : p)));
  };

  const update = (method: string, table: string, patches: Patch[]) => {
    const next = (turn.get(table) ?? Promise.resolve()).then(() => send(method, table, patches));
    turn.set(table, next.catch(() => undefined));
    return next;
  };

  return {
    find: (table: string, query: object) => read(table, () => link.call("db.find", { table, ...query }) as Promise<Row[]>, (all) => all),
    findOne: (table: string, id: string) => read(table, () => link.call("db.findOne", { table, id }) as Promise<Row | null>, (row) => (row ? [row] : [])),
    update: (table: string, id: string, data: Record<string, unknown>, seen?: Record<string, unknown>) => update("db.update", table, [{ id, data, seen }]),
    bulkUpdate: (table: string, patches: Patch[]) => update("db.bulkUpdate", table, patches),
    onConflict(table: string, fn: ConflictHandler) {
      handlers.set(table, fn);
      return () => void (handlers.get(table) === fn && handlers.delete(table));
    },
  };
}
