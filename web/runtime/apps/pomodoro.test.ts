import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, face, leftOf, next, pause, resize, start, usual } from "../../../home/template/apps/pomodoro/src/cycle.ts";

const min = 60_000;

test("time runs while it runs", () => {
  const c = begin(usual);
  assert.equal(leftOf(c, 1e12), 25 * min);
  const on = start(c, 1000);
  assert.equal(leftOf(on, 1000 + 10 * min), 15 * min);
  assert.deepEqual(start(on, 5000), on);
  const held = pause(on, 1000 + 10 * min);
  assert.equal(leftOf(held, 1e12), 15 * min);
  assert.equal(leftOf(start(held, 2e6), 2e6 + 20 * min), 0);
});

test("the fourth break is the long one, and a skip does not count", () => {
  let c = begin(usual);
  const phases = [];
  for (let i = 0; i < 9; i++) phases.push((c = next(c, usual)).phase);
  assert.equal(phases.join(" "), "short work short work short work long work short");
  assert.deepEqual(next(begin(usual), usual, true), { phase: "short", done: 0, ends: null, left: 5 * min });
  assert.equal(next(next(begin(usual), usual), usual).done, 1);
});

test("new lengths change what has not begun", () => {
  const longer = { ...usual, work: 50 };
  assert.equal(resize(begin(usual), usual, longer).left, 50 * min);
  const held = pause(start(begin(usual), 0), min);
  assert.equal(resize(held, usual, longer).left, 24 * min);
  assert.equal(face(25 * min), "25:00");
  assert.equal(face(59_001), "01:00");
  assert.equal(face(100 * min), "100:00");
  assert.equal(face(0), "00:00");
});
