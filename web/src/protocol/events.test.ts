import { expect, test } from "vitest";
import { parseFrame } from "./events.ts";

const good = { seq: 4, time: "", kind: "notice", data: { level: "info", title: "t" } };

test.each<[string, unknown, number, number]>([
  ["an event", [good], 1, 4],
  ["nothing", [], 0, 0],
  ["an unknown kind, whose number counts", [good, { ...good, seq: 9, kind: "later" }], 1, 9],
  ["a kind that every object has", [{ ...good, kind: "toString" }], 0, 4],
  ["no payload", [{ ...good, data: null }], 0, 4],
  ["no number", [{ ...good, seq: "4" }], 0, 4],
  ["other things", [null, 7, "x", []], 0, 0],
])("%s", (_name, frame, events, last) => {
  const got = parseFrame(JSON.stringify(frame));
  expect([got.events.length, got.last]).toEqual([events, last]);
});

test("a frame that is no list is an error", () => {
  expect(() => parseFrame('{"seq":1}')).toThrow("no list");
});
