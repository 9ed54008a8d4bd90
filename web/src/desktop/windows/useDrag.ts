// Moving and resizing with a pointer. While it lasts, the window's element is
// styled directly, once per frame; the store hears of it at the end. Frames take
// no pointer events meanwhile, or the drag would end over the first app.
import type { PointerEvent, RefObject } from "react";
import { change, useDesktop } from "../store.ts";
import { move, rectOf, resize, smallest, snap, zoneAt, type Place, type Rect, type Size, type Win } from "./transitions.ts";

export type Edge = "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw";

/** dragged is the rectangle after its edge was pulled by dx, dy. */
export function dragged(r: Rect, edge: Edge, dx: number, dy: number): Rect {
  const out = { ...r };
  if (edge.includes("e")) out.w = Math.max(smallest.w, r.w + dx);
  if (edge.includes("s")) out.h = Math.max(smallest.h, r.h + dy);
  if (edge.includes("w")) {
    out.w = Math.max(smallest.w, r.w - dx);
    out.x = r.x + r.w - out.w;
  }
  if (edge.includes("n")) {
    out.h = Math.max(smallest.h, r.h - dy);
    out.y = Math.max(0, r.y + r.h - out.h);
    out.h = r.y + r.h - out.y;
  }
  return out;
}

function paint(el: HTMLElement, r: Rect): void {
  el.style.transform = `translate(${r.x}px, ${r.y}px)`;
  el.style.width = `${r.w}px`;
  el.style.height = `${r.h}px`;
}

// A filled or snapped window that is pulled becomes free under the pointer.
function pulledFree(win: Win, r: Rect, px: number): Rect {
  if (win.place === "free") return r;
  const share = r.w > 0 ? (px - r.x) / r.w : 0.5;
  return { ...win.rect, x: Math.round(px - win.rect.w * share), y: r.y };
}

export function useDrag(win: Win, el: RefObject<HTMLElement | null>, onZone: (zone: Place | null) => void) {
  return (e: PointerEvent<HTMLElement>, edge?: Edge) => {
    const node = el.current;
    const { phone, view } = useDesktop.getState();
    if (e.button !== 0 || phone || !node) return;
    const handle = e.currentTarget;
    handle.setPointerCapture(e.pointerId);
    follow({ win, node, handle, edge, view, x0: e.clientX, y0: e.clientY, onZone });
  };
}

interface Drag {
  win: Win;
  node: HTMLElement;
  handle: HTMLElement;
  edge?: Edge;
  view: Size;
  x0: number;
  y0: number;
  onZone(zone: Place | null): void;
}

function follow(d: Drag): void {
  const start = rectOf(d.win, d.view);
  let from = start;
  let now = start;
  let zone: Place | null = null;
  let moved = false;
  let frame = 0;

  const onMove = (e: globalThis.PointerEvent) => {
    const dx = e.clientX - d.x0;
    const dy = e.clientY - d.y0;
    if (!moved && Math.hypot(dx, dy) < 4) return;
    if (!moved) {
      moved = true;
      document.body.classList.add("dragging");
      if (!d.edge) from = pulledFree(d.win, start, d.x0);
    }
    now = d.edge ? dragged(from, d.edge, dx, dy) : { ...from, x: from.x + dx, y: Math.max(0, from.y + dy) };
    zone = d.edge ? null : zoneAt(e.clientX, e.clientY, d.view);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint(d.node, now);
      d.onZone(zone);
    });
  };
  const onEnd = () => {
    d.handle.removeEventListener("pointermove", onMove);
    cancelAnimationFrame(frame);
    document.body.classList.remove("dragging");
    d.onZone(null);
    if (!moved) return;
    paint(d.node, now); // until the store's own rectangle is rendered
    change((l, view) => {
      if (zone) return snap(l, d.win.id, zone);
      return d.edge ? resize(l, view, d.win.id, now) : resize(move(l, view, d.win.id, now.x, now.y), view, d.win.id, now);
    });
    const settled = useDesktop.getState().layout.wins.find((w) => w.id === d.win.id);
    if (settled) paint(d.node, rectOf(settled, useDesktop.getState().view));
  };
  d.handle.addEventListener("pointermove", onMove);
  d.handle.addEventListener("lostpointercapture", onEnd, { once: true });
}
