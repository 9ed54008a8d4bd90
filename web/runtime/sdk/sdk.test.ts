import assert from "node:assert/strict";
import { test } from "node:test";
import { addDays, bucket, bucketLabel, isoDay, nextBucket, parseDay, today } from "./dates.ts";
import { currencyOf, defaultValue, formatDay, formatDuration, formatValue, labelOf, searchRows, sortRows } from "./format.ts";
import { aggregate, groupRows, periods, sumBy } from "./group.ts";

Object.defineProperty(globalThis, "navigator", { value: { language: "en-GB" }, configurable: true });

test("bucket names the period, weeks by their Monday", () => {
  for (const [date, every, want] of [
    ["2026-11-23", "day", "2026-11-23"],
    ["2026-11-23T23:59", "day", "2026-11-23"],
    ["2026-11-22", "week", "2026-11-16"],
    ["2026-11-23", "week", "2026-11-23"],
    ["2027-01-01", "week", "2026-12-28"],
    ["2026-11-23", "month", "2026-11"],
    ["2026-11-23", "year", "2026"],
    ["soon", "day", ""],
    ["2026-02-30", "day", ""],
  ] as const)
    assert.equal(bucket(date, every), want, `${date} ${every}`);
});

test("the bucket after each bucket is its own next, over months, years and daylight saving", () => {
  for (const every of ["day", "week", "month", "year"] as const) {
    let key = bucket("2026-03-25", every);
    for (let i = 0; i < 40; i++) {
      const next = nextBucket(key, every);
      assert.ok(next > key, `${key} ${next}`);
      assert.equal(bucket(every === "year" ? `${next}-01-01` : every === "month" ? `${next}-01` : next, every), next);
      key = next;
    }
  }
  assert.equal(addDays("2026-03-28", 2), "2026-03-30"); // the clocks change between
  assert.equal(addDays("2028-02-28", 1), "2028-02-29");
  assert.deepEqual(periods("2026-11", "2027-02", "month", 3), ["2026-12", "2027-01", "2027-02"]);
});

test("a day is read as the owner's, not as UTC", () => {
  assert.equal(isoDay(parseDay("2026-11-23")!), "2026-11-23");
  assert.equal(parseDay("23.11.2026"), null);
  assert.match(today(), /^\d{4}-\d{2}-\d{2}$/);
});

test("values are written for people", () => {
  for (const [value, field, want] of [
    [12.5, { name: "a", type: "money", currency: "EUR" }, "€12.50"],
    [-3, { name: "a", type: "money", currency: "USD" }, "-US$3.00"],
    [5, { name: "a", type: "money", currency: "doubloons" }, "5 doubloons"],
    [0, { name: "a", type: "number" }, "0"],
    [1234.567, { name: "a", type: "number", unit: "km" }, "1,234.57 km"],
    [12, { name: "a", type: "percent" }, "12 %"],
    [80, { name: "a", type: "duration" }, "1 h 20 min"],
    [3, { name: "a", type: "rating" }, "★★★☆☆"],
    [9, { name: "a", type: "rating", max: 3 }, "★★★"],
    [true, { name: "a", type: "check" }, "Yes"],
    [["x", "y"], { name: "a", type: "tags" }, "x, y"],
    ["https://www.example.org/", { name: "a", type: "link" }, "example.org"],
    ["14:05", { name: "a", type: "time" }, "14:05"],
    ["2001-02-03", { name: "a", type: "date" }, "3 Feb 2001"],
    ["not a date", { name: "a", type: "date" }, "not a date"],
    ["many", { name: "a", type: "number" }, "many"],
    [null, { name: "a" }, ""],
    [undefined, { name: "a", type: "date" }, ""],
  ] as const)
    assert.equal(formatValue(value, field as any), want, JSON.stringify([value, field]));
  assert.equal(formatDuration(-61), "−1 h 1 min");
  const now = new Date(2026, 10, 23, 1);
  assert.equal(formatDay(new Date(2026, 10, 22), now), "Yesterday");
  assert.equal(formatDay(new Date(2026, 10, 24), now), "Tomorrow");
  assert.equal(formatDay(new Date(2026, 10, 21), now), "21 Nov");
  assert.equal(currencyOf(), "GBP");
  assert.equal(labelOf({ name: "first_name" }), "First name");
});

test("defaults of a form", () => {
  const now = new Date(2026, 0, 5, 9, 7);
  assert.equal(defaultValue({ name: "d", type: "date", default: "today" }, now), "2026-01-05");
  assert.equal(defaultValue({ name: "d", type: "time", default: "now" }, now), "09:07");
  assert.equal(defaultValue({ name: "d", type: "datetime", default: "now" }, now), "2026-01-05T09:07");
  assert.equal(defaultValue({ name: "d", default: 0 }, now), 0);
  assert.equal(defaultValue({ name: "d", type: "check" }, now), false);
  assert.equal(defaultValue({ name: "d" }, now), null);
});

const rows = [
  { id: "1", name: "b10", n: 2, on: true, tags: ["x"], day: "2026-11-23" },
  { id: "2", name: "B9", n: null, on: false, tags: [], day: "2026-11-02" },
  { id: "3", name: "", n: 10, on: true, tags: ["x", "y"], day: "2026-10-31" },
  { id: "4", name: "ä", n: 1, on: false, tags: null, day: null },
];
const ids = (r: any[]) => r.map((x) => x.id).join("");

test("rows are sorted by value, those without one last either way", () => {
  assert.equal(ids(sortRows(rows, "n")), "4132");
  assert.equal(ids(sortRows(rows, "-n")), "3142");
  assert.equal(ids(sortRows(rows, "name")), "4213"); // ä, B9, b10
  assert.equal(ids(sortRows(rows, "on")), "2413");
  assert.equal(ids(sortRows(rows, undefined)), "1234");
});

test("search finds all words in any field, as shown or as stored", () => {
  const fields = [{ name: "name" }, { name: "n", type: "money", currency: "EUR" }, { name: "tags", type: "tags" }] as any;
  assert.equal(ids(searchRows(rows, "X y", fields)), "3");
  assert.equal(ids(searchRows(rows, "€10", fields)), "3");
  assert.equal(ids(searchRows(rows, "", fields)), "1234");
  assert.equal(ids(searchRows(rows, "nothing", fields)), "");
});

test("groups and sums", () => {
  assert.deepEqual(groupRows(rows, "day", "month").map((g) => [g.key, g.label, ids(g.rows)]), [
    ["2026-11", "November 2026", "12"],
    ["2026-10", "October 2026", "3"],
    ["", "No date", "4"],
  ]);
  assert.deepEqual(groupRows(rows, "tags").map((g) => [g.label, ids(g.rows)]), [["x", "13"], ["None", "24"], ["y", "3"]]);
  assert.deepEqual(groupRows(rows, "on").map((g) => g.label), ["Yes", "No"]);
  assert.equal(sumBy([{ a: 0.1 }, { a: 0.2 }, { a: "x" }, {}], "a"), 0.3);
  assert.equal(aggregate(rows, "n", "avg"), 13 / 3);
  assert.equal(aggregate(rows, "n", "min"), 1);
  assert.equal(aggregate(rows, "n", "max"), 10);
  assert.equal(aggregate(rows, undefined, "sum"), 4);
  assert.equal(aggregate([], "n", "max"), 0);
  assert.equal(bucketLabel("2026-11", "month", "en-GB", true), "Nov");
});
