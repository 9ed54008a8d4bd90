import assert from "node:assert/strict";
import { test } from "node:test";
import { shortcutOf } from "./keys.ts";

const none = { code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test("a key press is written as the shell writes its shortcuts", () => {
  for (const [press, mac, want] of [
    [{ key: "k", ctrlKey: true }, false, "Mod+K"],
    [{ key: "k", metaKey: true }, true, "Mod+K"],
    [{ key: "k", ctrlKey: true }, true, ""],
    [{ key: "O", ctrlKey: true, shiftKey: true }, false, "Mod+Shift+O"],
    [{ key: "å", code: "KeyA", altKey: true }, true, "Alt+A"],
    [{ key: "`", code: "Backquote", altKey: true }, false, "Alt+`"],
    [{ key: "ArrowLeft", code: "ArrowLeft", altKey: true }, false, "Alt+ArrowLeft"],
    [{ key: "k" }, false, "K"],
  ] as const)
    assert.equal(shortcutOf({ ...none, ...press } as KeyboardEvent, mac), want);
});
