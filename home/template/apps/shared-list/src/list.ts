// A list and what is on it, wherever it is kept: in this home, or in a room that it
// shares with others.
import { os, useConflict, useRoom, useRows, type RoomView } from "@matrixos/sdk";

export interface Thing {
  id: string;
  text: string;
  amount: string;
  done: boolean;
  by?: string;
}

export type Patch = Partial<Pick<Thing, "text" | "amount" | "done">>;

export interface Kept {
  things: Thing[];
  loading: boolean;
  error: Error | null;
  room: RoomView | null;
  add(text: string, amount: string): Promise<unknown>;
  change(thing: Thing, patch: Patch): Promise<unknown>;
  drop(thing: Thing): Promise<unknown>;
  restore(thing: Thing): Promise<unknown>;
}

/** readThing reads "2 l milk" or "eggs x6": how much, and of what. */
export function readThing(line: string): { text: string; amount: string } {
  const text = line.trim().replace(/\s+/g, " ");
  const before = /^(\d+(?:[.,]\d+)?\s?(?:kg|g|l|ml|x)?)\s+(\S.*)$/i.exec(text);
  if (before) return { text: before[2]!, amount: before[1]! };
  const after = /^(\S.*?)\s+x\s?(\d+)$/i.exec(text);
  if (after) return { text: after[1]!, amount: after[2]! };
  return { text, amount: "" };
}

/** inOrder puts what is to be got first, then what is done, each as it was written down. */
export const inOrder = <T extends { done: boolean }>(things: readonly T[]): T[] => [...things.filter((t) => !t.done), ...things.filter((t) => t.done)];

/** usePrivate is a list of this home's own. */
export function usePrivate(list: string): Kept {
  const { rows, loading, error, insert, update, remove } = useRows("items", { where: { list }, orderBy: { created_at: "asc" } });
  const things = rows.map((r) => ({ id: r.id, text: String(r.text), amount: String(r.amount ?? ""), done: Boolean(r.done) }));
  return {
    things: inOrder(things), loading, error, room: null,
    add: (text, amount) => insert({ list, text, amount, done: false }),
    change: (t, patch) => update(t.id, patch as Record<string, unknown>),
    drop: (t) => remove(t.id),
    restore: (t) => insert({ list, text: t.text, amount: t.amount, done: t.done }),
  };
}

const prefix = "item/";

/** thingsOf reads a room; what others wrote into it may have any form. */
export function thingsOf(room: RoomView): Thing[] {
  const out = [];
  for (const v of room.values) {
    const w = v.value;
    if (!v.key.startsWith(prefix) || w === null || typeof w !== "object" || typeof w.text !== "string") continue;
    out.push({ id: v.key, text: w.text.slice(0, 200), amount: typeof w.amount === "string" ? w.amount.slice(0, 40) : "", done: w.done === true, by: v.by, order: typeof w.order === "number" ? w.order : 0 });
  }
  return inOrder(out.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1)).map(({ order: _order, ...t }) => t));
}

const newKey = () => prefix + crypto.randomUUID().slice(0, 18);

/** useShared is a list in a room. told hears what the list keeps when two have changed the same thing at once. */
export function useShared(id: string, told: (lost: string, kept: string, by: string) => void): Kept {
  const { room, error, set, get } = useRoom(id);
  useConflict(id, ({ kept, lost }) => {
    const words = (v: any) => (v === null || v === undefined ? "taken off" : `${v.text}${v.done ? ", done" : ""}`);
    if (kept) told(words(lost.value), words(kept.value), kept.by);
  });
  const order = (key: string) => Number(get(key)?.order ?? 0);
  const next = () => Math.max(0, ...(room?.values ?? []).map((v) => Number(v.value?.order) || 0)) + 1;
  return {
    things: room ? thingsOf(room) : [], loading: !room && !error, error, room,
    add: (text, amount) => set(newKey(), { text, amount, done: false, order: next() }),
    change: (t, patch) => set(t.id, { text: t.text, amount: t.amount, done: t.done, order: order(t.id), ...patch }),
    drop: (t) => set(t.id, null),
    restore: (t) => set(t.id, { text: t.text, amount: t.amount, done: t.done, order: next() }),
  };
}

/** shareList makes a room of a list of this home's own, with what is on it. */
export async function shareList(title: string, things: readonly Thing[]): Promise<string> {
  const { id } = await os.room.create({ title });
  let order = 0;
  for (const t of things) await os.room.state.set(id, newKey(), { text: t.text, amount: t.amount, done: t.done, order: ++order });
  return id;
}
