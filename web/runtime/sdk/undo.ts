import { useCallback, useState } from "react";
import { useValue } from "./rows.ts";

export interface Undo<T> {
  value: T;
  /** set takes a step that undo takes back. */
  set(next: T): void;
  /** reset begins anew: there is nothing to take back. */
  reset(next: T): void;
  undo(): void;
  redo(): void;
  canUndo: boolean;
  canRedo: boolean;
  loaded: boolean;
}

const deepest = 500;

/**
 * useUndo keeps one JSON value of the app's data, as useValue does, and the way it
 * came there while the window is open.
 */
export function useUndo<T>(key: string, initial: T): Undo<T> {
  const [value, write, loaded] = useValue<T>(key, initial);
  const [way, setWay] = useState<{ past: T[]; future: T[] }>({ past: [], future: [] });
  const set = useCallback(
    (next: T) => {
      setWay((w) => ({ past: [...w.past.slice(-deepest), value], future: [] }));
      write(next);
    },
    [value, write],
  );
  const reset = useCallback(
    (next: T) => {
      setWay({ past: [], future: [] });
      write(next);
    },
    [write],
  );
  const undo = useCallback(() => {
    const before = way.past.at(-1);
    if (before === undefined) return;
    setWay({ past: way.past.slice(0, -1), future: [value, ...way.future] });
    write(before);
  }, [way, value, write]);
  const redo = useCallback(() => {
    const after = way.future[0];
    if (after === undefined) return;
    setWay({ past: [...way.past, value], future: way.future.slice(1) });
    write(after);
  }, [way, value, write]);
  return { value, set, reset, undo, redo, canUndo: way.past.length > 0, canRedo: way.future.length > 0, loaded };
}
