import { useRef, type PointerEvent } from "react";

export type Direction = "up" | "down" | "left" | "right";

/** Handlers that turn a swipe of a finger or the mouse into a direction. */
export function useSwipe(go: (direction: Direction) => void) {
  const from = useRef<{ x: number; y: number } | null>(null);
  return {
    style: { touchAction: "none", width: "min(100%, 62vh)", margin: "0 auto" } as const,
    onPointerDown: (e: PointerEvent) => {
      from.current = { x: e.clientX, y: e.clientY };
    },
    onPointerUp: (e: PointerEvent) => {
      if (!from.current) return;
      const [dx, dy] = [e.clientX - from.current.x, e.clientY - from.current.y];
      from.current = null;
      if (Math.max(Math.abs(dx), Math.abs(dy)) < 24) return;
      go(Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up");
    },
  };
}
