import assert from "node:assert/strict";
import { test } from "node:test";
import { asStorage, MemoryStorage } from "./local.ts";

test("a storage is used by methods and by properties", () => {
  const changed: string[][] = [];
  const s = asStorage(new MemoryStorage({ a: "1", bad: 5 as unknown as string }, (keys) => changed.push(keys))) as Storage & Record<string, string>;
  assert.equal(s.getItem("a"), "1");
  assert.equal(s.getItem("bad"), null);
  assert.equal(s.length, 1);
  s.theme = "dark";
  s.setItem("n", 5 as unknown as string);
  assert.deepEqual([s.theme, s.getItem("n"), s.nothing, s.getItem("nothing")], ["dark", "5", undefined, null]);
  assert.deepEqual(Object.keys(s), ["a", "theme", "n"]);
  assert.equal("theme" in s, true);
  assert.equal(JSON.stringify({ ...s }), '{"a":"1","theme":"dark","n":"5"}');
  delete (s as any).a;
  assert.deepEqual([s.key(0), s.key(9), s.length], ["theme", null, 2]);
  s.removeItem("not there");
  s.clear();
  assert.equal(s.length, 0);
  assert.deepEqual(changed, [["theme"], ["n"], ["a"], ["theme", "n"]]);
});

test("what is too much is refused, and what was there stays", () => {
  const s = new MemoryStorage({ a: "1" });
  assert.throws(() => s.setItem("b", "x".repeat(6 << 20)), { name: "QuotaExceededError" });
  assert.deepEqual([s.length, s.getItem("a")], [1, "1"]);
});
