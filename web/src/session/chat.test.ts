import { describe, expect, test } from "vitest";
import type { Event, EventKind, EventOf } from "../protocol/events.ts";
import type { LandingInfo, Process } from "../protocol/wire.ts";
import { costOf, draft, noCost, openQuestion, prose, reduce, replay, stepsOf, type Drafts } from "./chat.ts";

let seq = 0;
const of = { conversation: "c1", request: "r1" };

function ev<K extends EventKind>(kind: K, pid: number, data: EventOf<K>["data"], more: Partial<EventOf<K>> = {}): Event {
  return { seq: ++seq, time: "2026-11-23T12:00:00Z", kind, pid, ...of, data, ...more } as unknown as Event;
}

function process(pid: number, parent: number | undefined, state: Process["state"], usd = 0): Process {
  return {
    pid, parent, program: parent ? "builder" : "kernel", conversation: "c1", request: "r1", task: "t", state, model: "offline",
    label: { integrity: 0, confidentiality: 0 }, cost: { ...noCost, usd }, steps: 1, calls: 0, started: "2026-11-23T12:00:00Z",
  };
}

const landing = (id: number): LandingInfo => ({ id, commit: "", kind: "agent", title: "Add Expenses", time: "", changes: [], created: ["expenses"], provenance: { request: "r1", process: 2 } });

function story(): Event[] {
  seq = 0;
  return [
    ev("request", 1, { text: "Track my expenses", from: "desktop" }),
    ev("process", 1, process(1, undefined, "running")),
    ev("message", 1, { role: "user", text: "Track my expenses" }),
    ev("message", 1, { role: "assistant", text: "I'll build that.", cost: { ...noCost, usd: 0.01 } }),
    ev("call", 1, { id: "a", name: "spawn", title: "Asking the builder" }),
    ev("process", 2, process(2, 1, "running")),
    ev("call", 2, { id: "b", name: "Write", title: "Writing `App.tsx`" }),
    ev("result", 2, { id: "b", name: "Write", text: "does not compile", failed: true, millis: 12 }),
    ev("landing", 2, landing(2)),
    ev("process", 2, process(2, 1, "done", 0.02)),
    ev("result", 1, { id: "a", name: "spawn", text: "done", millis: 900 }),
    ev("message", 1, { role: "assistant", text: "Expenses is ready." }),
    ev("answer", 1, { ok: true, text: "Expenses is ready.", landings: [2], open: ["expenses"], verified: "static", cost: { ...noCost, usd: 0.03 }, millis: 2100 }),
  ];
}

describe("replay", () => {
  test("a turn stands as ask, activity, landing and answer", () => {
    const turn = replay("c1", story()).turns[0] ?? expect.unreachable("no turn");
    expect(turn.ask.text).toBe("Track my expenses");
    expect(turn.root).toBe(1);
    expect(turn.works[1]?.items.map((i) => (i.kind === "step" ? i.title : i.kind === "child" ? `child ${i.pid}` : i.text))).toEqual(["I'll build that.", "Asking the builder", "child 2"]);
    expect(turn.works[2]?.items[0]).toMatchObject({ title: "Writing `App.tsx`", result: { failed: true, millis: 12 } });
    expect(turn.landings.map((l) => l.id)).toEqual([2]);
    expect(prose(turn, {})).toBe("Expenses is ready.");
    expect(stepsOf(turn)).toBe(2);
    expect(costOf(turn).usd).toBe(0.03);
  });

  test("event by event is the same as all at once", () => {
    const events = story();
    const stepwise = events.reduce(reduce, replay("c1", []));
    expect(stepwise).toEqual(replay("c1", events));
  });

  test("events that come twice, as after a reconnect, change nothing", () => {
    const events = story();
    const again = [...events, ...events.slice(3), ...events];
    expect(replay("c1", again)).toEqual(replay("c1", events));
  });

  test("ephemeral events leave the document alone", () => {
    const doc = replay("c1", story());
    expect(reduce(doc, ev("delta", 1, { text: "x" }, { seq: 0 }))).toBe(doc);
  });

  test("the answer of another request does not end this one", () => {
    const doc = replay("c1", [...story().slice(0, 4), { ...ev("answer", 9, { ok: true, text: "no", cost: noCost, millis: 1 }), request: "r9" }]);
    expect(doc.turns[0]?.answer).toBeUndefined();
  });

  test("costs tick from messages while it runs", () => {
    const turn = replay("c1", story().slice(0, 7)).turns[0] ?? expect.unreachable("no turn");
    expect(costOf(turn).usd).toBeCloseTo(0.01);
  });

  test("what came back from the checks is told in one line", () => {
    const events = [...story().slice(0, 8), ev("message", 2, { role: "user", text: "It does not compile.\nApp.tsx:3" })];
    expect(replay("c1", events).turns[0]?.works[2]?.items.at(-1)).toEqual({ kind: "remark", text: "It does not compile." });
  });
});

describe("questions", () => {
  const asked = () => [...story().slice(0, 5), ev("question", 1, { id: "q1", text: "Which currency?", choices: ["Euro"] })];
  test("wait for the owner", () => {
    expect(openQuestion(replay("c1", asked()).turns[0] ?? expect.unreachable())).toMatchObject({ id: "q1", choices: ["Euro"] });
  });
  test("are settled when the process goes on, also if answered elsewhere", () => {
    const turn = replay("c1", [...asked(), ev("call", 1, { id: "z", name: "Read", title: "Reading" })]).turns[0];
    expect(openQuestion(turn ?? expect.unreachable())).toBeUndefined();
  });
  test("are not settled by another process going on", () => {
    const turn = replay("c1", [...asked(), ev("call", 2, { id: "z", name: "Read", title: "Reading" })]).turns[0];
    expect(openQuestion(turn ?? expect.unreachable())?.id).toBe("q1");
  });
});

describe("draft", () => {
  const fold = (...events: Event[]) => events.reduce<Drafts>(draft, {});
  const live = <K extends EventKind>(kind: K, data: EventOf<K>["data"]) => ev(kind, 1, data, { seq: 0 } as Partial<EventOf<K>>);

  test.each<[string, Event[], string | undefined]>([
    ["text adds up", [live("delta", { text: "Ex" }), live("delta", { text: "penses" })], "Expenses"],
    ["a retry voids the partial text", [live("delta", { text: "Expe" }), live("retry", { attempt: 1, millis: 500, reason: "overloaded" })], ""],
    ["after a retry it starts over", [live("delta", { text: "Expe" }), live("retry", { attempt: 1, millis: 500, reason: "overloaded" }), live("delta", { text: "New" })], "New"],
    ["the durable message replaces it", [live("delta", { text: "Expenses" }), ev("message", 1, { role: "assistant", text: "Expenses" })], undefined],
    ["a call ends it", [live("delta", { writing: "{" }), ev("call", 1, { id: "a", name: "Write", title: "Writing" })], undefined],
    ["a process that ended writes no more", [live("delta", { text: "Ex" }), ev("process", 1, process(1, undefined, "killed"))], undefined],
    ["a user message does not end it", [live("delta", { text: "Ex" }), ev("message", 1, { role: "user", text: "t" })], "Ex"],
  ])("%s", (_name, events, text) => expect(fold(...events)[1]?.text).toBe(text));

  test("prose shows the draft while it streams", () => {
    const turn = replay("c1", story().slice(0, 3)).turns[0] ?? expect.unreachable();
    expect(prose(turn, fold(live("delta", { text: "I'll b" })))).toBe("I'll b");
  });
  test("a long thought does not grow without end", () => {
    const many = Array.from({ length: 200 }, () => live("delta", { thinking: "x".repeat(100) }));
    expect(fold(...many)[1]?.thinking.length).toBeLessThanOrEqual(4000);
  });
});
