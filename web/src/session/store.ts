// The one store, and the one connection that feeds it. Components select slices
// with useSession; commands call session.
import { create } from "zustand";
import type { AskRequest, ConflictAnswer, Resolved, ThemeFile, UndoRequest } from "../protocol/api.ts";
import type { Event } from "../protocol/events.ts";
import { count } from "../ui/words.ts";
import { api } from "./api.ts";
import { refusalOf, type Refusal } from "./http.ts";
import { openStream, type Stream } from "./socket.ts";
import { addConflict, addHeal, addLanding, addNotice, applyEvents, defaultTheme, initialState, loadTalk, type Notice, type State } from "./state.ts";

export const useSession = create<State>()(() => initialState);

const { setState, getState } = useSession;

type Listener = (e: Event) => void;
const listeners = new Set<Listener>();
let stream: Stream | null = null;
let meanwhile: Event[] | null = null; // events that arrived while the lists were read

/** onEvent tells of every event as it arrives, after the store has it. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function receive(events: Event[]): void {
  meanwhile?.push(...events);
  setState((s) => applyEvents(s, events));
  for (const e of events) {
    if (e.kind === "settings") void reloadSettings(e.data.path);
    for (const listener of listeners) listener(e);
  }
}

/** start asks who we are; then it either connects or shows the sign-in sheet. */
export async function start(): Promise<void> {
  try {
    const me = await api.session();
    setState({ me, failure: null });
    connect(me.seq);
    await Promise.all([loadTheme(), loadLists()]);
    setState({ phase: "ready" });
  } catch (error) {
    const failure = refusalOf(error);
    stream?.close();
    stream = null;
    setState({ phase: failure.status === 401 ? "signed-out" : "unreachable", failure });
  }
}

function connect(after: number): void {
  stream?.close();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  stream = openStream({
    url: `${scheme}//${location.host}/api/events`,
    after,
    onEvents: receive,
    onState: (link) => {
      setState({ link });
      if (link === "lost") void checkSession();
    },
  });
}

// A refused socket says nothing of why; the session does.
async function checkSession(): Promise<void> {
  try {
    const me = await api.session();
    const before = getState().me;
    if (before && before.home !== me.home) location.reload();
    setState({ me });
  } catch (error) {
    const failure = refusalOf(error);
    if (failure.status !== 401) return; // it is down; the stream keeps trying
    stream?.close();
    stream = null;
    setState({ phase: "signed-out", failure: null });
  }
}

export function retryNow(): void {
  if (stream) stream.retryNow();
  else void start();
}

// The lists are snapshots of an unknown instant, so what arrived while they were
// read is folded in once more; folding twice does no harm.
async function loadLists(): Promise<void> {
  meanwhile = [];
  const [apps, processes, summaries, landings, conflicts, heals] = await Promise.all([api.apps(), api.processes(), api.conversations(), api.landings(60), api.conflicts(), api.healed()]);
  const late = meanwhile;
  meanwhile = null;
  const healed = new Set(heals.map((c) => `${c.id} ${c.state}`)); // these need not be told again
  setState((s) =>
    applyEvents(
      {
        ...s,
        apps: Object.fromEntries(apps.map((a) => [a.slug, a])),
        appsLoaded: true,
        processes: Object.fromEntries(processes.map((p) => [p.pid, p])),
        summaries,
        landings: landings.toSorted((a, b) => b.id - a.id),
        landingsLoaded: true,
        conflicts,
        heals,
      },
      late.filter((e) => e.kind === "app" || e.kind === "process" || e.kind === "landing" || e.kind === "conflict" || (e.kind === "heal" && !healed.has(`${e.data.id} ${e.data.state}`))),
    ),
  );
}

async function reloadSettings(path: string): Promise<void> {
  if (path.endsWith("theme.json")) return loadTheme();
  try {
    setState({ me: await api.session() });
  } catch {
    // The stream will notice if the session is gone.
  }
}

async function loadTheme(): Promise<void> {
  const theme = await api.theme();
  setState({ theme: { ...defaultTheme, ...theme } });
}

/** changeTheme shows the change at once and takes it back if it cannot be kept. */
export async function changeTheme(change: Partial<ThemeFile>): Promise<void> {
  const before = getState().theme;
  const theme = { ...before, ...change };
  setState({ theme });
  try {
    await api.saveTheme(theme);
  } catch (error) {
    setState({ theme: before });
    notify({ level: "error", title: "The theme was not kept", text: refusalOf(error).message });
  }
}

/** ask puts a line to the kernel, in the active conversation unless told otherwise. */
export async function ask(text: string, more: Omit<AskRequest, "text"> = {}): Promise<Refusal | null> {
  const conversation = more.conversation ?? getState().active ?? undefined;
  setState({ pending: { text, conversation: conversation ?? null }, askFailure: null });
  try {
    const ticket = await api.ask({ ...more, text, conversation });
    setState((s) => {
      const acknowledged = s.requests[ticket.request] !== undefined;
      return {
        active: ticket.conversation,
        pending: acknowledged ? null : s.pending && { ...s.pending, conversation: ticket.conversation },
        talks: conversation === undefined && !isOld(s, ticket.conversation) ? own(s.talks, ticket.conversation) : s.talks,
      };
    });
    await showConversation(ticket.conversation);
    return null;
  } catch (error) {
    const askFailure = refusalOf(error);
    setState({ pending: null, askFailure });
    return askFailure;
  }
}

function isOld(s: State, id: string): boolean {
  return (s.summaries.find((c) => c.id === id)?.messages ?? 0) > 1;
}

// A conversation that began with this very request has no past to load.
function own(talks: State["talks"], id: string): State["talks"] {
  const talk = talks[id];
  return { ...talks, [id]: talk ? { ...talk, loaded: true, log: [] } : { doc: { id, seq: 0, turns: [] }, loaded: true, log: [] } };
}

/** showConversation makes id the active one and loads its past if need be. */
export async function showConversation(id: string | null): Promise<void> {
  setState({ active: id, askFailure: null });
  if (id === null || getState().talks[id]?.loaded) return;
  try {
    const log = await api.conversation(id);
    setState((s) => loadTalk(s, id, log.events ?? []));
  } catch (error) {
    setState({ askFailure: refusalOf(error) });
  }
}

export async function answerQuestion(conversation: string, question: string, text: string): Promise<void> {
  try {
    await api.answer(question, text);
    setState((s) => {
      const talk = s.talks[conversation];
      if (!talk) return s;
      const turns = talk.doc.turns.map((t) => ({ ...t, questions: t.questions.map((q) => (q.id === question ? { ...q, answered: text } : q)) }));
      return { talks: { ...s.talks, [conversation]: { ...talk, doc: { ...talk.doc, turns } } } };
    });
  } catch (error) {
    notify({ level: "error", title: "Your answer did not arrive", text: refusalOf(error).message });
  }
}

/** answerApproval gives the owner's word; the event that follows shows it everywhere. */
export async function answerApproval(id: string, allow: boolean, always: boolean): Promise<void> {
  try {
    await api.approve(id, allow, always);
  } catch (error) {
    notify({ level: "error", title: "Your answer did not arrive", text: refusalOf(error).message });
  }
}

/** undo takes a landing back and says so; the event that follows tells everybody else. */
export async function undo(id: number, how: UndoRequest = {}): Promise<Refusal | null> {
  try {
    const { landing } = await api.undo(id, { ...how, preview: false });
    if (landing.id > 0) setState((s) => ({ landings: addLanding(s.landings, landing) }));
    return null;
  } catch (error) {
    const refusal = refusalOf(error);
    notify({ level: "error", title: `L${id} was not undone`, text: [refusal.message, refusal.hint].filter(Boolean).join(" ") });
    return refusal;
  }
}

/** resolve gives the owner's answer to a conflict; with the last one the work lands. */
export async function resolve(id: string, answer: ConflictAnswer): Promise<Resolved | undefined> {
  const done = await attempt("It was not decided", () => api.resolve(id, answer));
  if (done) setState((s) => ({ conflicts: addConflict(s.conflicts, done.conflict), landings: done.landing ? addLanding(s.landings, done.landing) : s.landings }));
  return done;
}

/** letGo drops refused work; the home stays as it is. */
export async function letGo(id: string): Promise<boolean> {
  const done = await attempt("It is still there", () => api.dropConflict(id).then(() => true));
  if (done) setState((s) => ({ conflicts: s.conflicts.filter((c) => c.id !== id) }));
  return done ?? false;
}

/** decideRepair carries out a repair that was proposed, or leaves what is broken; a repair is tried first, and that takes a while. */
export async function decideRepair(id: number, decision: "repair" | "leave"): Promise<void> {
  if (getState().deciding[id]) return;
  setState((s) => ({ deciding: { ...s.deciding, [id]: decision } }));
  const one = await attempt(decision === "repair" ? "It was not repaired" : "It still waits for you", () => api.decideRepair(id, decision));
  setState((s) => ({ deciding: { ...s.deciding, [id]: undefined }, heals: one ? addHeal(s.heals, one) : s.heals }));
}

/** lookForFaults has every app tried, and says what was found. */
export async function lookForFaults(): Promise<void> {
  if (getState().looking) return;
  setState({ looking: true });
  const report = await attempt("Not everything was looked at", () => api.heal());
  setState({ looking: false });
  if (report) notify({ level: "info", title: report.cases.length === 0 ? "Nothing is broken" : `${count(report.cases.length, "fault")} found`, text: `${count(report.looked, "place")} looked at.` });
}

/** stopAll stops everything that runs, and what would run by the clock. */
export async function stopAll(): Promise<void> {
  await attempt("Not everything was stopped", () => api.stopAll());
  await attempt("Whether everything is stopped is not known", refresh);
}

/** goOnAll lifts a stop of everything. */
export async function goOnAll(): Promise<void> {
  await attempt("Not everything goes on", () => api.goOnAll());
  await attempt("Whether everything goes on is not known", refresh);
}

async function refresh(): Promise<void> {
  setState({ me: await api.session() });
}

/** attempt runs something of the owner's and says plainly if it fails. */
export async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    const refusal = refusalOf(error);
    notify({ level: "error", title: what, text: [refusal.message, refusal.hint].filter(Boolean).join(" ") });
    return undefined;
  }
}

export function notify(notice: Omit<Notice, "id">): void {
  setState((s) => ({ notices: addNotice(s.notices, notice) }));
}

export function dismiss(id: number): void {
  setState((s) => ({ notices: s.notices.filter((n) => n.id !== id) }));
}

/** dismissAbout takes away the notices that lead to what the owner looks at already. */
export function dismissAbout(command: string, arg: string): void {
  setState((s) => ({ notices: s.notices.filter((n) => n.action?.command !== command || n.action.arg !== arg) }));
}

/** olderLandings reads the next page of the history; false when there is none. */
export async function olderLandings(): Promise<boolean> {
  const oldest = getState().landings.at(-1)?.id;
  if (!oldest || oldest <= 1) return false;
  const page = await api.landings(60, oldest);
  setState((s) => ({ landings: page.reduce(addLanding, s.landings) }));
  return page.length > 0;
}
