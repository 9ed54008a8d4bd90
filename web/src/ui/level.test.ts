import { expect, test } from "vitest";
import { levelWords, reportWords } from "./level.ts";

test.each([
  [{ ok: false, verified: "" }, "does not compile"],
  [{ ok: true, verified: "", failing: ["the sort"] }, "does not do what it must: the sort"],
  [{ ok: true, verified: "browser", contract: true }, "as tried in a window"],
  [{ ok: true, verified: "browser", contract: true, strength: { at: "", tried: 40, found: 36 } }, "window. Its checks noticed 36 of 40 small faults"],
  [{ ok: true, verified: "browser", contract: true, strength: { at: "", tried: 40, found: 12 } }, "notice too little: 12 of 40"],
  [{ ok: true, verified: "browser", contract: true, strength: { at: "", tried: 40, found: 12, stale: true } }, "it has changed since"],
  [{ ok: true, verified: "browser", contract: true, strength: { at: "", tried: 4, found: 4, beyond: 20 } }, "notice too little: 4 of 24"],
  [{ ok: true, verified: "browser", contract: true, weak: ["no scenario expects anything"], strength: { at: "", tried: 40, found: 36 } }, "whatever it did"],
  [{ ok: true, verified: "browser" }, "not agreed"],
  [{ ok: true, verified: "static", contract: true }, "has not been tried in a window"],
  [{ ok: true, verified: "static" }, "Only its files are checked. What"],
] as const)("%o is said plainly", (a, words) => expect(levelWords(a as Parameters<typeof levelWords>[0])).toContain(words));

test("a report says what does not hold, or how far it was tried", () => {
  const one = { app: "todo", level: "browser", green: true, millis: 1, scenarios: [{ name: "an entry stays", green: true, millis: 1 }] };
  expect(reportWords("To do", one)).toEqual({ title: "To do does what it must", text: "One use of it was tried, and holds." });
  expect(reportWords("To do", one, { at: "", tried: 10, found: 2 }).text).toMatch(/^One use of it was tried, and holds\. Its checks notice too little: 2 of 10/);
  expect(reportWords("To do", { ...one, level: "static", scenarios: [], note: "no desktop is open" })).toEqual({ title: "Only the files of To do could be checked", text: "no desktop is open" });
  const red = { ...one, green: false, scenarios: [{ name: "an entry stays", green: false, millis: 1, steps: [{ step: "see “milk”", green: false, seen: "nothing at all", millis: 1 }] }] };
  expect(reportWords("To do", red)).toEqual({ title: "To do does not do what it must", text: "“an entry stays”: see “milk”. Seen: nothing at all" });
});
