// The stylesheet, and the hooks that every part of the library stands on.
import { useEffect, useLayoutEffect, useRef, useState, type CSSProperties, type MouseEvent, type PointerEvent, type RefObject } from "react";
import css from "./styles.css";

if (typeof document !== "undefined" && !document.getElementById("matrixos-ui")) {
  const style = document.createElement("style");
  style.id = "matrixos-ui";
  style.textContent = css;
  document.head.append(style);
}

/** cx joins class names, leaving out what is empty. */
export function cx(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

/** pressOf makes a whole row open what its title opens; what stands in it for itself keeps its own press, and text can be marked. */
export function pressOf(open: () => void): (e: MouseEvent) => void {
  return (e) => {
    if ((e.target as Element).closest("a,button,input,select,textarea,label,dialog,summary") || getSelection()?.toString()) return;
    open();
  };
}

/** useWidth follows the width of an element, so that a part can suit its window. */
export function useWidth<E extends HTMLElement>(): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const el = ref.current;
    if (!el) return;
    setWidth(el.clientWidth);
    const seen = new ResizeObserver(() => setWidth(el.clientWidth));
    seen.observe(el);
    return () => seen.disconnect();
  }, []);
  return [ref, width];
}

/** useHeight follows the height of the window. */
export function useHeight(): number {
  const [height, setHeight] = useState(() => innerHeight);
  useEffect(() => {
    const on = () => setHeight(innerHeight);
    addEventListener("resize", on);
    return () => removeEventListener("resize", on);
  }, []);
  return height;
}

/** useInterval calls fn every ms; null pauses. The newest fn is the one that is called. */
export function useInterval(fn: () => void, ms: number | null): void {
  const latest = useRef(fn);
  useEffect(() => {
    latest.current = fn;
  });
  useEffect(() => {
    if (ms === null) return;
    const timer = setInterval(() => latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/**
 * useKeys listens to the keyboard: names as in KeyboardEvent.key ("ArrowLeft",
 * "a", " ", "Escape"). What is typed into a field stays there.
 */
export function useKeys(map: Record<string, (e: KeyboardEvent) => void>): void {
  const latest = useRef(map);
  useEffect(() => {
    latest.current = map;
  });
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (e.ctrlKey || e.metaKey || e.altKey || target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      if (target.tagName === "BUTTON" && (e.key === "Enter" || e.key === " ")) return; // that press is the button's
      const fn = latest.current[e.key] ?? latest.current[e.key.toLowerCase()];
      if (!fn) return;
      e.preventDefault();
      fn(e);
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, []);
}

/** useNow is the present moment, renewed every ms; null stands still. */
export function useNow(ms: number | null): Date {
  const [now, setNow] = useState(() => new Date());
  useInterval(() => setNow(new Date()), ms);
  return now;
}

export type Direction = "up" | "down" | "left" | "right";

/** swipeOf is the direction of a stroke of a finger, or null if it was too short to be meant. */
export function swipeOf(dx: number, dy: number, least = 24): Direction | null {
  if (Math.max(Math.abs(dx), Math.abs(dy)) < least) return null;
  if (Math.abs(dx) > Math.abs(dy)) return dx > 0 ? "right" : "left";
  return dy > 0 ? "down" : "up";
}

/** useSwipe returns what an element needs to hear strokes of a finger or a mouse; a tap is none. */
export function useSwipe(fn: (direction: Direction) => void): { onPointerDown(e: PointerEvent): void; onPointerUp(e: PointerEvent): void; style: CSSProperties } {
  const from = useRef<{ x: number; y: number } | null>(null);
  return {
    onPointerDown: (e) => void (from.current = { x: e.clientX, y: e.clientY }),
    onPointerUp(e) {
      const way = from.current && swipeOf(e.clientX - from.current.x, e.clientY - from.current.y);
      from.current = null;
      if (way) fn(way);
    },
    style: { touchAction: "none" },
  };
}

/** chime plays two soft tones, such as at the end of a timer; where the browser gives no sound it is silent. */
export function chime(): void {
  try {
    const audio = new AudioContext();
    for (const [i, pitch] of [660, 880].entries()) {
      const [tone, loud, at] = [audio.createOscillator(), audio.createGain(), audio.currentTime + i * 0.28];
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, at);
      loud.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.9);
      tone.connect(loud).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 1);
    }
    setTimeout(() => void audio.close(), 2000);
  } catch {
    // no audio here: what the page says is enough
  }
}
