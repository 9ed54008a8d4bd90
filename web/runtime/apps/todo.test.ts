import assert from "node:assert/strict";
import { test } from "node:test";
import { inView, nextDue, readWish } from "../../../home/template/apps/todo/src/todo.ts";

const today = "2026-11-26"; // a Thursday
const read = (text: string) => {
  const w = readWish(text, today);
  return [w.title, w.due, w.list, w.important, w.repeat];
};

test("a line says what, when, where and how often", () => {
  assert.deepEqual(read("Buy milk"), ["Buy milk", null, null, false, null]);
  assert.deepEqual(read("Call Ada tomorrow #work !"), ["Call Ada", "2026-11-27", "work", true, null]);
  assert.deepEqual(read("Water the plants every friday #my_home"), ["Water the plants", "2026-11-27", "my home", false, "Weekly"]);
  assert.deepEqual(read("Stretch every day"), ["Stretch", today, null, false, "Daily"]);
  assert.deepEqual(read("Pay rent on mon"), ["Pay rent", "2026-11-30", null, false, null]);
  assert.deepEqual(read("Meet on thursday"), ["Meet", "2026-12-03", null, false, null]);
  assert.deepEqual(read("Report in 2 weeks"), ["Report", "2026-12-10", null, false, null]);
  assert.deepEqual(read("Plan next week"), ["Plan", "2026-11-30", null, false, null]);
  assert.deepEqual(read("Tax on 2027-05-31"), ["Tax", "2027-05-31", null, false, null]);
});

test("what is no day stays in the title, and a title is never lost", () => {
  assert.deepEqual(read("Read about today's monday club"), ["Read about today's monday club", null, null, false, null]);
  assert.deepEqual(read("Great! Now C# 8"), ["Great! Now C# 8", null, null, false, null]);
  assert.deepEqual(read("tomorrow"), ["tomorrow", null, null, false, null]);
  assert.deepEqual(read("Party 2026-02-31"), ["Party 2026-02-31", null, null, false, null]); // no such day
});

test("what repeats comes again after its day and not in the past", () => {
  assert.equal(nextDue("2026-11-26", "Daily", today), "2026-11-27");
  assert.equal(nextDue("2026-11-01", "Weekly", today), "2026-11-29");
  assert.equal(nextDue("2026-12-01", "Weekly", today), "2026-12-08");
  assert.equal(nextDue("2026-10-31", "Monthly", today), "2026-11-30");
  assert.equal(nextDue("2024-02-29", "Yearly", today), "2027-02-28");
  assert.equal(nextDue("2026-11-26", "Sometimes", today), null);
});

test("views", () => {
  const rows = [
    { id: "late", due: "2026-11-20", list: "a", created_at: "1" },
    { id: "now", due: today, created_at: "2" },
    { id: "must", due: today, important: true, created_at: "3" },
    { id: "soon", due: "2026-12-01", list: "a", created_at: "4" },
    { id: "some", due: null, created_at: "5" },
    { id: "did", done: true, done_at: "2026-11-02", created_at: "6" },
    { id: "did2", done: true, done_at: "2026-11-03", created_at: "7" },
  ] as any[];
  const ids = (view: any, list = "") => inView(rows, view, list, today).map((r) => r.id).join();
  assert.equal(ids("Today"), "late,must,now");
  assert.equal(ids("Upcoming"), "soon");
  assert.equal(ids("All"), "late,must,now,soon,some");
  assert.equal(ids("All", "a"), "late,soon");
  assert.equal(ids("Done"), "did2,did");
});
