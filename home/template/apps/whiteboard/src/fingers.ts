// How a pointer is followed, and what two fingers do: they hold the sheet, move it and change its size.
import { useRef, type PointerEvent, type RefObject } from "react";

export interface View {
  x: number;
  y: number;
  zoom: number;
}

type Point = [x: number, y: number]; // within the stage
type Pair = readonly [Point, Point];

/** zoomTo keeps a size within what can still be worked with. */
export const zoomTo = (zoom: number): number => Math.max(0.15, Math.min(6, zoom));

/** pinched is the view in which what lay under two fingers lies under them again. */
export function pinched(view: View, from: Pair, to: Pair): View {
  const apart = ([a, b]: Pair) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
  const middle = (p: Pair, i: 0 | 1) => (p[0][i] + p[1][i]) / 2;
  const zoom = zoomTo((view.zoom * apart(to)) / apart(from));
  const along = (i: 0 | 1) => middle(from, i) / view.zoom - middle(to, i) / zoom;
  return { zoom, x: view.x + along(0), y: view.y + along(1) };
}

/** useFingers gives the stage what hears a second finger; drop ends what the first one has begun. */
export function useFingers(stage: RefObject<SVGSVGElement | null>, view: View, setView: (v: View) => void, drop: () => void) {
  const fingers = useRef(new Map<number, Point>());
  const held = useRef<{ view: View; from: Pair } | null>(null);
  const pair = () => [...fingers.current.values()] as unknown as Pair;
  const note = (e: PointerEvent) => {
    const r = stage.current!.getBoundingClientRect();
    fingers.current.set(e.pointerId, [e.clientX - r.left, e.clientY - r.top]);
  };
  const gone = (e: PointerEvent) => {
    fingers.current.delete(e.pointerId);
    held.current = null;
  };
  return {
    onPointerDownCapture(e: PointerEvent<SVGSVGElement>) {
      if (e.pointerType !== "touch") return;
      note(e);
      if (fingers.current.size < 2) return;
      e.stopPropagation(); // a second finger draws nothing
      e.currentTarget.setPointerCapture(e.pointerId);
      drop();
      held.current = fingers.current.size === 2 ? { view, from: pair() } : null;
    },
    onPointerMove(e: PointerEvent) {
      if (!fingers.current.has(e.pointerId)) return;
      note(e);
      if (held.current) setView(pinched(held.current.view, held.current.from, pair()));
    },
    onPointerUp: gone,
    onPointerCancel: gone,
  };
}

type Heard = (e: globalThis.PointerEvent) => void;

/** way lists where a pointer has been since the last event, as far as the browser tells. */
export function way(e: globalThis.PointerEvent): globalThis.PointerEvent[] {
  const all = e.getCoalescedEvents?.() ?? [];
  return all.length > 0 ? all : [e];
}

/** follow hears one pointer until it is let go; what it returns lets it go before, without an end. */
export function follow(pointer: number, move: Heard, end: Heard = () => undefined): () => void {
  const moves: Heard = (e) => e.pointerId === pointer && move(e);
  const stop = () => {
    removeEventListener("pointermove", moves);
    removeEventListener("pointerup", done);
    removeEventListener("pointercancel", done);
  };
  const done: Heard = (e) => {
    if (e.pointerId !== pointer) return;
    stop();
    end(e);
  };
  addEventListener("pointermove", moves);
  addEventListener("pointerup", done);
  addEventListener("pointercancel", done);
  return stop;
}
