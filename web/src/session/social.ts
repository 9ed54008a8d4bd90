// What the owner and those whom they follow post. It is read when somebody looks at it,
// since that starts the homeserver, and kept current by events.
import { create } from "zustand";
import type { Event } from "../protocol/events.ts";
import type { Schemas } from "../protocol/wire.ts";
import { nameOf } from "../ui/people.ts";
import { api } from "./api.ts";
import { refusalOf, type Refusal } from "./http.ts";
import { attempt, notify, onEvent, useSession } from "./store.ts";

export type Post = Omit<Schemas["FeedPost"], "likes"> & { likes: string[] };
export type Unsent = Schemas["FeedUnsent"];
export type Followed = Schemas["Followed"];
export type Circle = Omit<Schemas["CircleInfo"], "people"> & { people: string[] };
export type Place = "feed" | "people" | "you";

interface State {
  place: Place;
  person: string | null; // whose page is shown
  posts: Post[];
  before: string; // asks for what is older; empty at the end
  unsent: Unsent[];
  loaded: boolean;
  failure: Refusal | null;
  following: Followed[];
  circles: Circle[];
  peopleLoaded: boolean;
  open: string | null; // the post whose comments are shown
  comments: Record<string, Post[]>;
}

export const useSocial = create<State>()(() => ({ place: "feed", person: null, posts: [], before: "", unsent: [], loaded: false, failure: null, following: [], circles: [], peopleLoaded: false, open: null, comments: {} }));

const { setState, getState } = useSocial;

const post = (p: Schemas["FeedPost"]): Post => ({ ...p, likes: p.likes ?? [] });

/** known puts the newest page to what is known; over a gap, it begins anew. */
export function known(was: readonly Post[], page: readonly Post[], before: string, beforeWas: string): { posts: Post[]; before: string } {
  const last = page.at(-1);
  const at = last ? was.findIndex((p) => p.message.id === last.message.id) : -1;
  if (!last || at < 0 || !before) return { posts: [...page], before };
  const here = new Set(page.map((p) => p.message.id));
  return { posts: [...page, ...was.slice(at + 1).filter((p) => !here.has(p.message.id))], before: beforeWas };
}

const query = () => ({ of: getState().person ?? undefined });

/** loadFeed reads the newest page. */
export async function loadFeed(): Promise<void> {
  const { person } = getState();
  try {
    const page = await api.feed(query());
    setState((s) => (s.person === person ? { ...known(s.posts, (page.posts ?? []).map(post), page.before, s.before), unsent: person ? [] : (page.unsent ?? []), loaded: true, failure: null } : s));
  } catch (error) {
    setState((s) => (s.person === person ? { failure: refusalOf(error) } : s));
  }
}

/** loadOlder reads the page before what is known. */
export async function loadOlder(): Promise<void> {
  const { before, person } = getState();
  if (!before) return;
  const page = await attempt("Older posts did not load", () => api.feed({ ...query(), before }));
  if (page) setState((s) => (s.before === before && s.person === person ? { posts: [...s.posts, ...(page.posts ?? []).map(post)], before: page.before } : s));
}

/** loadPeople reads whom the owner follows, and who is in their circles. */
export async function loadPeople(): Promise<void> {
  const both = await attempt("Your people did not load", () => Promise.all([api.following(), api.circles()]));
  if (both) setState({ following: both[0], circles: both[1].map((c) => ({ ...c, people: c.people ?? [] })), peopleLoaded: true });
}

/** showPlace goes to one of the three places. */
export function showPlace(place: Place): void {
  const elsewhere = getState().person !== null;
  setState({ place, person: null, open: null, ...(elsewhere ? { posts: [], loaded: false, before: "" } : {}) });
  if (elsewhere) void loadFeed();
}

/** showPerson shows the page of somebody. */
export function showPerson(person: string): void {
  setState({ place: "feed", person, open: null, posts: [], before: "", loaded: false });
  void loadFeed();
}

/** showPost opens the comments of a post; null closes them. */
export function showPost(open: string | null): void {
  setState({ open });
  if (open) void loadThread(open);
}

async function loadThread(event: string): Promise<void> {
  const t = await attempt("The comments did not load", () => api.thread(event));
  if (!t) return;
  setState((s) => {
    const fresh = post(t.post);
    const here = s.posts.some((p) => p.message.id === event);
    return { comments: { ...s.comments, [event]: (t.comments ?? []).map(post) }, posts: here ? s.posts.map((p) => (p.message.id === event ? fresh : p)) : [fresh, ...s.posts] };
  });
}

/** publish posts something; false if it was not taken. */
export async function publish(circle: string, text: string, file: File | null): Promise<boolean> {
  const sent = await attempt("It was not posted", () => (file ? api.postFile(circle, text, file) : api.post(circle, text)));
  if (sent) await loadFeed();
  return sent !== undefined;
}

/** like likes a post, or no longer; it is shown at once, and as it was if it was not taken. */
export async function like(p: Post, me: string): Promise<void> {
  const change = (on: boolean) =>
    setState((s) => ({
      posts: s.posts.map((x) => (x.message.id === p.message.id ? { ...x, liked: on, likes: on ? [...x.likes.filter((h) => h !== me), me] : x.likes.filter((h) => h !== me) } : x)),
    }));
  change(!p.liked);
  const done = await attempt("It was not done", () => api.respond(p.message.id, { like: !p.liked }).then(() => true));
  if (!done) change(p.liked);
}

export async function comment(event: string, text: string): Promise<boolean> {
  const done = await attempt("Your comment was not sent", () => api.respond(event, { comment: text }).then(() => true));
  return done ?? false;
}

/** takeBack removes a post, or a comment in a feed of the owner's. */
export async function takeBack(p: Post): Promise<void> {
  const done = await attempt("It was not taken back", () => api.writeRoom(p.room, { redact: p.message.id }).then(() => true));
  if (!done) return;
  setState((s) => ({ posts: s.posts.filter((x) => x.message.id !== p.message.id), open: s.open === p.message.id ? null : s.open }));
  if (p.message.thread) await loadThread(p.message.thread);
}

/** follow follows somebody or accepts an invitation, or ends that; the refusal says why not. */
export async function follow(body: Schemas["FollowBody"]): Promise<Refusal | null> {
  try {
    await api.follow(body);
  } catch (error) {
    return refusalOf(error);
  }
  await Promise.all([loadPeople(), loadFeed()]);
  return null;
}

const pause = 120; // several events become one reading
let due: ReturnType<typeof setTimeout> | undefined;

function soon(run: () => void): void {
  due ??= setTimeout(() => {
    due = undefined;
    run();
  }, pause);
}

async function tell(room: string, event: string, sender: string): Promise<void> {
  const circles = getState().peopleLoaded ? getState().circles : await api.circles().catch(() => []);
  if (!circles.some((c) => c.room === room) || (getState().open === event && document.hasFocus())) return;
  const t = await api.thread(event).catch(() => null);
  const last = t?.comments?.findLast((c) => c.message.sender === sender);
  notify({ level: "info", title: `${nameOf(sender)} commented on your post`, text: last?.message.body.slice(0, 160), action: { label: "Show", command: "social.post", arg: event } });
}

function followEvent(e: Event): void {
  if (e.kind !== "room") return;
  const { room, event, sender, notify: wanted } = e.data;
  if (!event && !sender) return;
  if (wanted && event && sender && sender !== useSession.getState().me?.handle) void tell(room, event, sender);
  if (!getState().loaded) return;
  soon(() => {
    void loadFeed();
    if (getState().peopleLoaded) void loadPeople();
    const { open } = getState();
    if (open) void loadThread(open);
  });
}

/** followSocial keeps it current; it returns a function that ends it. */
export const followSocial = () => onEvent(followEvent);
