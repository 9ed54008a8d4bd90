// The owner's rooms on the Matrix network. They are read when somebody looks at them,
// since that starts the homeserver, and kept current by events.
import { create } from "zustand";
import type { Event, EventOf } from "../protocol/events.ts";
import type { Schemas } from "../protocol/wire.ts";
import { api } from "./api.ts";
import { refusalOf, type Refusal } from "./http.ts";
import { nameOf } from "../ui/people.ts";
import { count } from "../ui/words.ts";
import { attempt, dismissAbout, notify, onEvent, useSession } from "./store.ts";

export type Room = Omit<Schemas["RoomInfo"], "members"> & { members: string[] };
export type Said = Schemas["RoomMessage"];
export type Unsent = Schemas["RoomUnsent"];
export type Writing = Schemas["Writing"];
export type Attendance = Schemas["Attendance"];

/** Talk is what is known of one room's timeline, oldest first. */
export interface Talk {
  messages: Said[];
  before: string; // asks for what is older; empty at the beginning
  read: Record<string, string>;
  unsent: Unsent[];
}

interface State {
  rooms: Room[];
  loaded: boolean;
  failure: Refusal | null;
  open: string | null; // the room that is shown
  agreements: boolean; // what AIs agree on is shown in its place
  talks: Record<string, Talk>;
  troubles: Record<string, Refusal>; // rooms whose timeline did not load
  typing: Record<string, string[]>;
  thread: string | null; // the event whose thread stands beside the room
  hit: { event: string } | null; // what was looked for, and is to come into view
}

export const useRooms = create<State>()(() => ({ rooms: [], loaded: false, failure: null, open: null, agreements: false, talks: {}, troubles: {}, typing: {}, thread: null, hit: null }));

const { setState, getState } = useRooms;

/** titleOf is what a room is called: its name, or who else is in it. */
export function titleOf(room: Pick<Room, "name" | "members" | "inviter" | "state">, me: string): string {
  if (room.name) return room.name;
  if (room.state === "invited") return inviterOf(room.inviter);
  const others = room.members.filter((m) => m !== me);
  if (others.length === 0) return "Only you";
  return others.slice(0, 3).map(nameOf).join(", ") + (others.length > 3 ? ` and ${others.length - 3} more` : "");
}

/** peopleIn says how many are in a room, and how many are asked to be. */
export function peopleIn(room: Pick<Room, "members" | "invited">): string {
  const asked = room.invited?.length ?? 0;
  return count(room.members.length - asked, "member") + (asked > 0 ? `, ${asked} invited` : "");
}

/** inviterOf is who invites: by name, or by the whole handle if the name says nothing. */
export function inviterOf(inviter = ""): string {
  const name = nameOf(inviter);
  return name === "you" ? inviter : name || "Somebody"; // a home of which the owner has chosen no name is called you
}

/** invitationOf says an invitation: who invites to what; name is that of the app here, if one shares in it. */
export function invitationOf(room: Pick<Room, "app" | "inviter" | "direct" | "name">, name?: string): string {
  const who = inviterOf(room.inviter);
  if (room.app) {
    const app = name ?? room.app.name;
    return `${who} invites you to ${app}${room.app.title && room.app.title !== app ? `: ${room.app.title}` : ""}`;
  }
  if (room.direct) return `${who} wants to write to you`;
  return room.name ? `${who} invites you to “${room.name}”` : `${who} invites you to a room without a name`;
}

/** join puts the newest page of a timeline to what is known; over a gap, it begins anew. */
export function join(talk: Talk | undefined, page: Schemas["RoomPage"]): Talk {
  const messages = page.messages ?? [];
  const fresh = { messages, before: page.before, read: page.read, unsent: page.unsent ?? [] };
  if (!talk || talk.messages.length === 0) return fresh;
  const first = talk.messages.findIndex((m) => messages.some((p) => p.id === m.id));
  if (first < 0) return messages.length === 0 ? { ...fresh, messages: talk.messages, before: talk.before } : fresh;
  const here = new Set(messages.map((m) => m.id));
  return { ...fresh, messages: [...talk.messages.slice(0, first).filter((m) => !here.has(m.id)), ...messages], before: talk.before };
}

let reading: Promise<void> | null = null;
let again = false;

/** loadRooms reads the list, one reading at a time: asked meanwhile, it reads once more. */
export function loadRooms(): Promise<void> {
  if (reading) {
    again = true;
    return reading;
  }
  reading = api
    .rooms()
    .then(
      (list) => setState({ rooms: list.map((r) => ({ ...r, members: r.members ?? [] })), loaded: true, failure: null }),
      (error: unknown) => setState({ failure: refusalOf(error) }),
    )
    .then(() => {
      reading = null;
      if (!again) return;
      again = false;
      return loadRooms();
    });
  return reading;
}

/** showRoom makes a room the one that is shown. */
export function showRoom(open: string | null): void {
  setState((s) => ({ open, agreements: false, thread: s.open === open ? s.thread : null, hit: null }));
  if (!open) return;
  dismissAbout("messages.open", open);
  void loadTalk(open);
}

/** showAgreements shows what AIs agree on in place of a room, from one of them on if it is named. */
export const showAgreements = (deal?: string) => setState({ agreements: true, open: null, thread: null, hit: deal ? { event: deal } : null });

/** showThread stands a thread beside the room; null takes it away. */
export const showThread = (thread: string | null) => setState({ thread });

const few = 20;

/** loadTalk reads the newest page of a room; anew forgets what is known. */
export async function loadTalk(room: string, anew = false): Promise<void> {
  if (getState().rooms.find((r) => r.id === room)?.state === "invited") return;
  const first = getState().talks[room] === undefined;
  try {
    const page = await api.roomPage(room);
    setState((s) => {
      const { [room]: _gone, ...troubles } = s.troubles;
      return { talks: { ...s.talks, [room]: join(anew ? undefined : s.talks[room], page) }, troubles };
    });
    if (first && page.before && (page.messages?.length ?? 0) < few) await loadOlder(room); // a screen is not full yet
  } catch (error) {
    setState((s) => ({ troubles: { ...s.troubles, [room]: refusalOf(error) } }));
  }
}

/** loadOlder reads the page before what is known. */
export async function loadOlder(room: string): Promise<void> {
  const before = getState().talks[room]?.before;
  if (!before) return;
  const page = await attempt("Older messages did not load", () => api.roomPage(room, before));
  if (!page) return;
  setState((s) => {
    const talk = s.talks[room];
    if (!talk || talk.before !== before) return s;
    const known = new Set(talk.messages.map((m) => m.id));
    return { talks: { ...s.talks, [room]: { ...talk, messages: [...(page.messages ?? []).filter((m) => !known.has(m.id)), ...talk.messages], before: page.messages?.length ? page.before : "" } } };
  });
}

const mostBack = 40; // pages that are read back for what was found

/** showHit opens a room at something that was said there, and reads back until it is here. */
export async function showHit(room: string, event: string): Promise<void> {
  showRoom(room);
  await loadTalk(room);
  const there = () => getState().talks[room]?.messages.find((m) => m.id === event);
  for (let pages = 0; !there() && pages < mostBack && getState().open === room && getState().talks[room]?.before; pages++) await loadOlder(room);
  if (getState().open !== room) return;
  const found = there();
  if (found) setState({ hit: { event }, thread: found.thread || null });
  else notify({ level: "info", title: "It is further back", text: "This room is shown as far as it was read. Older messages are above." });
}

/** write sends something; false if it was not taken. */
export async function write(room: string, w: Writing): Promise<boolean> {
  const sent = await attempt("It was not sent", () => api.writeRoom(room, w));
  if (sent) await loadTalk(room);
  return sent !== undefined;
}

export async function attach(room: string, file: File, thread?: string): Promise<boolean> {
  const sent = await attempt(`${file.name} was not sent`, () => api.attach(room, file, thread));
  if (sent) await loadTalk(room);
  return sent !== undefined;
}

export async function attend(room: string, what: Attendance, trouble: string): Promise<boolean> {
  const done = await attempt(trouble, () => api.attendRoom(room, what).then(() => true));
  if (done) await loadRooms();
  return done ?? false;
}

/** readUpTo tells the room that the owner has read; nobody is told of a failure, as the next one makes it good. */
export function readUpTo(room: string, event: string): void {
  setState((s) => ({ rooms: s.rooms.map((r) => (r.id === room ? { ...r, unread: 0, meant: 0 } : r)) }));
  api.attendRoom(room, { act: "read", event }).catch(() => undefined);
}

/** talkTo opens the direct chat with somebody, and makes it if there is none. */
export async function talkTo(who: string): Promise<string | undefined> {
  const made = await attempt(`There is no chat with ${who}`, () => api.makeRoom({ people: [who] }));
  if (!made) return undefined;
  await loadRooms();
  showRoom(made.room);
  return made.room;
}

const pause = 60; // several events become one reading
const due = new Map<string, ReturnType<typeof setTimeout>>();

function soon(what: string, run: () => Promise<void>): void {
  if (due.has(what)) return;
  due.set(what, setTimeout(() => {
    due.delete(what);
    void run();
  }, pause));
}

async function tell(e: EventOf<"room">): Promise<void> {
  await loadRooms();
  const room = getState().rooms.find((r) => r.id === e.data.room);
  if (!room || (getState().open === room.id && document.hasFocus())) return;
  const me = useSession.getState().me?.handle ?? "";
  if (room.app) {
    if (room.state === "invited") notify({ level: "waiting", title: invitationOf(room, useSession.getState().apps[room.app.slug]?.name), action: { label: "Look", command: "messages.open", arg: room.id } });
    return;
  }
  const who = nameOf(e.data.sender ?? "");
  const title = room.direct || titleOf(room, me) === who ? who : `${who} in ${titleOf(room, me)}`;
  const text = room.newest?.id === e.data.event ? (room.newest?.body ?? "").slice(0, 160) : undefined;
  notify({ level: "info", title, text, action: { label: "Open", command: "messages.open", arg: room.id } });
  if (document.hidden && "Notification" in globalThis && Notification.permission === "granted") new Notification(title, { body: text, tag: room.id });
}

function follow(e: Event): void {
  if (e.kind !== "room") return;
  const { room, event, sender, typing, read, notify: wanted } = e.data;
  if (event || sender) {
    if (wanted) void tell(e);
    else if (getState().loaded) soon("rooms", loadRooms);
    if (getState().talks[room]) soon(room, () => loadTalk(room));
    return;
  }
  setState((s) => {
    const talk = s.talks[room];
    return {
      typing: read ? s.typing : { ...s.typing, [room]: typing ?? [] },
      talks: read && talk ? { ...s.talks, [room]: { ...talk, read: { ...talk.read, ...read } } } : s.talks,
    };
  });
}

/** followRooms keeps the rooms current; it returns a function that ends it. */
export const followRooms = () => onEvent(follow);
