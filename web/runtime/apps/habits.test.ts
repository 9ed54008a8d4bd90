import assert from "node:assert/strict";
import { test } from "node:test";
import { share, streak } from "../../../home/template/apps/habits/src/streak.ts";

const today = "2026-11-26"; // a Thursday; the week began on the 23rd
const days = (...all: string[]) => new Set(all.map((d) => (d.length === 2 ? `2026-11-${d}` : d)));

test("a daily streak holds until a day is over without it", () => {
  assert.equal(streak(days(), 7, today).length, 0);
  assert.equal(streak(days("26"), 7, today).length, 1);
  assert.equal(streak(days("25", "24"), 7, today).length, 2);
  assert.equal(streak(days("26", "24"), 7, today).length, 1);
  assert.equal(streak(days("24"), 7, today).length, 0);
  assert.equal(streak(days("01", "2026-10-31"), 7, "2026-11-01").length, 2);
});

test("a weekly streak counts weeks in which it was done often enough", () => {
  assert.deepEqual(streak(days("16", "18", "09", "11"), 2, today), { length: 2, unit: "week" });
  assert.equal(streak(days("23", "24", "16", "18"), 2, today).length, 2);
  assert.equal(streak(days("24", "16", "18"), 2, today).length, 1);
  assert.equal(streak(days("09", "11"), 2, today).length, 0);
});

test("the share counts from when the habit began, and not today before it is over", () => {
  assert.equal(share(days("25", "24"), 7, today, "2026-11-23"), 67);
  assert.equal(share(days("26", "25", "24", "23"), 7, today, "2026-11-23"), 100);
  assert.equal(share(days("25"), 3, today, "2026-11-19"), 33);
  assert.equal(share(days(), 7, today, today), 0);
  assert.equal(share(days("26", "25", "24", "23", "22"), 3, today, "2026-11-22"), 100);
});
