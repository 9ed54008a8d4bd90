// The screen and the keyboard, as the desktop sees them.
import { useEffect, useLayoutEffect, useState } from "react";
import { commands } from "../commands/all.ts";
import { matches, onMac, plain } from "../commands/registry.ts";
import { closeMenu } from "../ui/menu.ts";
import { change, context, setScreen, show, useDesktop } from "./store.ts";
import { focus } from "./windows/transitions.ts";

// The visible part: on a phone it ends where the on-screen keyboard begins.
function measure() {
  const v = window.visualViewport;
  const width = Math.round(v ? v.width * v.scale : innerWidth);
  const height = Math.round(v ? v.height * v.scale : innerHeight);
  return { width, height };
}

export function useScreen() {
  const [size, setSize] = useState(measure);
  useEffect(() => {
    const on = () => {
      const now = measure();
      setSize(now);
      setScreen(now.width, now.height);
      document.documentElement.style.setProperty("--screen-h", `${now.height}px`);
      document.documentElement.classList.toggle("phone", now.width < 700);
      document.documentElement.classList.toggle("typing", innerWidth < 700 && screen.height - now.height > 300 && matchMedia("(pointer: coarse)").matches && now.height < innerHeight - 120);
      if (scrollY !== 0) scrollTo(0, 0); // iOS scrolls the page under the keyboard
    };
    on();
    addEventListener("resize", on);
    visualViewport?.addEventListener("resize", on);
    return () => {
      removeEventListener("resize", on);
      visualViewport?.removeEventListener("resize", on);
    };
  }, []);
  return size;
}

const inField = (el: Element | null) => el instanceof HTMLElement && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

// It listens from the moment that the desk can be seen: a key pressed just then counts.
export function useKeyboard() {
  useLayoutEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.isComposing) return;
      if (e.key === "Escape" && useDesktop.getState().panel) return show(null);
      const c = context();
      if (c.state.phase !== "ready") return;
      const command = commands.find((x) => x.key && matches(x.key, e, onMac) && !(plain(x.key) && inField(document.activeElement)) && (x.when?.(c) ?? true));
      if (!command) return;
      if (command.key?.startsWith("Alt+Arrow") && inField(document.activeElement) && onMac) return; // moves by words there
      e.preventDefault();
      void command.perform(c);
    };
    // A click into an app's frame is not seen here, but the focus that it takes is.
    const onBlur = () => {
      closeMenu();
      const id = document.activeElement?.closest<HTMLElement>("[data-window]")?.dataset.window;
      if (!(document.activeElement instanceof HTMLIFrameElement) || !id) return;
      if (useDesktop.getState().panel === null) change((l) => focus(l, id));
      else setTimeout(() => document.querySelector<HTMLElement>(".launcher input, .palette input")?.focus()); // an app below has just been loaded, and begins in a field
    };
    addEventListener("keydown", onKey);
    addEventListener("blur", onBlur);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("blur", onBlur);
    };
  }, []);
}
