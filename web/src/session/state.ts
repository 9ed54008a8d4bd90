// Everything the desktop knows of the home, and how events change it. Pure.
import type { ConversationSummary, SessionInfo, ThemeFile } from "../protocol/api.ts";
import type { Event, EventOf } from "../protocol/events.ts";
import type { AppInfo, ConflictInfo, HealCase, LandingInfo, PID, Process, RequestID, Slug } from "../protocol/wire.ts";
import { draft, emptyDoc, reduce, replay, type ChatDoc, type Drafts } from "./chat.ts";
import type { Refusal } from "./http.ts";
import type { LinkState } from "./socket.ts";

export type Phase = "starting" | "signed-out" | "unreachable" | "ready";

export interface Notice {
  id: number;
  level: "info" | "waiting" | "error";
  title: string;
  text?: string;
  app?: Slug;
  action?: { label: string; command: string; arg?: string };
  repair?: HealCase; // what it tells of
}

/** Talk is one conversation; log keeps live events until its past is loaded. */
export interface Talk {
  doc: ChatDoc;
  loaded: boolean;
  log: Event[];
}

export interface State {
  phase: Phase;
  failure: Refusal | null;
  me: SessionInfo | null;
  link: LinkState;
  apps: Record<Slug, AppInfo>;
  appsLoaded: boolean;
  processes: Record<PID, Process>;
  landings: LandingInfo[]; // newest first
  landingsLoaded: boolean;
  conflicts: ConflictInfo[]; // refused work that is not settled, newest first
  heals: HealCase[]; // what was found broken, newest first
  looking: boolean; // for what is broken, because the owner asked for it
  deciding: Record<number, "repair" | "leave" | undefined>; // what the owner has just decided of a case, until it is done
  summaries: ConversationSummary[];
  talks: Record<string, Talk>;
  requests: Record<RequestID, string>; // the conversation that each request belongs to
  drafts: Drafts;
  active: string | null; // the conversation that the chat shows; null is a new one
  pending: { text: string; conversation: string | null } | null; // asked, not yet acknowledged
  askFailure: Refusal | null;
  notices: Notice[];
  theme: ThemeFile;
}

export const defaultTheme: ThemeFile = { mode: "system", accent: "#1F7A4D", wallpaper: "contours" };

export const initialState: State = {
  phase: "starting",
  failure: null,
  me: null,
  link: "connecting",
  apps: {},
  appsLoaded: false,
  processes: {},
  landings: [],
  landingsLoaded: false,
  conflicts: [],
  heals: [],
  looking: false,
  deciding: {},
  summaries: [],
  talks: {},
  requests: {},
  drafts: {},
  active: null,
  pending: null,
  askFailure: null,
  notices: [],
  theme: defaultTheme,
};

/** applyEvents folds a batch into the state. */
export function applyEvents(state: State, events: readonly Event[]): State {
  return events.reduce(applyEvent, state);
}

function applyEvent(state: State, e: Event): State {
  const talked = applyTalk({ ...state, drafts: draft(state.drafts, e) }, e);
  switch (e.kind) {
    case "process":
      return { ...talked, processes: { ...talked.processes, [e.data.pid]: e.data } };
    case "app":
      return { ...talked, apps: applyApp(talked.apps, e) };
    case "landing":
      return { ...talked, landings: addLanding(talked.landings, e.data) };
    case "conflict":
      return { ...talked, conflicts: addConflict(talked.conflicts, e.data) };
    case "heal":
      return { ...talked, heals: addHeal(talked.heals, e.data), notices: toldOf(e.data, talked.notices, talked.apps[e.data.app ?? ""]?.name) };
    case "notice":
      return e.seq === 0 && talked.notices.some((n) => n.title === e.data.title) ? talked : { ...talked, notices: addNotice(talked.notices, e.data) };
    default:
      return talked;
  }
}

function applyApp(apps: State["apps"], e: EventOf<"app">): State["apps"] {
  const { app, removed } = e.data;
  if (!removed) return { ...apps, [app.slug]: app };
  const { [app.slug]: _gone, ...rest } = apps;
  return rest;
}

/** addLanding keeps the list newest first, and marks what a new landing undid. */
export function addLanding(list: LandingInfo[], landing: LandingInfo): LandingInfo[] {
  const undoes = landing.provenance.undoes;
  const rest = list.filter((l) => l.id !== landing.id).map((l) => (l.id === undoes ? { ...l, undone_by: landing.id } : l));
  const at = rest.findIndex((l) => l.id < landing.id);
  return at < 0 ? [...rest, landing] : rest.toSpliced(at, 0, landing);
}

/** addConflict keeps what is not settled, newest first. */
export function addConflict(list: ConflictInfo[], c: ConflictInfo): ConflictInfo[] {
  const rest = list.filter((x) => x.id !== c.id);
  return c.state === "settled" ? rest : [c, ...rest].sort((a, b) => b.time.localeCompare(a.time));
}

/** waiting are the conflicts that the owner is to decide. */
export function waiting(list: readonly ConflictInfo[]): ConflictInfo[] {
  return list.filter((c) => c.state === "waiting");
}

const healsKept = 200;

// A repair that the owner said yes to is found and tried anew; what landed becomes one case with the proposal.
const sameRepair = (a: HealCase, b: HealCase) => a.id === b.id || (!!a.landing && a.landing === b.landing);

/** addHeal keeps the newest cases, each as it stands. */
export function addHeal(list: HealCase[], one: HealCase): HealCase[] {
  return [one, ...list.filter((c) => !sameRepair(c, one))].sort((a, b) => b.id - a.id).slice(0, healsKept);
}

/** unwell is the case of an app that waits for the owner. */
export function unwell(list: readonly HealCase[], app: Slug): HealCase | undefined {
  return list.find((c) => c.app === app && (c.state === "proposed" || c.state === "quarantined"));
}

/** repairText asks for an app to be repaired. What its checks say is not in it: those are the app's words, not the owner's. */
export function repairText(name: string, one?: HealCase): string {
  const since = one?.culprit ? ` It is broken since L${one.culprit}.` : "";
  return `The app ${name} does not work.${since} Find out why and repair it.`;
}

/** healNotice tells the owner of a case, with what to do about it; null for what need not be told. */
export function healNotice(c: HealCase, name?: string): Omit<Notice, "id"> | null {
  const what = name ?? (c.app || c.path);
  const show = { label: "Show", command: "go.repairs" };
  switch (c.state) {
    case "healed":
      return c.detector === "scrub"
        ? { level: "info", title: `Restored ${what}`, text: c.why, action: show }
        : { level: "waiting", title: `Healed ${what}`, text: c.why, action: { label: "Take it back", command: "history.undo", arg: String(c.landing) } };
    case "proposed":
      return { level: "error", title: `Something is wrong with ${what}; a repair is ready`, text: c.why, action: show };
    case "quarantined":
      return { level: "error", title: `Something is wrong with ${what}, and it could not be mended`, text: c.why, action: show };
    default:
      return null;
  }
}

// What was told of a case before is not so any more.
function toldOf(c: HealCase, notices: Notice[], name?: string): Notice[] {
  const rest = notices.filter((n) => !(n.repair && sameRepair(n.repair, c)));
  const notice = healNotice(c, name);
  return notice ? addNotice(rest, { ...notice, repair: c }) : rest;
}

let noticeID = 0;

/** addNotice keeps the newest four; older ones have been on screen long enough. */
export function addNotice(list: Notice[], notice: Omit<Notice, "id">): Notice[] {
  return [...list, { ...notice, id: ++noticeID }].slice(-4);
}

function applyTalk(state: State, e: Event): State {
  if (e.seq === 0) return state;
  const request = e.request ?? (e.kind === "landing" ? e.data.provenance.request : undefined);
  const id = (request && state.requests[request]) ?? e.conversation;
  if (!id) return state;
  const requests = e.kind === "request" && request ? { ...state.requests, [request]: id } : state.requests;
  const old = state.talks[id] ?? { doc: emptyDoc(id), loaded: false, log: [] };
  const talk: Talk = { ...old, doc: reduce(old.doc, e), log: old.loaded ? [] : [...old.log, e] };
  const next = { ...state, requests, talks: { ...state.talks, [id]: talk } };
  return e.kind === "request" ? { ...applyRequest(next, id, e), pending: settled(next.pending, id, e.data.text) } : next;
}

function settled(pending: State["pending"], id: string, text: string): State["pending"] {
  return pending && pending.text === text && (pending.conversation === null || pending.conversation === id) ? null : pending;
}

function applyRequest(state: State, id: string, e: EventOf<"request">): State {
  const known = state.summaries.find((s) => s.id === id);
  const summary: ConversationSummary = known
    ? { ...known, updated: e.time, messages: known.messages + 1 }
    : { id, title: e.data.text, updated: e.time, messages: 1 };
  return { ...state, summaries: [summary, ...state.summaries.filter((s) => s.id !== id)] };
}

/** loadTalk joins the past of a conversation with what arrived meanwhile. */
export function loadTalk(state: State, id: string, past: readonly Event[]): State {
  const log = state.talks[id]?.log ?? [];
  const seen = new Set(past.map((e) => e.seq));
  const events = [...past, ...log.filter((e) => !seen.has(e.seq))].sort((a, b) => a.seq - b.seq);
  const requests = { ...state.requests };
  for (const e of events) if (e.kind === "request" && e.request) requests[e.request] = id;
  return { ...state, requests, talks: { ...state.talks, [id]: { doc: replay(id, events), loaded: true, log: [] } } };
}
