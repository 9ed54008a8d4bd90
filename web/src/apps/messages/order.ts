// How rooms stand in the list. Pure.
import { titleOf, type Room } from "../../session/rooms.ts";

const moment = (r: Room) => (r.state === "invited" ? Infinity : r.newest ? Date.parse(r.newest.time) : 0);

/** ordered puts invitations first, then the newest word. */
export function ordered(rooms: readonly Room[]): Room[] {
  return rooms.toSorted((a, b) => moment(b) - moment(a) || a.id.localeCompare(b.id));
}

interface Section {
  id: string;
  title: string;
  rooms: Room[];
}

/** sections are invitations, people, then each space with its rooms, then all other rooms. */
export function sections(rooms: readonly Room[], me: string): Section[] {
  const list = ordered(rooms).filter((r) => !r.space);
  const spaces = rooms.filter((r) => r.space && r.state === "joined");
  const grouped = new Set(spaces.flatMap((s) => s.children ?? []));
  const joined = list.filter((r) => r.state === "joined");
  const person = (r: Room) => Boolean(r.direct || r.ai);
  return [
    { id: "invited", title: "Invitations", rooms: list.filter((r) => r.state === "invited") },
    { id: "people", title: "People", rooms: joined.filter(person) },
    ...spaces.map((s) => ({ id: s.id, title: titleOf(s, me), rooms: joined.filter((r) => s.children?.includes(r.id) && !person(r)) })),
    { id: "rooms", title: "Rooms", rooms: joined.filter((r) => !person(r) && !grouped.has(r.id)) },
  ].filter((s) => s.rooms.length > 0 || spaces.some((x) => x.id === s.id));
}
