import { expect, test } from "vitest";
import type { Event } from "../protocol/events.ts";
import type { ConflictInfo, LandingInfo } from "../protocol/wire.ts";
import { addLanding, addNotice, applyEvents, initialState, loadTalk, waiting, type Notice } from "./state.ts";

const cost = { input: 0, output: 0, cache_read: 0, cache_write: 0, usd: 0 };
const at = { time: "2026-11-23T12:00:00Z", conversation: "c1", request: "r1", pid: 1 };
const log: Event[] = [
  { ...at, seq: 1, kind: "request", data: { text: "Hello", from: "desktop" } },
  { ...at, seq: 2, kind: "message", data: { role: "assistant", text: "Good day." } },
  { ...at, seq: 3, kind: "answer", data: { ok: true, text: "Good day.", cost, millis: 5 } },
];

test("live events and a loaded past make one document, in any overlap", () => {
  const whole = loadTalk(initialState, "c1", log).talks.c1?.doc;
  for (let known = 0; known <= log.length; known++) {
    for (let from = 0; from <= known; from++) {
      const live = applyEvents(initialState, log.slice(from));
      expect(loadTalk(live, "c1", log.slice(0, known)).talks.c1?.doc, `past ${known}, live from ${from}`).toEqual(whole);
    }
  }
});

test("events of a child in another conversation find the turn by its request", () => {
  const child: Event = { ...at, seq: 4, pid: 2, conversation: "c1-builder", kind: "call", data: { id: "x", name: "Write", title: "Writing" } };
  const s = applyEvents(initialState, [...log.slice(0, 2), child]);
  expect(s.talks.c1?.doc.turns[0]?.works[2]?.items).toHaveLength(1);
  expect(s.talks["c1-builder"]).toBeUndefined();
});

test("a sent line stays pending until its own request is acknowledged", () => {
  const sent = { ...initialState, pending: { text: "Hello", conversation: null } };
  expect(applyEvents(sent, [{ ...log[0], data: { text: "Another", from: "cli" } } as Event]).pending).not.toBeNull();
  expect(applyEvents(sent, log).pending).toBeNull();
});

const landing = (id: number, undoes?: number): LandingInfo => ({ id, commit: "", kind: undoes ? "undo" : "agent", title: `t${id}`, time: "", changes: [], provenance: { undoes } });

test.each<[string, LandingInfo[], number[]]>([
  ["newest first", [landing(1), landing(2), landing(3)], [3, 2, 1]],
  ["late ones in their place", [landing(3), landing(1), landing(2)], [3, 2, 1]],
  ["no doubles", [landing(1), landing(1)], [1]],
])("landings stand %s", (_name, list, ids) => {
  expect(list.reduce(addLanding, []).map((l) => l.id)).toEqual(ids);
});

test("an undo marks what it undid", () => {
  const list = [landing(1), landing(2), landing(3, 2)].reduce(addLanding, []);
  expect(list.map((l) => l.undone_by)).toEqual([undefined, 3, undefined]);
});

test("at most four notices are kept, the newest ones", () => {
  const list = ["a", "b", "c", "d", "e"].reduce<Notice[]>((l, title) => addNotice(l, { level: "info", title }), []);
  expect(list.map((n) => n.title)).toEqual(["b", "c", "d", "e"]);
});

test("an app that was removed is gone", () => {
  const app = { slug: "a", name: "A", version: "1", runtime: "vite", folder: "apps/a", ok: true, verified: "static" as const, landing: 2, updated: "" };
  const there = applyEvents(initialState, [{ seq: 1, time: "", kind: "app", data: { app } }]);
  expect(Object.keys(there.apps)).toEqual(["a"]);
  expect(applyEvents(there, [{ seq: 2, time: "", kind: "app", data: { app, removed: true } }]).apps).toEqual({});
});

test("refused work waits for the owner until it is settled, and its turn knows", () => {
  const conflict: ConflictInfo = { id: "k", state: "retrying", time: "2026-11-23T12:00:00Z", title: "T", tries: 1, base: 1, met: 2, files: [], changes: [], provenance: {} };
  const told = (seq: number, state: ConflictInfo["state"]): Event => ({ ...at, seq, kind: "conflict", data: { ...conflict, state } });
  let s = applyEvents({ ...initialState, ...loadTalk(initialState, "c1", log) }, [told(4, "retrying")]);
  expect([s.conflicts.length, waiting(s.conflicts).length]).toEqual([1, 0]);
  s = applyEvents(s, [told(5, "waiting"), told(5, "waiting")]);
  expect([s.conflicts.length, waiting(s.conflicts).length]).toEqual([1, 1]);
  expect(s.talks.c1?.doc.turns[0]?.conflicts.map((c) => c.state)).toEqual(["waiting"]);
  s = applyEvents(s, [told(6, "settled")]);
  expect(s.conflicts).toEqual([]);
  expect(s.talks.c1?.doc.turns[0]?.conflicts.map((c) => c.state)).toEqual(["settled"]);
});
