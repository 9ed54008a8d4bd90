// Every action of the owner is a command: named once, and found in menus, under
// shortcuts and in the palette. Commands act on the session and on a Desk, which
// the desktop above provides.
import type { LucideIcon } from "lucide-react";
import type { State } from "../session/state.ts";

export type Place = "max" | "left" | "right";

/** Desk is what commands need of the desktop. */
export interface Desk {
  openProgram(name: string, arg?: string): void;
  openApp(slug: string): void;
  openPast(slug: string, at: number): void; // as it was at a landing
  openPreview(slug: string, pid: number): void; // as a process at work has it
  show(panel: "launcher" | "palette" | "shortcuts" | null): void;
  focused(): string | null; // id of the window in front
  focusedApp(): string | null; // slug, if the window in front shows an app
  closeWindow(id: string): void;
  minimiseWindow(id: string): void;
  placeWindow(id: string, place: Place): void;
  maximised(id: string): boolean;
  cycleWindows(): void;
  showDesk(): void;
  reloadApp(slug: string): void;
  remember(slug: string): void; // begins to record what is done in an app, or ends it
}

export interface Context {
  desk: Desk;
  state: State;
}

export type Group = "Ask" | "Go to" | "Window" | "App" | "Look" | "System";

export interface Command {
  name: string; // stable: "window.close"
  label: string;
  group: Group;
  icon: LucideIcon;
  key?: string; // such as "Mod+K" or "Alt+ArrowLeft"
  when?(c: Context): boolean;
  perform(c: Context, arg?: string): void | Promise<void>;
}

export function available(commands: readonly Command[], c: Context): Command[] {
  return commands.filter((x) => x.when?.(c) ?? true);
}

export interface KeyPress {
  key: string;
  code?: string; // of the physical key: with Alt, a Mac types another character
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** matches reports whether a key press is the shortcut; Mod is Ctrl, or Cmd on a Mac. */
export function matches(shortcut: string, e: KeyPress, mac: boolean): boolean {
  const parts = shortcut.split("+");
  const key = parts.at(-1) ?? "";
  const mod = parts.includes("Mod");
  const typed = e.key.length === 1 ? e.key.toUpperCase() : e.key;
  if (typed !== key && !(parts.includes("Alt") && e.code === codeOf(key))) return false;
  if ((mac ? e.metaKey : e.ctrlKey) !== mod || (mac ? e.ctrlKey : e.metaKey)) return false;
  if (e.altKey !== parts.includes("Alt")) return false;
  return key === "?" || e.shiftKey === parts.includes("Shift"); // where ? is depends on the keyboard
}

function codeOf(key: string): string {
  if (key === "`") return "Backquote";
  return /^[A-Z]$/.test(key) ? `Key${key}` : key;
}

/** plain reports whether a shortcut would also be typed as text. */
export function plain(shortcut: string): boolean {
  return !/Mod|Alt/.test(shortcut) && shortcut.length === 1;
}

const glyphs: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space", ",": "," };

/** keyText writes a shortcut as the owner's keyboard has it. */
export function keyText(shortcut: string, mac: boolean): string {
  const parts = shortcut.split("+").map((p) => {
    if (p === "Mod") return mac ? "⌘" : "Ctrl";
    if (p === "Alt") return mac ? "⌥" : "Alt";
    if (p === "Shift") return mac ? "⇧" : "Shift";
    return glyphs[p] ?? p;
  });
  return parts.join(mac ? "" : "+");
}

export const onMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);
