import { expect, test } from "vitest";
import type { Process } from "../protocol/wire.ts";
import { tree } from "./activity/process.ts";
import { changesText } from "./chat/LandingCard.tsx";
import { indent } from "./files/Editor.tsx";
import { order } from "./files/FilesView.tsx";
import { noCost } from "../session/chat.ts";
import { dayOf } from "../ui/words.ts";

test.each([
  [[], "no files"],
  [["added"], "1 file added"],
  [["added", "added", "modified"], "2 files added, 1 changed"],
  [["modified", "deleted"], "1 file changed, 1 deleted"],
] as const)("%j", (ops, want) => expect(changesText(ops.map((op) => ({ path: "x", op })))).toBe(want));

test.each<[string, number, number, boolean, string, [number, number]]>([
  ["ab", 1, 1, false, "a  b", [3, 3]],
  ["a\nb\nc", 0, 3, false, "  a\n  b\nc", [2, 7]],
  ["  a\n  b", 3, 7, true, "a\nb", [1, 3]],
  ["a", 1, 1, true, "a", [1, 1]],
])("indent %j from %i to %i (out: %s)", (text, from, to, out, want, selection) => {
  expect(indent(text, from, to, out)).toEqual({ text: want, from: selection[0], to: selection[1] });
});

test("folders come first, and 10 after 9", () => {
  const entry = (name: string, dir = false) => ({ name, path: name, dir, size: 1, modified: "" });
  expect(order([entry("b10"), entry("b9"), entry("z", true), entry("a")]).map((e) => e.name)).toEqual(["z", "a", "b9", "b10"]);
});

test("children follow their parents, and nobody is lost", () => {
  const p = (pid: number, parent?: number) => ({ pid, parent, cost: noCost }) as Process;
  const rows = tree([p(1), p(4), p(2, 1), p(3, 2), p(9, 77)]);
  expect(rows.map((r) => [r.process.pid, r.depth])).toEqual([[1, 0], [2, 1], [3, 2], [4, 0], [9, 0]]);
});

test.each([
  ["2026-11-23T08:00:00", "Today"],
  ["2026-11-22T23:59:00", "Yesterday"],
])("%s stands under %s", (time, want) => expect(dayOf(time, new Date("2026-11-23T12:00:00"))).toBe(want));
