import { expect, test } from "vitest";
import type { LandingInfo } from "../../protocol/wire.ts";
import { previewOf, type Work } from "../../session/chat.ts";
import { noCost } from "../../session/chat.ts";
import { backupText } from "./BackupSection.tsx";
import { base64, byDay, placeOf, snapshotName, who } from "./moments.ts";
import { changedBelow } from "./PastFiles.tsx";
import { careText, most } from "./StorageView.tsx";

const landing = (id: number, time: string, request?: string): LandingInfo => ({ id, commit: "", kind: "agent", title: `T${id}`, time, changes: [], provenance: { request } });

test("changes stand under their day, those of one request together", () => {
  const now = new Date("2026-11-25T12:00:00");
  const days = byDay([landing(4, "2026-11-25T11:00:00", "r2"), landing(3, "2026-11-25T10:00:00", "r2"), landing(2, "2026-11-25T09:00:00"), landing(1, "2026-11-24T09:00:00", "r2")], now);
  expect(days.map((d) => [d.name, d.groups.map((g) => g.landings.map((l) => l.id))])).toEqual([
    ["Today", [[4, 3], [2]]],
    ["Yesterday", [[1]]],
  ]);
});

test.each([
  ["before the move", "before-the-move"],
  ["  Übung: 1 / 2 ", "Übung-1-2"],
  ["...a..b..", "a.b"],
  ["~^:", ""],
  ["x".repeat(80), "x".repeat(64)],
])("%j is called %j", (typed, name) => expect(snapshotName(typed)).toBe(name));

test("an undo says of what", () => {
  expect(who({ kind: "undo", provenance: { undoes: 3 } })).toBe("undo of L3");
  expect(who({ kind: "owner", provenance: {} })).toBe("you");
});

test("what is different now is counted by entry, both names of a renamed file", () => {
  const files = [{ path: "a/b/x", op: "added" as const }, { path: "a/y", op: "renamed" as const, from: "a/b/z" }, { path: "ab", op: "deleted" as const }];
  expect(Object.fromEntries(changedBelow("", files))).toEqual({ a: 3, ab: 1 });
  expect(Object.fromEntries(changedBelow("a", files))).toEqual({ "a/b": 2, "a/y": 1 });
});

test("an app can be previewed once there is something of it to be seen", () => {
  const step = (name: string, file_path: string, failed = false) => ({ kind: "step" as const, id: file_path, name, title: "", input: { file_path }, result: { text: "", failed, millis: 1 } });
  const work = (...items: Work["items"]): Work => ({ pid: 2, items, said: "", spent: noCost });
  const none = () => false;
  expect(previewOf(work(step("Write", "/home/neo/apps/shop/matrix.json")), none)).toBeUndefined();
  expect(previewOf(work(step("Write", "/home/neo/apps/shop/src/App.tsx")), none)).toBe("shop");
  expect(previewOf(work(step("Edit", "apps/shop/fields.json")), (s) => s === "shop")).toBe("shop");
  expect(previewOf(work(step("Write", "apps/shop/index.html", true), step("Read", "apps/shop/index.html")), none)).toBeUndefined();
});

test.each([
  ["12", 12],
  ["conflict:ab12", { conflict: "ab12" }],
  ["storage", "storage"],
  ["x", null],
  [undefined, null],
] as const)("%j shows %j", (arg, place) => expect(placeOf(arg)).toEqual(place));

test("a text travels as its bytes", () => expect(base64("über\n")).toBe("w7xiZXIK"));

test("the home's care is said plainly", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  expect(careText({}, now)).toContain("not been checked yet");
  expect(careText({ scrub: { problems: [] } }, now)).toContain("not been checked yet"); // it runs
  expect(careText({ scrub: { finished: "2026-11-25T11:00:00Z", problems: [{ fixed: true }] } }, now)).toContain("all is as it should be");
  expect(careText({ scrub: { finished: "2026-11-25T11:00:00Z", problems: [{}] } }, now)).toContain("1 place could not be restored");
});

test("how the backups are is said plainly", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  const run = { started: "2026-11-25T11:00:00Z", ended: "2026-11-25T11:00:00Z", ok: true, text: "" };
  expect(backupText({ dest: "", key: false }, now)[0]).toContain("No place");
  expect(backupText({ dest: "/b", key: true, last_backup: run, failed: { ...run, ok: false, text: "no space" } }, now)).toEqual([
    expect.stringContaining("not tried yet"),
    expect.stringContaining("did not work: no space"),
  ]);
});

test("what takes little room is added up", () => {
  const rows = [1, 9, 8, 7, 2, 6].map((bytes) => ({ name: `p${bytes}`, bytes }));
  expect(most(rows).map((r) => [r.name, r.bytes])).toEqual([["p9", 9], ["p8", 8], ["p7", 7], ["p6", 6], ["everything else", 3]]);
  expect(most(rows.slice(0, 5))).toHaveLength(5);
});
