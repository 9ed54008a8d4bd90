import assert from "node:assert/strict";
import { test } from "node:test";
import { problem, readNumber } from "./form.tsx";
import { dayRoom, monthDays, weekStart } from "./month.ts";
import { linePath, niceStep, palette, shape, slicePath, ticks } from "./scale.ts";

test("ticks are round, include zero and cover the range", () => {
  assert.deepEqual(ticks(0, 1365), [0, 500, 1000, 1500]);
  assert.deepEqual(ticks(5, 9), [0, 5, 10]);
  assert.deepEqual(ticks(-30, 45, 4), [-40, -20, 0, 20, 40, 60]);
  assert.deepEqual(ticks(0, 0.3, 3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(0, 0), [0, 1]);
  for (let max = 1e-6; max < 1e9; max *= 7.3) {
    const t = ticks(0, max);
    assert.ok(t[0] === 0 && t.at(-1)! >= max && t.length <= 8, `${max}: ${t}`);
  }
  assert.equal(niceStep(Number.NaN), 1);
});

const rows = [
  { day: "2026-09-10", kind: "a", n: 1 },
  { day: "2026-11-02", kind: "b", n: 2 },
  { day: "2026-11-30", kind: "a", n: 4 },
  { day: null, kind: "", n: 8 },
] as any[];

test("dated charts have a place for empty periods too", () => {
  const s = shape(rows, { x: "day", every: "month", y: "n" });
  assert.deepEqual(s.keys, ["2026-09", "2026-10", "2026-11"]);
  assert.deepEqual(s.series[0]!.values, [1, 0, 6]);
  assert.deepEqual(shape(rows, { x: "day", every: "month", y: "n", last: 2 }).keys, ["2026-10", "2026-11"]);
});

test("named charts are ordered by size, series too", () => {
  const s = shape(rows, { x: "kind", y: "n" });
  assert.deepEqual(s.keys, ["None", "a", "b"]);
  assert.deepEqual(s.series[0]!.values, [8, 5, 2]);
  const by = shape(rows, { x: "day", every: "month", series: "kind" });
  assert.deepEqual(by.series.map((x) => [x.name, x.values.join()]), [["a", "1,0,1"], ["b", "0,0,1"], ["None", "0,0,0"]]);
});

test("more series than colours become Other, and nothing is lost", () => {
  const many = Array.from({ length: 20 }, (_, i) => ({ day: "2026-01-01", kind: `k${i}`, n: i + 1 })) as any[];
  const s = shape(many, { x: "day", y: "n", series: "kind" });
  assert.equal(s.series.length, palette.length);
  assert.equal(s.series.at(-1)!.name, "Other");
  assert.equal(s.series.reduce((n, x) => n + x.values[0]!, 0), 210);
});

test("no rows make an empty chart", () => {
  assert.deepEqual(shape([], { x: "day", every: "week", y: "n" }).keys, []);
});

test("paths", () => {
  assert.equal(linePath([[0, 1], [2.25, 3]]), "M0.0,1.0L2.3,3.0");
  assert.ok(slicePath(0, 1, 90, 58).includes("A90,90 0 1 1"));
  assert.ok(slicePath(0, 0.25, 90, 58).startsWith("M0.00,-90.00A90,90 0 0 1 90.00,"));
});

test("figures are read as people write them", () => {
  for (const [text, want] of [["12,50", 12.5], ["12.50", 12.5], ["1.200,00", 1200], ["1,200.00", 1200], ["€ 7", 7], ["-3", -3], ["1,000,000", 1e6], ["", null], ["abc", null], ["-", null], ["12,", 12]] as const) assert.equal(readNumber(text), want, text);
});

test("problems are said in words", () => {
  assert.equal(problem({ name: "title", required: true }, ""), "Title is missing.");
  assert.equal(problem({ name: "n", type: "number", min: 1 }, 0), "N is at least 1.");
  assert.equal(problem({ name: "n", type: "number", max: 5 }, 6), "N is at most 5.");
  assert.equal(problem({ name: "n", type: "number" }, 0), "");
  assert.equal(problem({ name: "done", type: "check", required: true }, false), "");
  assert.notEqual(problem({ name: "m", type: "email" }, "ada"), "");
  assert.equal(problem({ name: "m", type: "email" }, "ada@example.org"), "");
});

test("a month view is whole weeks around the month", () => {
  for (let m = 0; m < 30; m++) {
    const day = `${2026 + Math.floor(m / 12)}-${String((m % 12) + 1).padStart(2, "0")}-15`;
    for (const first of [0, 1, 6]) {
      const days = monthDays(day, first);
      assert.equal(days.length % 7, 0);
      assert.equal(new Set(days).size, days.length);
      assert.ok(days.includes(`${day.slice(0, 7)}-01`) && days.includes(day));
      assert.equal(new Date(`${days[0]}T12:00`).getDay(), first);
    }
  }
  assert.equal(weekStart("not a locale!"), 1);
});

test("a month fits into the window where it can, and a day always has room for two lines", () => {
  for (const [window, weeks] of [[548, 5], [800, 6], [844, 4], [1400, 5]] as const) {
    const { height, lines } = dayRoom(window, weeks);
    assert.ok(height === 74 || height === 140 || Math.abs(height * weeks - (window - 190)) <= weeks, `${window}: ${height}`);
    assert.ok(lines >= 2 && 34 + lines * 20 <= height, `${window}: ${lines}`);
  }
  assert.equal(dayRoom(300, 6).lines, 2);
});
