import { expect, test } from "vitest";
import { parsePatch } from "./Diff.tsx";
import { ago, bytes, greeting, money, span, tokens, sentence } from "./words.ts";

test.each([
  [money(0), "$0.00"], [money(0.0042), "$0.0042"], [money(0.2), "$0.20"], [money(12.345), "$12.35"], [money(1, true), "about $1.00"],
  [span(12.4), "12 ms"], [span(2100), "2.1 s"], [span(125_000), "2 min 5 s"], [span(3_900_000), "1 h 5 min"],
  [tokens(999), "999"], [tokens(1234), "1.2k"], [tokens(45_600), "46k"], [tokens(2_500_000), "2.5M"],
  [bytes(0), "0 B"], [bytes(1536), "1.5 kB"], [bytes(2_400_000), "2.3 MB"],
  [greeting("Neo", 9), "Good morning, Neo."], [greeting("", 20), "Good evening."],
])("%s", (got, want) => expect(got).toBe(want));

test.each([
  [3, "just now"], [42, "42 s ago"], [61, "1 min ago"], [7300, "2 h ago"], [90_000, "1 day ago"], [200_000, "2 days ago"], [-30, "just now"],
])("%i seconds are %s", (s, want) => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  expect(ago(new Date(now - s * 1000).toISOString(), now)).toBe(want);
});

test("a patch becomes numbered lines", () => {
  const patch = "--- a/x\n+++ b/x\n@@ -3,3 +3,4 @@ function f() {\n same\n-old\n+new\n+more\n last\n\\ No newline at end of file\n";
  expect(parsePatch(patch)).toEqual([
    { kind: "hunk", text: "function f() {" },
    { kind: "same", text: "same", old: 3, new: 3 },
    { kind: "del", text: "old", old: 4 },
    { kind: "add", text: "new", new: 4 },
    { kind: "add", text: "more", new: 5 },
    { kind: "same", text: "last", old: 5, new: 6 },
  ]);
});

test("lines that look like headers inside a hunk are lines", () => {
  expect(parsePatch("@@ -1 +1 @@\n--- gone\n+++ come\n").map((l) => [l.kind, l.text])).toEqual([["hunk", ""], ["del", "-- gone"], ["add", "++ come"]]);
});

test("a clause becomes a sentence; what ends in a command or a stop stays", () => {
  expect(["leave it as it is", "ask: `matrixos heal`", "Done.", ""].map((t) => sentence(t))).toEqual(["Leave it as it is.", "Ask: `matrixos heal`", "Done.", ""]);
});
