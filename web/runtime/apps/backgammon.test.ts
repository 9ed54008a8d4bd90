import assert from "node:assert/strict";
import { test } from "node:test";
import { bar, begin, can, diceOf, next, own, pips, plays, take, wonBy, worth, type Board, type Side } from "../../../home/template/apps/games/backgammon/src/rules.ts";
import { choose, judge } from "../../../home/template/apps/games/backgammon/src/think.ts";
import { dice } from "./games.test.ts";

/** board puts checkers by each side's own count. */
function board(mine: Record<number, number>, theirs: Record<number, number>, off: [number, number] = [0, 0]): Board {
  const points = Array(24).fill(0) as number[];
  const bars: [number, number] = [mine[bar] ?? 0, theirs[bar] ?? 0];
  for (const [i, c] of Object.entries(mine)) if (Number(i) < 24) points[Number(i)] = c;
  for (const [i, c] of Object.entries(theirs)) if (Number(i) < 24) points[23 - Number(i)] = -c;
  return { points, bar: bars, off };
}

test("both sides begin alike, with 15 checkers and 167 pips", () => {
  const b = begin();
  for (const side of [1, -1] as const) {
    assert.equal(pips(b, side), 167);
    assert.equal(Array.from({ length: 24 }, (_, i) => Math.max(0, own(b, side, i))).reduce((a, c) => a + c), 15);
  }
});

test("made points are closed, lone checkers are hit", () => {
  const b = begin();
  assert.equal(can(b, 1, { from: 23, die: 5 }), false); // five of the other's
  assert.equal(can(b, 1, { from: 23, die: 1 }), true);
  assert.equal(can(b, 1, { from: 22, die: 1 }), false); // nothing there
  const hit = take(board({ 10: 1 }, { 15: 1 }), 1, { from: 10, die: 2 });
  assert.deepEqual([hit.bar, own(hit, 1, 8)], [[0, 1], 1]);
});

test("who is on the bar comes in first, or not at all", () => {
  const b = board({ [bar]: 1, 5: 2 }, { 0: 2, 1: 2, 2: 2, 3: 2, 4: 2 });
  assert.equal(plays(b, 1, [1, 2]).length, 0);
  const all = plays(b, 1, [1, 6], true);
  assert.ok(all.length > 0 && all.every((p) => p.steps[0]!.from === bar && p.steps[0]!.die === 6 && p.steps.length === 2));
});

test("bearing off needs everybody home, and a larger die only takes the last", () => {
  assert.equal(can(board({ 5: 1, 6: 1 }, {}), 1, { from: 5, die: 6 }), false);
  const b = board({ 3: 1, 1: 2 }, {});
  assert.equal(can(b, 1, { from: 3, die: 6 }), true);
  assert.equal(can(b, 1, { from: 1, die: 6 }), false);
  assert.equal(can(b, 1, { from: 1, die: 2 }), true);
  assert.deepEqual(take(b, 1, { from: 3, die: 6 }).off, [1, 0]);
});

test("as many dice as possible are played, and of two the larger", () => {
  const one = board({ 20: 1 }, { 14: 2 }); // either die can be played, and then the other cannot
  assert.deepEqual(plays(one, 1, [6, 5], true).map((p) => p.steps), [[{ from: 20, die: 6 }]]);
  const order = board({ 10: 1 }, { 15: 2 }); // the 2 is closed, unless the 1 comes first
  assert.deepEqual(plays(order, 1, [2, 1], true).map((p) => p.steps), [[{ from: 10, die: 1 }, { from: 9, die: 2 }]]);
  assert.deepEqual(next(order, 1, [2, 1]), [{ from: 10, die: 1 }]);
  assert.equal(diceOf(3, 3).length, 4);
  assert.equal(plays(begin(), 1, diceOf(6, 6)).every((p) => p.steps.length === 4), true);
});

test("games of the computer with itself end, and no checker is lost", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const roll = dice(seed * 77);
    let b = begin();
    let side: Side = 1;
    let turns = 0;
    for (; wonBy(b) === 0 && turns < 400; turns++, side = -side as Side) {
      const [x, y] = [1 + Math.floor(roll() * 6), 1 + Math.floor(roll() * 6)];
      const p = choose(b, side, diceOf(x, y));
      if (p) {
        let replay = b;
        for (const s of p.steps) {
          assert.ok(can(replay, side, s));
          replay = take(replay, side, s);
        }
        assert.deepEqual(replay, p.board);
        b = p.board;
      }
      for (const s of [1, -1] as const) assert.equal(Array.from({ length: 25 }, (_, i) => Math.max(0, own(b, s, i))).reduce((a, c) => a + c) + b.off[s === 1 ? 0 : 1], 15);
    }
    assert.ok(wonBy(b) !== 0 && turns > 20, `${turns} turns`);
    assert.ok([1, 2, 3].includes(worth(b, wonBy(b) as Side)));
  }
});

test("it plays better than chance", () => {
  let won = 0;
  const roll = dice(99);
  for (let game = 0; game < 20; game++) {
    let b = begin();
    for (let side: Side = game % 2 ? 1 : -1; wonBy(b) === 0; side = -side as Side) {
      const throws = diceOf(1 + Math.floor(roll() * 6), 1 + Math.floor(roll() * 6));
      const all = side === 1 ? plays(b, side, throws) : [];
      b = (side === -1 ? choose(b, side, throws) : all[Math.floor(roll() * all.length)])?.board ?? b;
    }
    if (wonBy(b) === -1) won++;
  }
  assert.ok(won >= 18, `${won} of 20`);
});

test("it hits and covers rather than runs past", () => {
  assert.deepEqual(choose(begin(), 1, [3, 1])!.steps.map((s) => s.from - s.die).sort(), [4, 4]); // the five point
  const safe = board({ 5: 2, 7: 2 }, { 20: 2 });
  assert.ok(judge(safe, 1) > judge(board({ 5: 1, 6: 1, 7: 2 }, { 20: 2 }), 1));
  assert.equal(next(begin(), 1, [3, 1]).length > 5, true);
});
