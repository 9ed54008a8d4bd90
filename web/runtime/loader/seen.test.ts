import assert from "node:assert/strict";
import { test } from "node:test";
import { seenRows } from "./seen.ts";

// A system with one row that merges as the server does.
function system(row: Record<string, any>) {
  const calls: any[] = [];
  const link = {
    async call(method: string, params: any) {
      calls.push({ method, params });
      if (method === "db.find") return [{ ...row }];
      const { data, seen } = params;
      const fields = Object.keys(data).filter((f) => seen && f in seen && row[f] !== seen[f] && data[f] !== seen[f] && data[f] !== row[f]);
      if (fields.length > 0) return { updated: 0, clashes: [{ id: row.id, fields, row: { ...row } }] };
      for (const f of Object.keys(data)) if (!seen || !(f in seen) || row[f] === seen[f]) row[f] = data[f];
      return { updated: 1 };
    },
  };
  return { db: seenRows(link as never), calls, row };
}

test("an update brings along what the window saw, and a clash loses neither side", async () => {
  const { db, row } = system({ id: "1", title: "Milk", amount: 2 });
  await db.find("things", {});
  row.amount = 5; // another window
  await db.update("things", "1", { title: "Oat milk", amount: 2 });
  assert.deepEqual(row, { id: "1", title: "Oat milk", amount: 5 });
  row.title = "Soya milk";
  await assert.rejects(db.update("things", "1", { title: "Rice milk" }), /title is now “Soya milk”\. Save again/);
  assert.equal(row.title, "Soya milk");
  await db.update("things", "1", { title: "Rice milk" });
  assert.equal(row.title, "Rice milk");
});

test("the window's own writes, in a row, are no clash", async () => {
  const { db, row } = system({ id: "1", n: 0 });
  await db.find("things", {});
  await Promise.all([1, 2, 3].map((n) => db.update("things", "1", { n })));
  assert.equal(row.n, 3);
});

test("a read that is older than a write of the window does not count", async () => {
  const { db, row, calls } = system({ id: "1", n: 0 });
  await db.find("things", {});
  const late = db.find("things", {});
  const write = db.update("things", "1", { n: 1 });
  await write;
  await late;
  await db.update("things", "1", { n: 2 });
  assert.equal(row.n, 2);
  assert.equal(calls.at(-1).params.seen.n, 1);
});

test("onConflict decides", async () => {
  const { db, row } = system({ id: "1", note: "a" });
  await db.find("things", {});
  const off = db.onConflict("things", ({ mine, theirs }) => ({ note: `${theirs.note} / ${mine.note}` }));
  row.note = "theirs";
  await db.update("things", "1", { note: "mine" });
  assert.equal(row.note, "theirs / mine");
  off();
  db.onConflict("things", () => null);
  row.note = "theirs again";
  assert.deepEqual(await db.update("things", "1", { note: "x" }), { updated: 0 });
  assert.equal(row.note, "theirs again");
});
