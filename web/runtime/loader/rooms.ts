// MatrixOS.room: what this app shares with other people. One call shows a whole room;
// the narrower ones read from it.
import type { RoomList, RoomMove, Rooms, RoomView } from "../sdk/types.ts";
import type { Link } from "./port.ts";

type Lost = { key?: string; kept: RoomMove | null; lost: RoomMove };

/** lostIn are the writes of a room that did not count, each with the one that does. */
export function lostIn(view: RoomView): Lost[] {
  const values = view.values.flatMap((v) => (v.lost ?? []).map((lost) => ({ key: v.key, kept: v as RoomMove, lost })));
  return [...values, ...view.lost.map((lost) => ({ kept: null, lost }))];
}

/** makeRooms builds the part of window.MatrixOS that shares. */
export function makeRooms(link: Link): Rooms {
  const watching = new Map<string, Set<(room: string) => void>>();
  const show = (id: string) => link.call("room.show", { room: id }) as Promise<RoomView>;
  const act = (id: string, action: string, who?: string) => link.call("room.act", { room: id, action, who }) as Promise<void>;

  const onChange = (id: string, fn: (room: string) => void) => {
    const set = watching.get(id) ?? new Set();
    watching.set(id, set.add(fn));
    return () => void set.delete(fn);
  };
  link.on("data", (m) => {
    if (!m.room) return;
    for (const fn of [...(watching.get(m.room) ?? []), ...(watching.get("") ?? [])]) {
      try {
        fn(m.room);
      } catch (error) {
        reportError(error);
      }
    }
  });

  return {
    list: () => link.call("room.list", {}) as Promise<RoomList>,
    create: ({ title, turns = false }) => link.call("room.create", { title, turns }) as Promise<{ id: string }>,
    show,
    invite: (id, who) => act(id, "invite", who),
    join: (id) => act(id, "join"),
    leave: (id) => act(id, "leave"),
    here: (id) => act(id, "here"),
    members: async (id) => (await show(id)).members,
    state: {
      get: async (id, key) => (await show(id)).values.find((v) => v.key === key)?.value ?? null,
      all: async (id) => (await show(id)).values,
      set: (id, key, value) => link.call("room.set", { room: id, key, value }) as Promise<{ id: string }>,
    },
    log: async (id) => (await show(id)).log,
    append: (id, value, after) => link.call("room.append", { room: id, value, after }) as Promise<{ id: string; counts: boolean }>,
    score: (id, board, value) => link.call("room.score", { room: id, key: board, value }) as Promise<{ id: string }>,
    scores: async (id, board) => (await show(id)).scores.filter((s) => s.board === board),
    onChange,
    onConflict(id, fn) {
      const told = new Set<string>();
      let first = true; // what was lost before somebody listened is no news
      const look = () =>
        show(id).then(
          (view) => {
            for (const l of lostIn(view)) {
              if (told.has(l.lost.id)) continue;
              told.add(l.lost.id);
              if (!first) fn(l);
            }
            first = false;
          },
          () => undefined, // whoever shows the room says what is wrong with it
        );
      void look();
      return onChange(id, look);
    },
  };
}
