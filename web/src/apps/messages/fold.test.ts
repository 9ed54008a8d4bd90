import { expect, test } from "vitest";
import { join, titleOf, type Said } from "../../session/rooms.ts";
import { fold, gist, handleIn, plain, typingText } from "./fold.ts";

let n = 0;
function said(sender: string, body: string, more: Partial<Said> = {}): Said {
  n++;
  return { id: `$${n}`, sender, body, time: new Date(2026, 10, 26, 12, 0, n).toISOString(), type: "m.room.message", kind: "m.text", encrypted: true, verified: true, content: {}, ...more };
}
const reaction = (sender: string, about: string, key: string, more: Partial<Said> = {}) => said(sender, "", { type: "m.reaction", kind: "", content: { "m.relates_to": { rel_type: "m.annotation", event_id: about, key } }, ...more });

test("an edit of the author replaces the words, one of somebody else does not", () => {
  const m = said("@anna:x", "helo");
  const lines = fold([m, said("@anna:x", "hello", { edits: m.id }), said("@eve:x", "evil", { edits: m.id })], "@anna:x");
  expect(lines.map((l) => [l.text, l.edited])).toEqual([["hello", true]]);
});

test("reactions are counted once a person, and can be taken back", () => {
  const m = said("@anna:x", "tea?");
  const mine = reaction("@anna:x", m.id, "👍");
  const [line] = fold([m, reaction("@ben:x", m.id, "👍"), reaction("@ben:x", m.id, "👍"), mine, reaction("@ben:x", m.id, "🎉", { kind: "redacted", content: {} })], "@anna:x");
  expect(line?.reactions).toEqual([{ key: "👍", by: ["@ben:x", "@anna:x"], mine: mine.id }]);
});

test("a thread folds under its root, and stands alone beside it", () => {
  const root = said("@anna:x", "plans");
  const answer = said("@ben:x", "yes", { thread: root.id, reply_to: root.id });
  const list = [root, answer, said("@ben:x", "else")];
  expect(fold(list, "@anna:x").map((l) => [l.text, l.answers?.count ?? 0])).toEqual([["plans", 1], ["else", 0]]);
  expect(fold(list, "@anna:x", {}, root.id).map((l) => [l.text, l.reply])).toEqual([["plans", null], ["yes", null]]);
});

test("groups begin with another person, another day, and after a while", () => {
  const at = (minute: number, day = 26) => ({ time: new Date(2026, 10, day, 12, minute).toISOString() });
  const lines = fold([said("@a:x", "1", at(0)), said("@a:x", "2", at(1)), said("@a:x", "3", at(9)), said("@b:x", "4", at(9)), said("@b:x", "5", at(9, 27))], "@a:x");
  expect(lines.map((l) => [l.head, l.day !== null])).toEqual([[true, true], [false, false], [true, false], [true, false], [true, true]]);
});

test("a receipt stands at the newest message that it covers", () => {
  const a = said("@anna:x", "one");
  const b = said("@anna:x", "two");
  const r = reaction("@ben:x", a.id, "👍");
  expect(fold([a, b, r], "@anna:x", { "@ben:x": r.id, "@anna:x": b.id }).map((l) => l.readers)).toEqual([[], ["@ben:x"]]);
  expect(fold([a, b], "@anna:x", { "@ben:x": a.id }).map((l) => l.readers)).toEqual([["@ben:x"], []]);
});

test("pages join without doubles, and a gap begins anew", () => {
  const list = Array.from({ length: 6 }, (_, i) => said("@a:x", String(i)));
  const page = (from: number, to: number, before: string) => ({ messages: list.slice(from, to), before, read: {}, unsent: [] });
  const talk = join(undefined, page(0, 3, "b0"));
  expect(join(talk, page(2, 5, "b2"))).toMatchObject({ messages: list.slice(0, 5), before: "b0" });
  expect(join(talk, page(4, 6, "b4"))).toMatchObject({ messages: list.slice(4), before: "b4" });
});

test.each([
  [{ name: "Garden", members: [], state: "joined" as const }, "Garden"],
  [{ name: "", members: ["@me:x", "@ben:x"], state: "joined" as const }, "ben"],
  [{ name: "", members: ["@me:x", "@a:x", "@b:x", "@c:x", "@d:x"], state: "joined" as const }, "a, b, c and 1 more"],
  [{ name: "", members: ["@me:x"], state: "joined" as const }, "Only you"],
  [{ name: "", members: [], inviter: "@ben:x", state: "invited" as const }, "ben"],
])("%j is called %s", (room, want) => expect(titleOf(room, "@me:x")).toBe(want));

test.each([
  ["> <@ben:x> tea?\n> now?\n\nyes", "yes"],
  ["> a quotation of mine", "> a quotation of mine"],
])("plain %j", (body, want) => expect(plain(body)).toBe(want));

test("gist, handles and who writes", () => {
  expect(gist({ kind: "m.image", body: "cat.png" })).toBe("A picture");
  expect(gist({ kind: "m.text", body: "one\ntwo" })).toBe("one");
  expect([handleIn(" @ben:example.org "), handleIn("@ben"), handleIn("ben")]).toEqual(["@ben:example.org", null, null]);
  expect([typingText([]), typingText(["ben"]), typingText(["ben", "ada"])]).toEqual(["", "ben is writing", "ben and ada are writing"]);
});
