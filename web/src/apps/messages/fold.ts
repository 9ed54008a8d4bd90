// What a timeline looks like to people: edits in place, reactions under what they are
// about, threads folded, days set apart. Pure.
import type { Said } from "../../session/rooms.ts";

export interface Reaction {
  key: string;
  by: string[];
  mine: string | null; // the owner's own event, to take back
}

/** Line is one thing said, with everything that was said about it. */
export interface Line {
  said: Said;
  text: string;
  day: string | null; // the first of a day: its time, for the heading
  head: boolean; // begins a group: somebody else spoke before, or a while ago
  edited: boolean;
  gone: boolean; // taken back
  reactions: Reaction[];
  reply: Said | null; // what it answers, if that is known
  answers: { count: number; last: Said } | null; // its thread
  readers: string[]; // who has read up to here
}

interface Relation {
  event_id?: string;
  key?: string;
  rel_type?: string;
}

/** relation is what a message says that it is about. */
export function relation(m: Said): Relation {
  const content = m.content as { "m.relates_to"?: unknown } | null;
  const about = content?.["m.relates_to"];
  return typeof about === "object" && about !== null ? (about as Relation) : {};
}

/** plain takes off the quotation that older clients put before an answer. */
export function plain(body: string): string {
  if (!body.startsWith("> <@")) return body;
  const lines = body.split("\n");
  const end = lines.findIndex((l) => !l.startsWith("> "));
  return end < 0 ? body : lines.slice(lines[end] === "" ? end + 1 : end).join("\n");
}

const shown = (m: Said) => (m.type === "m.room.message" || m.type === "m.sticker" || m.type === "m.room.encrypted") && !m.edits;
const pauseOf = 5 * 60_000; // after which somebody's next words stand apart

/** visible are the messages of a room, or of one thread: its root and what answers it. */
export function visible(messages: readonly Said[], thread: string | null): Said[] {
  return messages.filter((m) => shown(m) && (thread ? m.id === thread || m.thread === thread : !m.thread));
}

/** edits are the newest words of what was changed by its own author. */
function edits(messages: readonly Said[]): Map<string, string> {
  const authors = new Map(messages.map((m) => [m.id, m.sender]));
  const out = new Map<string, string>();
  for (const m of messages) if (m.edits && m.kind !== "redacted" && authors.get(m.edits) === m.sender) out.set(m.edits, m.body);
  return out;
}

/** reactionsOf gathers who feels what about each message. */
export function reactionsOf(messages: readonly Said[], me: string): Map<string, Reaction[]> {
  const out = new Map<string, Reaction[]>();
  for (const m of messages) {
    const { event_id: about, key } = relation(m);
    if (m.type !== "m.reaction" || m.kind === "redacted" || !about || typeof key !== "string" || key === "") continue;
    const list = out.get(about) ?? [];
    let one = list.find((r) => r.key === key);
    if (!one) list.push((one = { key, by: [], mine: null }));
    if (!one.by.includes(m.sender)) one.by.push(m.sender);
    if (m.sender === me) one.mine = m.id;
    out.set(about, list);
  }
  return out;
}

/** readersOf puts each receipt to the newest shown message that it covers. */
export function readersOf(messages: readonly Said[], list: readonly Said[], read: Readonly<Record<string, string>>, me: string): Map<string, string[]> {
  const place = new Map(messages.map((m, i) => [m.id, i]));
  const out = new Map<string, string[]>();
  for (const [who, event] of Object.entries(read)) {
    const upto = place.get(event);
    if (who === me || upto === undefined) continue;
    const at = list.findLast((m) => (place.get(m.id) ?? Infinity) <= upto);
    if (at && at.sender !== who) out.set(at.id, [...(out.get(at.id) ?? []), who]);
  }
  return out;
}

/** fold makes the lines of a room, or of one thread. */
export function fold(messages: readonly Said[], me: string, read: Readonly<Record<string, string>> = {}, thread: string | null = null): Line[] {
  const list = visible(messages, thread);
  const changed = edits(messages);
  const reactions = reactionsOf(messages, me);
  const readers = readersOf(messages, list, read, me);
  const byID = new Map(messages.map((m) => [m.id, m]));
  let last: Said | undefined;
  return list.map((said) => {
    const day = !last || new Date(last.time).toDateString() !== new Date(said.time).toDateString();
    const head = day || !last || last.sender !== said.sender || Date.parse(said.time) - Date.parse(last.time) > pauseOf;
    last = said;
    const under = thread ? [] : messages.filter((m) => m.thread === said.id && shown(m) && m.kind !== "redacted");
    const newest = under.at(-1);
    return {
      said, head, day: day ? said.time : null, gone: said.kind === "redacted", edited: changed.has(said.id),
      text: plain(changed.get(said.id) ?? said.body),
      reactions: reactions.get(said.id) ?? [],
      reply: said.reply_to && said.reply_to !== said.thread ? (byID.get(said.reply_to) ?? null) : null,
      answers: newest ? { count: under.length, last: newest } : null,
      readers: readers.get(said.id) ?? [],
    };
  });
}

/** gist is a message in a line, for lists. */
export function gist(m: Pick<Said, "kind" | "body">): string {
  switch (m.kind) {
    case "m.image":
      return "A picture";
    case "m.video":
      return "A video";
    case "m.audio":
      return "A recording";
    case "m.file":
      return `A file: ${m.body}`;
    case "unreadable":
      return "Cannot be read yet";
    case "redacted":
      return "Taken back";
    default:
      return plain(m.body).split("\n", 1)[0] ?? "";
  }
}

/** handleIn is the handle that a search names, if it does. */
export const handleIn = (text: string): string | null => /^@[a-z0-9._=/+-]+:[A-Za-z0-9.:-]+$/.exec(text.trim())?.[0] ?? null;

/** typingText says who writes. */
export function typingText(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is writing`;
  return names.length === 2 ? `${names[0]} and ${names[1]} are writing` : "Several people are writing";
}
