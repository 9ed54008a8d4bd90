import { useRows, type Row } from "@matrixos/sdk";
import { useToast } from "@matrixos/ui";
import { useRef, useState } from "react";
import type { Item } from "./shapes";

/** A step that can be taken back: items before it and after it; null is not there. */
type Step = { id: string; before: Item | null; after: Item | null }[];

const columns = ({ id: _, ...rest }: Item) => rest;
const itemOf = (r: Row): Item => ({ id: r.id, kind: r.kind, points: Array.isArray(r.points) ? r.points : [], text: r.text, color: String(r.color), width: Number(r.width) || 2, place: Number(r.place) || 0 });

/** useItems are the items of a board, and steps on them that undo takes back. What is under way shows at once. */
export function useItems(board: string) {
  const { rows, insert, update, remove, loading } = useRows("items", { where: { board } });
  const [past, setPast] = useState<{ done: Step[]; undone: Step[] }>({ done: [], undone: [] });
  const [soon, setSoon] = useState<Map<string, Item | null>>(new Map()); // until the rows say it
  const queue = useRef(Promise.resolve());
  const toast = useToast();
  const known = new Map(rows.map((r) => [r.id, itemOf(r)]));
  for (const [id, it] of soon) if (it) known.set(id, it);
  else known.delete(id);
  const items = [...known.values()].filter((i) => i.points.length > 0).sort((a, b) => a.place - b.place);

  const run = (step: Step, back: boolean) => {
    setSoon((now) => new Map([...now, ...step.map((c): [string, Item | null] => [c.id, back ? c.before : c.after])]));
    queue.current = queue.current
      .then(async () => {
        for (const c of step) {
          const [from, to] = back ? [c.after, c.before] : [c.before, c.after];
          if (!to) await remove(c.id);
          else if (from) await update(c.id, columns(to));
          else await insert({ id: c.id, board, ...columns(to) });
        }
      })
      .catch((e: Error) => toast(e.message))
      .then(() => new Promise<void>((r) => setTimeout(r, 300)))
      .then(() => setSoon((now) => new Map([...now].filter(([id, it]) => !step.some((c) => c.id === id && (back ? c.before : c.after) === it)))));
  };
  const take = (step: Step) => {
    if (step.length === 0) return;
    setPast((p) => ({ done: [...p.done, step], undone: [] }));
    run(step, false);
  };
  const undo = () => {
    const step = past.done.at(-1);
    if (!step) return;
    setPast({ done: past.done.slice(0, -1), undone: [...past.undone, step] });
    run(step, true);
  };
  const redo = () => {
    const step = past.undone.at(-1);
    if (!step) return;
    setPast({ done: [...past.done, step], undone: past.undone.slice(0, -1) });
    run(step, false);
  };
  return {
    items,
    loading,
    add: (it: Omit<Item, "id" | "place">) => {
      const full: Item = { ...it, id: crypto.randomUUID(), place: (items.at(-1)?.place ?? 0) + 1 };
      take([{ id: full.id, before: null, after: full }]);
      return full.id;
    },
    change: (all: Item[]) => take(all.flatMap((after) => ({ id: after.id, before: known.get(after.id) ?? null, after }))),
    drop: (ids: string[]) => take(ids.flatMap((id) => (known.has(id) ? [{ id, before: known.get(id)!, after: null }] : []))),
    undo, redo, canUndo: past.done.length > 0, canRedo: past.undone.length > 0,
  };
}
