import { expect, test } from "vitest";
import { commands } from "./all.ts";
import { keyText, matches, type KeyPress } from "./registry.ts";

const press = (key: string, mods: Partial<KeyPress> = {}): KeyPress => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...mods });

test.each<[string, KeyPress, boolean, boolean]>([
  ["Mod+K", press("k", { ctrlKey: true }), false, true],
  ["Mod+K", press("k", { metaKey: true }), true, true],
  ["Mod+K", press("k", { metaKey: true }), false, false],
  ["Mod+K", press("k", { ctrlKey: true, shiftKey: true }), false, false],
  ["Mod+K", press("k"), false, false],
  ["Alt+A", press("å", { altKey: true, code: "KeyA" }), true, true],
  ["Alt+`", press("Dead", { altKey: true, code: "Backquote" }), true, true],
  ["Alt+ArrowLeft", press("ArrowLeft", { altKey: true }), false, true],
  ["?", press("?", { shiftKey: true }), false, true],
  ["?", press("?"), false, true],
  ["?", press("?", { ctrlKey: true }), false, false],
])("%s against %o", (shortcut, e, mac, want) => expect(matches(shortcut, e, mac)).toBe(want));

test("names, labels and shortcuts are unique", () => {
  for (const of of [commands.map((c) => c.name), commands.map((c) => c.label), commands.map((c) => c.key).filter(Boolean)]) {
    expect(of.filter((x, i) => of.indexOf(x) !== i)).toEqual([]);
  }
});

test.each([
  ["Mod+Shift+O", false, "Ctrl+Shift+O"],
  ["Mod+Shift+O", true, "⌘⇧O"],
  ["Alt+ArrowUp", false, "Alt+↑"],
])("%s is written %s", (shortcut, mac, text) => expect(keyText(shortcut, mac)).toBe(text));
