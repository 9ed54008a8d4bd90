// The state of the desktop itself: windows, panels, screen size, and which apps
// are to be reloaded. Layout changes are saved a moment after the last of them.
import { create } from "zustand";
import type { Context, Desk, Place } from "../commands/registry.ts";
import { api } from "../session/api.ts";
import { refusalOf } from "../session/http.ts";
import { showConversation, useSession } from "../session/store.ts";
import { begin, done, useRecording } from "./frames/recording.ts";
import { guiseTitle, type Guise } from "./frames/guise.ts";
import type { Program } from "./program.ts";
import * as t from "./windows/transitions.ts";

export type Panel = "launcher" | "palette" | "shortcuts" | null;

interface DesktopState {
  layout: t.Layout;
  view: t.Size; // the work area
  phone: boolean;
  panel: Panel;
  programs: readonly Program[];
  reloads: Record<string, number>; // per slug, counted up to start the app again
  restored: boolean;
}

const dockHeight = 68;
const phoneBar = 56;
const phoneWidth = 700;

export const useDesktop = create<DesktopState>()(() => ({
  layout: t.empty,
  view: { w: 1280, h: 720 },
  phone: false,
  panel: null,
  programs: [],
  reloads: {},
  restored: false,
}));

const { getState, setState } = useDesktop;

/** change runs a transition and saves what came of it. */
export function change(transition: (l: t.Layout, view: t.Size) => t.Layout): void {
  const { layout, view } = getState();
  const next = transition(layout, view);
  if (next === layout) return;
  setState({ layout: next });
  saveSoon();
}

export function setScreen(width: number, height: number): void {
  const phone = width < phoneWidth;
  const view = { w: width, h: Math.max(200, height - (phone ? phoneBar : dockHeight)) };
  const before = getState().view;
  if (before.w === view.w && before.h === view.h && getState().phone === phone) return;
  setState((s) => ({ view, phone, layout: phone ? s.layout : t.refit(s.layout, view) }));
}

let timer: ReturnType<typeof setTimeout> | undefined;
let dirty = false;

// A phone's cards are no layout of a desk: what is open there is not kept, so that the desk stays as its owner left it.
function saveSoon(): void {
  if (!getState().restored || getState().phone) return;
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(saveNow, 600);
}

/** saveNow writes the layout; a failure is retried with the next change. */
export function saveNow(leaving = false): void {
  if (!dirty) return;
  dirty = false;
  clearTimeout(timer);
  api.saveLayout(t.save(getState().layout), leaving).catch(() => {
    dirty = true;
  });
}

/** restoreLayout puts the windows back as they stood. */
export async function restoreLayout(): Promise<void> {
  let saved: unknown = null;
  try {
    saved = await api.layout();
  } catch (error) {
    if (refusalOf(error).status === 401) return;
  }
  const { view, programs } = getState();
  const { apps } = useSession.getState();
  const all = t.restore(saved, view);
  const known = all.wins.filter((w) => (w.content.type === "app" ? apps[w.content.slug] : programs.some((p) => w.content.type === "program" && p.name === w.content.name)));
  const ids = new Set(known.map((w) => w.id));
  setState({ layout: { ...all, wins: known, order: all.order.filter((id) => ids.has(id)) }, restored: true });
  resume(known);
}

// Whoever left the chat open goes on where they were, if that was today or so.
function resume(wins: readonly t.Win[]): void {
  const { active, summaries } = useSession.getState();
  const newest = summaries.toSorted((a, b) => Date.parse(b.updated) - Date.parse(a.updated))[0];
  const chatOpen = wins.some((w) => w.content.type === "program" && w.content.name === "chat");
  if (chatOpen && active === null && newest && Date.now() - Date.parse(newest.updated) < 24 * 3600 * 1000) void showConversation(newest.id);
}

const appSize: t.Size = { w: 760, h: 560 };

function openProgram(name: string, arg?: string): void {
  const program = getState().programs.find((p) => p.name === name);
  if (!program) return;
  change((l, view) => t.open(l, view, arg === undefined ? { type: "program", name } : { type: "program", name, arg }, program.title, program.size));
  show(null);
}

/** openApp shows an app's window; an app that just came stands beside the chat. */
export function openApp(slug: string): void {
  const app = useSession.getState().apps[slug];
  change((l, view) => {
    const before = t.top(l);
    const isNew = !l.wins.some((w) => w.content.type === "app" && w.content.slug === slug);
    const next = t.open(l, view, { type: "app", slug }, app?.name ?? slug, appSize);
    const opened = t.top(next);
    const besideChat = isNew && before?.content.type === "program" && before.content.name === "chat" && opened;
    return besideChat ? t.beside(next, view, opened.id, before.id) : next;
  });
  show(null);
}

/** openAs shows an app in another guise, in a window of its own. */
function openAs(slug: string, guise: Guise): void {
  const name = useSession.getState().apps[slug]?.name ?? slug;
  change((l, view) => t.open(l, view, { type: "app", slug, guise }, guiseTitle(name, guise), appSize));
  show(null);
}

/** endPreview closes the window of work that is over; what came of it takes its place. */
export function endPreview(slug: string, pid: number): void {
  const win = getState().layout.wins.find((w) => w.content.type === "app" && w.content.slug === slug && w.content.guise?.pid === pid);
  if (!win) return;
  change((l) => t.close(l, win.id));
  if (useSession.getState().apps[slug]) openApp(slug);
}

export function show(panel: Panel): void {
  if (getState().panel !== panel) setState({ panel });
}

export const desk: Desk = {
  openProgram,
  openApp,
  openPast: (slug, at) => openAs(slug, { at }),
  openPreview: (slug, pid) => openAs(slug, { pid }),
  show,
  focused: () => t.top(getState().layout)?.id ?? null,
  focusedApp() {
    const content = t.top(getState().layout)?.content;
    return content?.type === "app" && !content.guise ? content.slug : null;
  },
  closeWindow: (id) => change((l) => t.close(l, id)),
  minimiseWindow: (id) => change((l) => t.minimise(l, id)),
  placeWindow: (id, place: Place) => change((l) => (place === "max" ? t.toggleMax(l, id) : t.snap(l, id, t.find(l, id)?.place === place ? "free" : place))),
  maximised: (id) => t.find(getState().layout, id)?.place === "max",
  cycleWindows: () => change((l) => t.cycle(l)),
  showDesk: () => change((l) => t.minimiseAll(l)),
  remember(slug) {
    const { now } = useRecording.getState();
    if (now?.slug === slug && now.phase === "recording") return done();
    void begin(slug, () => {
      openApp(slug);
      desk.reloadApp(slug);
    });
  },
  reloadApp: (slug) => setState((s) => ({ reloads: { ...s.reloads, [slug]: (s.reloads[slug] ?? 0) + 1 } })),
};

/** context is what commands are performed in, now. */
export function context(): Context {
  return { desk, state: useSession.getState() };
}
