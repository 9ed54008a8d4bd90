// Windows as data, and every change of them as a pure function. Geometry is in
// CSS pixels of the work area: the screen without the dock.
import type { Guise } from "../frames/guise.ts";

export interface Size {
  w: number;
  h: number;
}

export interface Rect extends Size {
  x: number;
  y: number;
}

export type Place = "free" | "max" | "left" | "right" | "top-left" | "top-right" | "bottom-left" | "bottom-right";

/** Content says what a window shows: a built-in program or an app. */
export type Content = { type: "program"; name: string; arg?: string } | { type: "app"; slug: string; guise?: Guise };

export interface Win {
  id: string;
  content: Content;
  title: string;
  rect: Rect; // where it is when free
  place: Place;
  minimised: boolean;
}

export interface Layout {
  wins: Win[]; // in order of opening, so that frames never move in the document
  order: string[]; // back to front
  next: number;
}

export const empty: Layout = { wins: [], order: [], next: 1 };
export const titleBar = 36;
export const smallest: Size = { w: 320, h: 220 };
const margin = 12; // of cascaded windows from the edge
const step = 40; // between cascaded windows
const reach = 96; // of the title bar that always stays on screen

export const sameContent = (a: Content, b: Content) =>
  a.type === "app" ? b.type === "app" && a.slug === b.slug && a.guise?.at === b.guise?.at && a.guise?.pid === b.guise?.pid : b.type === "program" && a.name === b.name;

export function find(l: Layout, id: string): Win | undefined {
  return l.wins.find((w) => w.id === id);
}

/** top is the window in front, minimised ones left out. */
export function top(l: Layout): Win | undefined {
  return l.order.toReversed().map((id) => find(l, id)).find((w) => w && !w.minimised);
}

function change(l: Layout, id: string, patch: Partial<Win>): Layout {
  return l.wins.some((w) => w.id === id) ? { ...l, wins: l.wins.map((w) => (w.id === id ? { ...w, ...patch } : w)) } : l;
}

/** open shows content in the window that has it already, else in a new one in front. */
export function open(l: Layout, view: Size, content: Content, title: string, size: Size): Layout {
  const there = l.wins.find((w) => sameContent(w.content, content));
  if (there) return focus(change(l, there.id, { content }), there.id);
  const id = `w${l.next}`;
  const rect = fit(cascade(l, view, size), view);
  return { wins: [...l.wins, { id, content, title, rect, place: "free", minimised: false }], order: [...l.order, id], next: l.next + 1 };
}

// The middle, or a step away from any window that already stands there.
function cascade(l: Layout, view: Size, size: Size): Rect {
  const w = Math.min(size.w, view.w - 2 * margin);
  const h = Math.min(size.h, view.h - 2 * margin);
  const rect = { x: Math.round((view.w - w) / 2), y: Math.max(margin, Math.round((view.h - h) / 3)), w, h };
  const taken = (r: Rect) => l.wins.some((o) => o.place === "free" && !o.minimised && Math.abs(o.rect.x - r.x) < step / 2 && Math.abs(o.rect.y - r.y) < step / 2);
  for (let i = 0; i < 24 && taken(rect); i++) {
    rect.x += step;
    rect.y += step;
    if (rect.y + h > view.h) rect.y = margin;
    if (rect.x + w > view.w) rect.x = margin;
  }
  return rect;
}

/** beside puts window id to the right of other, both a little narrower if they must be. */
export function beside(l: Layout, view: Size, id: string, other: string): Layout {
  const a = find(l, other);
  const b = find(l, id);
  if (!a || !b || a.minimised || a.place !== "free" || b.place !== "free") return l;
  const gap = 12;
  const room = view.w - gap - 2 * margin;
  const narrow = 460;
  if (room < 2 * narrow) return l;
  const share = Math.min(1, room / (a.rect.w + b.rect.w));
  const aw = Math.min(room - narrow, Math.max(narrow, Math.round(a.rect.w * share)));
  const bw = Math.min(room - aw, b.rect.w);
  const left = Math.round((view.w - aw - bw - gap) / 2);
  const h = Math.max(a.rect.h, b.rect.h);
  const y = Math.max(margin, Math.min(a.rect.y, view.h - h - margin));
  const l2 = change(l, a.id, { rect: fit({ x: left, y, w: aw, h }, view) });
  return change(l2, b.id, { rect: fit({ x: left + aw + gap, y, w: bw, h }, view) });
}

export function focus(l: Layout, id: string): Layout {
  const w = find(l, id);
  if (!w) return l;
  if (!w.minimised && l.order.at(-1) === id) return l;
  return { ...change(l, id, { minimised: false }), order: [...l.order.filter((o) => o !== id), id] };
}

export function close(l: Layout, id: string): Layout {
  return { ...l, wins: l.wins.filter((w) => w.id !== id), order: l.order.filter((o) => o !== id) };
}

/** minimise puts a window away; it keeps its place in the order, at the back. */
export function minimise(l: Layout, id: string): Layout {
  if (!find(l, id)) return l;
  return { ...change(l, id, { minimised: true }), order: [id, ...l.order.filter((o) => o !== id)] };
}

export function minimiseAll(l: Layout): Layout {
  return { ...l, wins: l.wins.map((w) => ({ ...w, minimised: true })) };
}

export function snap(l: Layout, id: string, place: Place): Layout {
  return focus(change(l, id, { place }), id);
}

export function toggleMax(l: Layout, id: string): Layout {
  const w = find(l, id);
  return w ? snap(l, id, w.place === "max" ? "free" : "max") : l;
}

/** move frees a window and puts it at x, y. */
export function move(l: Layout, view: Size, id: string, x: number, y: number): Layout {
  const w = find(l, id);
  return w ? change(l, id, { place: "free", rect: within({ ...w.rect, x, y }, view) }) : l;
}

export function resize(l: Layout, view: Size, id: string, rect: Rect): Layout {
  return find(l, id) ? change(l, id, { place: "free", rect: within(rect, view) }) : l;
}

export function retitle(l: Layout, id: string, title: string): Layout {
  const w = find(l, id);
  return w && w.title !== title ? change(l, id, { title }) : l;
}

/** cycle brings the backmost visible window to the front. */
export function cycle(l: Layout): Layout {
  const back = l.order.find((id) => !find(l, id)?.minimised);
  return back ? focus(l, back) : l;
}

/** refit brings every window within reach after the screen changed. */
export function refit(l: Layout, view: Size): Layout {
  return { ...l, wins: l.wins.map((w) => ({ ...w, rect: fit(w.rect, view) })) };
}

// A free window may stand partly outside, but never so far that it cannot be
// taken by its title bar.
function within(r: Rect, view: Size): Rect {
  const w = Math.max(smallest.w, r.w);
  const h = Math.max(smallest.h, r.h);
  const x = Math.min(Math.max(r.x, reach - w), Math.max(0, view.w - reach));
  const y = Math.min(Math.max(r.y, 0), Math.max(0, view.h - titleBar));
  return { x: Math.round(x), y: Math.round(y), w: Math.round(w), h: Math.round(h) };
}

// fit also shrinks what is larger than the screen and pulls it wholly inside.
function fit(r: Rect, view: Size): Rect {
  const w = Math.max(smallest.w, Math.min(r.w, view.w));
  const h = Math.max(smallest.h, Math.min(r.h, view.h));
  return within({ x: Math.min(Math.max(r.x, 0), Math.max(0, view.w - w)), y: Math.min(Math.max(r.y, 0), Math.max(0, view.h - h)), w, h }, view);
}

/** rectOf is where a window is drawn. */
export function rectOf(w: Win, view: Size): Rect {
  const halfW = Math.round(view.w / 2);
  const halfH = Math.round(view.h / 2);
  const x = w.place === "right" || w.place === "top-right" || w.place === "bottom-right" ? halfW : 0;
  const y = w.place === "bottom-left" || w.place === "bottom-right" ? halfH : 0;
  switch (w.place) {
    case "free":
      return within(w.rect, view);
    case "max":
      return { x: 0, y: 0, w: view.w, h: view.h };
    case "left":
    case "right":
      return { x, y, w: x ? view.w - halfW : halfW, h: view.h };
    case "top-left":
    case "top-right":
    case "bottom-left":
    case "bottom-right":
      return { x, y, w: x ? view.w - halfW : halfW, h: y ? view.h - halfH : halfH };
  }
}

/** zoneAt is the place that a window snaps to when let go at a point, or null. */
export function zoneAt(x: number, y: number, view: Size): Place | null {
  const edge = 10;
  const corner = Math.min(120, view.h / 4);
  const left = x <= edge;
  const right = x >= view.w - edge;
  if (left || right) {
    if (y <= corner) return left ? "top-left" : "top-right";
    if (y >= view.h - corner) return left ? "bottom-left" : "bottom-right";
    return left ? "left" : "right";
  }
  return y <= 4 ? "max" : null;
}

/** restore reads a saved layout; whatever does not make sense is left out. */
export function restore(saved: unknown, view: Size): Layout {
  const s = saved as { version?: unknown; wins?: unknown; order?: unknown } | null;
  if (typeof s !== "object" || s === null || s.version !== 1 || !Array.isArray(s.wins)) return empty;
  const wins = s.wins.filter(isWin).filter((w, i, all) => all.findIndex((o) => o.id === w.id || sameContent(o.content, w.content)) === i);
  const ids = new Set(wins.map((w) => w.id));
  const listed = (Array.isArray(s.order) ? s.order : []).filter((id, i, all) => ids.has(id) && all.indexOf(id) === i) as string[];
  const order = [...wins.map((w) => w.id).filter((id) => !listed.includes(id)), ...listed];
  const next = wins.reduce((n, w) => Math.max(n, Number(w.id.slice(1)) + 1), 1);
  return refit({ wins, order, next }, view);
}

/** save is what restore reads. What a program was asked to show is not kept, nor are looks at the past or at work in progress. */
export function save(l: Layout): unknown {
  const kept = l.wins.filter((w) => w.content.type === "program" || !w.content.guise);
  const wins = kept.map((w) => (w.content.type === "program" ? { ...w, content: { type: "program", name: w.content.name } } : w));
  return { version: 1, wins, order: l.order };
}

const places: Place[] = ["free", "max", "left", "right", "top-left", "top-right", "bottom-left", "bottom-right"];

function isWin(v: unknown): v is Win {
  const w = v as Partial<Win> | null;
  if (typeof w !== "object" || w === null || typeof w.id !== "string" || !/^w[1-9]\d{0,8}$/.test(w.id)) return false;
  if (typeof w.title !== "string" || typeof w.minimised !== "boolean" || !places.includes(w.place as Place)) return false;
  const r = w.rect as Partial<Rect> | undefined;
  if (!r || ![r.x, r.y, r.w, r.h].every((n) => typeof n === "number" && Number.isFinite(n))) return false;
  const c = w.content as Partial<Content> & Record<string, unknown>;
  return (c?.type === "app" && typeof c.slug === "string") || (c?.type === "program" && typeof c.name === "string" && (c.arg === undefined || typeof c.arg === "string"));
}
