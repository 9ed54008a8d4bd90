import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { os } from "./os.ts";
import type { Query, Row } from "./types.ts";

interface Snapshot {
  rows: Row[];
  loading: boolean;
  error: Error | null;
}

/** A query that several components may watch; it loads once and again on each change. */
class LiveQuery {
  snapshot: Snapshot = { rows: [], loading: true, error: null };
  private readonly listeners = new Set<() => void>();
  private stop: (() => void) | null = null;
  private running = false;
  private stale = false;

  constructor(readonly table: string, readonly query: Query) {}

  readonly subscribe = (fn: () => void): (() => void) => {
    this.listeners.add(fn);
    if (!this.stop) {
      this.stop = os.db.onChange(this.table, () => this.load());
      this.load();
    }
    return () => {
      this.listeners.delete(fn);
      if (this.listeners.size === 0) {
        this.stop?.();
        this.stop = null;
      }
    };
  };

  // At most one request is under way; changes meanwhile cause exactly one more.
  load(): void {
    if (this.running) {
      this.stale = true;
      return;
    }
    this.running = true;
    os.db
      .find(this.table, this.query)
      .then(
        (rows) => this.set({ rows, loading: false, error: null }),
        (error: Error) => this.set({ ...this.snapshot, loading: false, error }),
      )
      .finally(() => {
        this.running = false;
        if (this.stale) {
          this.stale = false;
          this.load();
        }
      });
  }

  private set(next: Snapshot): void {
    this.snapshot = next;
    for (const fn of this.listeners) fn();
  }
}

const queries = new Map<string, LiveQuery>();

function liveQuery(table: string, query: Query): LiveQuery {
  const key = JSON.stringify([table, query]);
  let q = queries.get(key);
  if (!q) queries.set(key, (q = new LiveQuery(table, query)));
  return q;
}

// What this app wrote is visible at once, whether or not the system's own
// notice of the change arrives.
function changed(table: string): void {
  for (const q of queries.values()) if (q.table === table) q.load();
}

export interface Rows extends Snapshot {
  insert(data: Record<string, unknown>): Promise<string>;
  /** seen is the row as it was when the owner began to change it. */
  update(id: string, patch: Record<string, unknown>, seen?: Record<string, unknown>): Promise<void>;
  remove(id: string): Promise<void>;
}

/** useRows reads rows of a table and follows every change of them, from here or elsewhere. */
export function useRows(table: string, query: Query = {}): Rows {
  const key = JSON.stringify(query);
  const live = useMemo(() => liveQuery(table, { limit: 10000, ...(JSON.parse(key) as Query) }), [table, key]);
  const snapshot = useSyncExternalStore(live.subscribe, () => live.snapshot);
  const insert = useCallback(
    async (data: Record<string, unknown>) => {
      const { id } = await os.db.insert(table, data);
      changed(table);
      return id;
    },
    [table],
  );
  const update = useCallback(
    async (id: string, patch: Record<string, unknown>, seen?: Record<string, unknown>) => {
      try {
        await os.db.update(table, id, patch, seen);
      } finally {
        changed(table);
      }
    },
    [table],
  );
  const remove = useCallback(
    async (id: string) => {
      await os.db.delete(table, id);
      changed(table);
    },
    [table],
  );
  return { ...snapshot, insert, update, remove };
}

/** useValue keeps one JSON value of the app's data; the third result says whether it has been read. */
export function useValue<T>(key: string, initial: T): [T, (next: T | ((now: T) => T)) => void, boolean] {
  const cell = useMemo(() => liveValue(key), [key]);
  const state = useSyncExternalStore(cell.subscribe, () => cell.state);
  const [first] = useState(initial);
  const value = (state.value === null || state.value === undefined ? first : state.value) as T;
  const set = useCallback(
    (next: T | ((now: T) => T)) => {
      const now = (cell.state.value ?? first) as T;
      cell.write(typeof next === "function" ? (next as (now: T) => T)(now) : next);
    },
    [cell, first],
  );
  useEffect(() => {
    if (state.error) console.error(state.error);
  }, [state.error]);
  return [value, set, state.loaded];
}

interface Cell {
  state: { value: unknown; loaded: boolean; error: Error | null };
  subscribe(fn: () => void): () => void;
  write(value: unknown): void;
}

const cells = new Map<string, Cell>();

function liveValue(key: string): Cell {
  const known = cells.get(key);
  if (known) return known;
  const listeners = new Set<() => void>();
  let stop: (() => void) | null = null;
  let writes = Promise.resolve();
  let pending = 0;
  const set = (state: Cell["state"]) => {
    cell.state = state;
    for (const fn of listeners) fn();
  };
  const fail = (error: Error) => set({ ...cell.state, loaded: true, error });
  // A read that returns while own writes are under way is older than they are.
  const load = () => {
    os.readData(key).then((value) => (pending === 0 ? set({ value, loaded: true, error: null }) : undefined), fail);
  };
  const cell: Cell = {
    state: { value: undefined, loaded: false, error: null },
    subscribe(fn) {
      listeners.add(fn);
      if (!stop) {
        stop = os.onDataChange((changedKey) => (changedKey === key && pending === 0 ? load() : undefined));
        load();
      }
      return () => {
        listeners.delete(fn);
        if (listeners.size === 0) {
          stop?.();
          stop = null;
        }
      };
    },
    write(value) {
      set({ value, loaded: true, error: null });
      pending++;
      writes = writes.then(() => os.writeData(key, value)).catch(fail).finally(() => void pending--);
    },
  };
  cells.set(key, cell);
  return cell;
}
