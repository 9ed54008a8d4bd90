import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { os } from "./os.ts";
import type { RoomList, RoomMove, RoomView } from "./types.ts";

interface Shown {
  room: RoomView | null;
  error: Error | null;
}

const nothing: Shown = { room: null, error: null };
const hereEvery = 20_000;

/** A room that several components may watch. */
class LiveRoom {
  shown: Shown = nothing;
  private readonly listeners = new Set<() => void>();
  private stop: (() => void) | null = null;
  private running = false;
  private stale = false;

  constructor(readonly id: string) {}

  readonly subscribe = (fn: () => void): (() => void) => {
    this.listeners.add(fn);
    this.stop ??= this.begin();
    return () => {
      this.listeners.delete(fn);
      if (this.listeners.size > 0) return;
      this.stop?.();
      this.stop = null;
    };
  };

  private begin(): () => void {
    const off = os.room.onChange(this.id, () => this.load());
    const here = () => (document.hidden ? undefined : void os.room.here(this.id).catch(() => undefined)); // only a courtesy
    const timer = setInterval(here, hereEvery);
    here();
    this.load();
    return () => {
      off();
      clearInterval(timer);
    };
  }

  readonly load = (): void => {
    if (this.running) {
      this.stale = true;
      return;
    }
    this.running = true;
    os.room
      .show(this.id)
      .then(
        (room) => this.set({ room, error: null }),
        (error: Error) => this.set({ ...this.shown, error }),
      )
      .finally(() => {
        this.running = false;
        if (!this.stale) return;
        this.stale = false;
        this.load();
      });
  };

  private set(next: Shown): void {
    this.shown = next;
    for (const fn of this.listeners) fn();
  }
}

const rooms = new Map<string, LiveRoom>();

function liveRoom(id: string): LiveRoom {
  let room = rooms.get(id);
  if (!room) rooms.set(id, (room = new LiveRoom(id)));
  return room;
}

const idle = () => () => undefined;

export interface SharedRoom {
  /** null until it is there, or without an id. */
  room: RoomView | null;
  error: Error | null;
  /** value of a key; undefined if it has none. */
  get(key: string): any;
  set(key: string, value: unknown): Promise<void>;
  append(value: unknown): Promise<{ id: string; counts: boolean }>;
  score(board: string, value: number): Promise<void>;
}

/** useRoom reads a shared room, follows every change, and shows the others that this person is there. */
export function useRoom(id: string | null): SharedRoom {
  const live = id === null ? null : liveRoom(id);
  const shown = useSyncExternalStore(live?.subscribe ?? idle, () => live?.shown ?? nothing);
  const write = useCallback(
    async <T>(work: (room: string) => Promise<T>): Promise<T> => {
      if (!live) throw new Error("There is no room.");
      try {
        return await work(live.id);
      } finally {
        live.load();
      }
    },
    [live],
  );
  const newest = shown.room?.log.at(-1)?.id ?? "";
  return {
    ...shown,
    get: (key) => shown.room?.values.find((v) => v.key === key)?.value,
    set: (key, value) => write(async (room) => void (await os.room.state.set(room, key, value))),
    append: (value) => write((room) => os.room.append(room, value, newest)),
    score: (board, value) => write(async (room) => void (await os.room.score(room, board, value))),
  };
}

/** useRooms lists the rooms of this app; the third of its parts reads them anew. */
export function useRooms(): { list: RoomList | null; error: Error | null; reload(): Promise<void> } {
  const [list, setList] = useState<RoomList | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const joined = useRef(new Set<string>());
  const reload = useCallback(async () => {
    try {
      const now = await os.room.list();
      joined.current = new Set(now.rooms.filter((r) => r.state === "joined").map((r) => r.id));
      setList(now);
      setError(null);
    } catch (e) {
      setError(e as Error);
    }
  }, []);
  useEffect(() => {
    void reload();
    const look = () => (document.hidden ? undefined : void reload());
    const off = os.room.onChange("", (room) => (joined.current.has(room) ? undefined : void reload())); // one that the owner has just joined
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      off();
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [reload]);
  return { list, error, reload };
}

/** useConflict hears of writes in a room that did not count because somebody else wrote at the same time. */
export function useConflict(id: string | null, fn: (lost: { key?: string; kept: RoomMove | null; lost: RoomMove }) => void): void {
  const [latest] = useState({ fn });
  useEffect(() => void (latest.fn = fn));
  useEffect(() => (id === null ? undefined : os.room.onConflict(id, (l) => latest.fn(l))), [id, latest]);
}

/** personName is how somebody is called: the part of their handle before the domain. */
export function personName(handle: string): string {
  return handle.replace(/^@/, "").split(":")[0] ?? handle;
}
