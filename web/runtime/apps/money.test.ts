import assert from "node:assert/strict";
import { test } from "node:test";
import { monthOf, stand } from "../../../home/template/apps/money/src/budget.ts";

const entries = [
  { date: "2026-11-02", amount: 0.1, category: "Home" },
  { date: "2026-11-30", amount: 0.2, category: "Home" },
  { date: "2026-11-05", amount: 1000, income: true, category: "Income" },
  { date: "2026-10-31", amount: 50, category: "Home" },
  { date: "2026-11-09", amount: 5, category: null },
  { date: null, amount: 7, category: "Home" },
] as any[];

test("a month holds its own entries, to the cent", () => {
  const m = monthOf(entries, "2026-11");
  assert.deepEqual([m.spent, m.earned, m.left], [5.3, 1000, 994.7]);
  assert.deepEqual([...m.byCategory], [["Home", 0.3], ["Other", 5]]);
  assert.equal(monthOf(entries, "2027-01").spent, 0);
});

test("a budget is in trouble before it is gone", () => {
  assert.deepEqual(stand(300, 100, 15, 30), { left: 200, tone: "good" });
  assert.deepEqual(stand(300, 250, 15, 30), { left: 50, tone: "warn" });
  assert.deepEqual(stand(300, 300.01, 15, 30), { left: -0.01, tone: "bad" });
  assert.deepEqual(stand(300, 300, 30, 30), { left: 0, tone: "good" });
});
