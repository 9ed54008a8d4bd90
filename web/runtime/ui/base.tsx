// The stylesheet, and the hooks that every part of the library stands on.
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
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
