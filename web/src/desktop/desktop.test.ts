import { describe, expect, test } from "vitest";
import type { Event } from "../protocol/events.ts";
import type { AppInfo } from "../protocol/wire.ts";
import { opensOf } from "./follow.ts";
import { rank, tileTo } from "./Launcher.tsx";
import { codeOf } from "./SignIn.tsx";

test.each([
  ["first-light-4711", "first-light-4711"],
  ["  first-light-4711\n", "first-light-4711"],
  ["http://127.0.0.1:4000/signin?code=abc%2Fd", "abc/d"],
  ["http://127.0.0.1:4000/signin?x=1&code=abc#top", "abc"],
  ["", ""],
])("the code of %j is %j", (pasted, code) => expect(codeOf(pasted)).toBe(code));

const cost = { input: 0, output: 0, cache_read: 0, cache_write: 0, usd: 0 };
const state = { active: "c1", requests: { r1: "c1", r2: "c2" }, apps: {} };
const of = (conversation: string | undefined, request = "r1") => ({ seq: 1, time: "", conversation, request });
const answer = { ok: true, text: "", cost, millis: 1, open: ["expenses"] };
const landing = (request: string) => ({ id: 2, commit: "", kind: "agent" as const, title: "", time: "", changes: [], created: ["expenses"], provenance: { request } });

test.each<[string, Event, string[]]>([
  ["an answer of the conversation on screen", { ...of("c1"), kind: "answer", data: answer }, ["expenses"]],
  ["an answer of another conversation", { ...of("c2"), kind: "answer", data: answer }, []],
  ["an app made for this conversation", { ...of("c1"), kind: "landing", data: landing("r1") }, ["expenses"]],
  ["an app made for another", { ...of("c1"), kind: "landing", data: landing("r2") }, []],
  ["a wish to open, from here", { ...of("c1"), kind: "open", data: { app: "chess" } }, ["chess"]],
  ["a wish to open, from the command line", { ...of(undefined), kind: "open", data: { app: "chess" } }, ["chess"]],
  ["a wish to open, from another conversation", { ...of("c2"), kind: "open", data: { app: "chess" } }, []],
  ["a notice", { ...of("c1"), kind: "notice", data: { level: "info", title: "", app: "chess" } }, []],
])("%s", (_name, event, want) => expect(opensOf(event, state)).toEqual(want));

describe("the launcher", () => {
  const app = (name: string, more: Partial<AppInfo> = {}): AppInfo => ({ slug: name.toLowerCase().replaceAll(" ", "-"), name, version: "1", runtime: "vite", folder: "", ok: true, verified: "", landing: 1, updated: "", ...more });
  const apps = [app("Moving house"), app("Expenses", { description: "What the house costs" }), app("House plants"), app("Secret house", { hidden: true }), app("Chess")];
  test.each([
    ["", ["Chess", "Expenses", "House plants", "Moving house"]],
    ["house", ["House plants", "Moving house", "Expenses"]],
    [" HOUSE ", ["House plants", "Moving house", "Expenses"]],
    ["ess", ["Chess"]],
    ["nothing", []],
  ])("finds for %j", (query, names) => expect(rank(apps, query).map((a) => a.name)).toEqual(names));
});

describe("arrows in the launcher", () => {
  // Shelves of 1, 5 and 2 tiles, three in a line.
  const tiles = [[0, 0], [0, 100], [112, 100], [224, 100], [0, 216], [112, 216], [0, 340], [112, 340]].map(([left, top]) => ({ left: left!, top: top! }));
  const walk = (from: number, ...keys: string[]) => keys.reduce((at, k) => tileTo(tiles, at, k), from);
  test.each([
    ["down leads in from the search", -1, ["ArrowDown"], 0],
    ["a shelf of one tile does not make the next one a list", 0, ["ArrowDown", "ArrowDown"], 4],
    ["down and up keep the column", 2, ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"], 2],
    ["where a line is shorter, the nearest tile", 3, ["ArrowDown"], 5],
    ["right goes on over the shelves and stops at the end", 5, ["ArrowRight", "ArrowRight", "ArrowRight"], 7],
    ["left stops at the first", 1, ["ArrowLeft", "ArrowLeft"], 0],
    ["down stops in the last line", 7, ["ArrowDown"], 7],
    ["up from the first line is the search", 0, ["ArrowUp"], -1],
    ["home and end", 4, ["End"], 7],
    ["home", 4, ["Home"], 0],
  ])("%s", (_, from, keys, to) => expect(walk(from, ...keys)).toBe(to));
  test("nothing is found, and nothing moves", () => expect(tileTo([], -1, "ArrowDown")).toBe(-1));
});
