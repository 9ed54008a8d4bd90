import { expect, test } from "vitest";
import { moveOf, type Act, type Deal, type Step } from "../../session/deals.ts";
import { invitationOf, type Said } from "../../session/rooms.ts";
import { choicesOf, dealIn, gistOf, kindText, placed, proofText, slotText, stateText, stepText, toneOf, waits } from "./dealWords.ts";
import { fold } from "./fold.ts";

const me = "@anna:a.example";
const ben = "@ben:b.example";
const slot = (hour: number) => ({ from: new Date(2026, 10, 30, hour).toISOString(), to: new Date(2026, 10, 30, hour, 30).toISOString() });
const step = (by: string, act: Step["act"], minute = 0, more: Partial<Step> = {}): Step => ({ by, act, at: new Date(2026, 10, 26, 12, minute).toISOString(), ...more });

function deal(more: Partial<Deal> = {}): Deal {
  const { steps = [step(ben, "offer")] } = more;
  return { id: "a".repeat(26), kind: "meeting", status: "open", peer: ben, mine: false, my_turn: true, may: [], title: "Lunch", slots: [], updated: steps.at(-1)!.at, words: [], transcript: [], ...more, steps };
}

test.each<[string, Partial<Deal>, string]>([
  ["an offer to the owner", { may: ["accept", "counter", "decline"] }, "ben waits for your answer"],
  ["one that has run out", { may: ["decline"] }, "It ran out before it was answered"],
  ["an offer of the owner's", { mine: true, my_turn: false, may: ["withdraw"] }, "You wait for ben’s answer"],
  ["accepted by the owner", { status: "accepted", my_turn: false, steps: [step(ben, "offer"), step(me, "accept")] }, "You said yes; ben’s home confirms it"],
  ["accepted by the other", { status: "accepted", my_turn: false, mine: true, steps: [step(me, "offer"), step(ben, "accept")] }, "ben said yes; your home confirms it"],
  ["a meeting", { status: "agreed", my_turn: false, chosen: slot(10) }, `Agreed on ${slotText(slot(10))}. It is in your calendar`],
  ["a task that the owner has taken over", { kind: "task", status: "agreed", my_turn: false, may: ["deliver", "cancel"] }, "Agreed: ben waits for you to do it"],
  ["a task that the other has", { kind: "task", status: "agreed", mine: true, my_turn: false, may: ["cancel"] }, "Agreed: you wait for ben to do it"],
  ["a question", { kind: "query", status: "done", my_turn: false }, "Answered"],
  ["declined by the owner", { status: "declined", my_turn: false, steps: [step(ben, "offer"), step(me, "decline")] }, "You said no"],
  ["cancelled by the other", { status: "cancelled", my_turn: false, steps: [step(ben, "offer"), step(ben, "cancel")] }, "ben called it off"],
])("%s says how it stands", (_name, more, want) => expect(stateText(deal(more), me)).toBe(want));

test.each<[Partial<Deal>, string[]]>([
  [{ may: ["accept", "counter", "decline"], slots: [slot(10)] }, ["Accept", "Another time", "Decline"]],
  [{ may: ["accept", "counter", "decline"], slots: [slot(10), slot(14)] }, [`Accept ${slotText(slot(10))}`, `Accept ${slotText(slot(14))}`, "Another time", "Decline"]],
  [{ kind: "query", may: ["answer", "decline"] }, ["Answer", "Decline"]],
  [{ kind: "task", may: ["accept", "counter", "decline"] }, ["Accept", "Suggest something else", "Decline"]],
  [{ kind: "task", status: "agreed", may: ["deliver", "cancel"] }, ["Hand it over", "Call it off"]],
  [{ mine: true, may: ["withdraw"], slots: [slot(10)] }, ["Take it back"]],
  [{ status: "declined", may: [], slots: [slot(10)] }, []],
])("%j offers %j", (more, want) => expect(choicesOf(deal(more)).map((c) => c.label)).toEqual(want));

test("accepting names its time, and calling off asks first", () => {
  expect(choicesOf(deal({ may: ["accept"], slots: [slot(10), slot(14)] })).map((c) => [c.rest, c.look])).toEqual([[slot(10).from, "primary"], [slot(14).from, "plain"]]);
  expect(choicesOf(deal({ status: "agreed", may: ["cancel"] })).map((c) => c.asks)).toEqual(["sure"]);
});

test.each<[Deal["kind"], Act, string, object]>([
  ["meeting", "accept", "2026-11-30T10:00:00Z", { act: "accept", at: "2026-11-30T10:00:00Z" }],
  ["meeting", "decline", "", { act: "decline" }],
  ["query", "answer", "rye, and more rye", { act: "answer", text: "rye, and more rye" }],
  ["task", "counter", "on Friday", { act: "counter", text: "on Friday" }],
])("%s %s %j is sent", (kind, act, rest, want) => expect(moveOf(kind, act, rest)).toEqual(want));

test("steps, kinds and the check in words", () => {
  expect(stepText(step(ben, "offer", 0, { slots: [slot(10), slot(14)] }), "meeting")).toBe(`offered ${slotText(slot(10))}, or ${slotText(slot(14))}`);
  expect(stepText(step(me, "accept", 0, { slots: [slot(10)] }), "meeting")).toBe(`said yes to ${slotText(slot(10))}`);
  expect([kindText(deal()), kindText(deal({ kind: "query", mine: true })), kindText(deal({ kind: "task" }))]).toEqual(["A meeting with ben", "A question to ben", "A task from ben"]);
  expect([1, 2, 5].map(proofText)).toEqual(["The only step is signed.", "Both steps are signed and fit together.", "All 5 steps are signed and fit together."]);
});

test("what waits for the owner comes first, and a promise is not settled", () => {
  const asked = deal({ may: ["accept"] });
  const promised = deal({ kind: "task", status: "agreed", may: ["deliver", "cancel"] });
  const hoped = deal({ kind: "task", status: "agreed", may: ["cancel"] });
  const over = deal({ status: "expired" });
  expect([asked, promised, hoped, over].map((d) => [waits(d), toneOf(d)])).toEqual([[true, "waiting"], [true, "waiting"], [false, "open"], [false, "over"]]);
  expect([gistOf([asked, promised, hoped]), gistOf([hoped]), gistOf([over]), gistOf([])]).toEqual(["2 wait for you", "You wait for 1 answer", "Nothing waits", "Meetings, questions, tasks"]);
});

const said = (id: string, minute: number, content: unknown = {}): Said => ({ id, sender: ben, body: id, time: new Date(2026, 10, 26, 12, minute).toISOString(), type: "m.room.message", kind: "m.text", encrypted: true, verified: true, content });
const chat = { direct: true, members: [me, ben] };

test("a deal stands in the chat with the person, by its newest step", () => {
  const lines = fold([said("$1", 1), said("$5", 5)], me);
  const at = (minute: number, id = "d") => deal({ id, steps: [step(ben, "offer", minute)] });
  const where = (d: Deal[], room: { direct?: boolean; members: string[] } = chat, more = false) => [...placed(d, lines, room, me, more)].map(([k, list]) => [k, list.map((x) => x.id)]);
  expect(where([at(9, "new"), at(8, "old"), at(3, "mid"), at(0, "first")])).toEqual([["", ["first"]], ["$1", ["mid"]], ["$5", ["old", "new"]]]);
  expect(where([at(0)], chat, true)).toEqual([]); // it comes with the older lines
  expect(where([at(3)], { direct: true, members: [me, "@ben_ai:b.example"] })).toEqual([["$1", ["d"]]]);
  expect(where([at(3)], { direct: true, members: [me, "@eve:b.example"] })).toEqual([]);
  expect(where([at(3)], { members: [me, ben] })).toEqual([]);
});

test("a deal stands after the newest message that carries it, in any room", () => {
  const d = deal({ id: "x".repeat(26) });
  const chain = (id: string) => ({ "os.matrix.deal": [{ deal: id }] });
  const lines = fold([said("$1", 1, chain(d.id)), said("$2", 2, chain(d.id)), said("$3", 3)], me);
  expect([...placed([d], lines, { members: [me, ben, "@eve:x"] }, me, false).keys()]).toEqual(["$2"]);
  expect([null, {}, { "os.matrix.deal": [] }, { "os.matrix.deal": "no" }, { "os.matrix.deal": [{ deal: 1 }] }].map(dealIn)).toEqual([null, null, null, null, null]);
});

test.each([
  [{ name: "Orchard", inviter: ben }, "ben invites you to “Orchard”"],
  [{ name: "", inviter: ben }, "ben invites you to a room without a name"],
  [{ name: "", inviter: "@you:b.example" }, "@you:b.example invites you to a room without a name"],
  [{ name: "Your bank", inviter: ben, direct: true }, "ben wants to write to you"],
  [{ name: "Groceries", inviter: ben, app: { slug: "shared-list", name: "Shared list", title: "Groceries", version: "1" } }, "ben invites you to Shared list: Groceries"],
])("%j says %s", (room, want) => expect(invitationOf(room)).toBe(want));
