// Shortcuts of the shell that are pressed while the app has the keyboard.
import type { Link } from "./port.ts";

const onMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** shortcutOf writes a key press as the shell writes its shortcuts: "Mod+Shift+O". */
export function shortcutOf(e: KeyboardEvent, mac: boolean): string {
  if (mac ? e.ctrlKey : e.metaKey) return "";
  // With Alt, a Mac types another character; the physical key tells.
  const key = e.altKey && e.code ? e.code.replace(/^Key/, "").replace("Backquote", "`") : e.key.length === 1 ? e.key.toUpperCase() : e.key;
  return [...((mac ? e.metaKey : e.ctrlKey) ? ["Mod"] : []), ...(e.altKey ? ["Alt"] : []), ...(e.shiftKey ? ["Shift"] : []), key].join("+");
}

const pause = 400; // ms between two notes of use

/** tellUse lets the shell know, now and then, that somebody is at work in this window. */
export function tellUse(link: Link): void {
  let told = -pause;
  const note = (e: Event) => {
    if (!e.isTrusted || e.timeStamp - told < pause) return;
    told = e.timeStamp;
    link.note({ type: "used" });
  };
  for (const type of ["keydown", "pointerdown", "wheel"]) addEventListener(type, note, { capture: true, passive: true });
}

/** handOn tells the shell of its shortcuts, unless the app has taken the key. */
export function handOn(link: Link, keys: readonly string[]): void {
  addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.isComposing) return;
    const shortcut = shortcutOf(e, onMac());
    if (!keys.includes(shortcut)) return;
    e.preventDefault();
    link.note({ type: "key", shortcut });
  });
}
