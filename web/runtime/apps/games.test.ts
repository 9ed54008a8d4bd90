import assert from "node:assert/strict";
import { test } from "node:test";
import * as slide from "../../../home/template/apps/games/2048/src/slide.ts";
import * as mines from "../../../home/template/apps/games/minesweeper/src/field.ts";
import * as snake from "../../../home/template/apps/games/snake/src/snake.ts";
import * as blocks from "../../../home/template/apps/games/tetris/src/blocks.ts";

/** dice gives the same figures each time. */
export function dice(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

test("2048: numbers join once, towards the edge", () => {
  assert.deepEqual(slide.pack([2, 2, 2, 2]), { line: [4, 4, 0, 0], gained: 8 });
  assert.deepEqual(slide.pack([2, 2, 4, 0]), { line: [4, 4, 0, 0], gained: 4 });
  assert.deepEqual(slide.pack([0, 2, 0, 4]), { line: [2, 4, 0, 0], gained: 0 });
  const g = { cells: [2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4], score: 10, won: false };
  assert.deepEqual(slide.slide(g, "right")!.cells, [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
  assert.deepEqual(slide.slide(g, "down")!.cells, [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 2, 4, 0, 0, 4]);
  assert.equal(slide.slide(g, "left")!.score, 22);
  assert.equal(slide.slide({ ...g, cells: [2, 4, 0, 0, ...Array(12).fill(0)] }, "left"), null);
});

test("2048: a game ends when nothing moves, and the sum only grows by what drops", () => {
  assert.ok(slide.stuck({ cells: [2, 4, 2, 4, 4, 2, 4, 2, 2, 4, 2, 4, 4, 2, 4, 2], score: 0, won: false }));
  const roll = dice(1);
  let g = slide.begin(roll);
  let steps = 0;
  for (; !slide.stuck(g); steps++) {
    const next = (["left", "down", "right", "up"] as const).map((w) => slide.slide(g, w)).find(Boolean)!;
    assert.equal(next.cells.reduce((a, b) => a + b), g.cells.reduce((a, b) => a + b));
    g = slide.drop(next, roll);
  }
  assert.ok(steps > 50 && slide.highest(g) >= 32);
});

test("minesweeper: the first field is safe and opens its surroundings", () => {
  for (let seed = 0; seed < 60; seed++) {
    const f = mines.dig(mines.lay(mines.levels[seed % 3]!), seed % 81, 1, dice(seed));
    assert.ok(f.state === "playing" || f.state === "won");
    assert.equal(f.mine.filter(Boolean).length, f.mines);
    assert.equal(mines.count(f, seed % 81), 0);
    assert.ok(mines.around(f, seed % 81).every((n) => f.open[n]));
    f.open.forEach((o, i) => o && mines.count(f, i) === 0 && assert.ok(mines.around(f, i).every((n) => f.open[n])));
  }
  const full = mines.dig(mines.lay({ name: "", columns: 3, rows: 3, mines: 8 }), 4, 1, dice(3));
  assert.equal(full.state, "won"); // no room but on the cell itself
});

test("minesweeper: flags protect, a full count opens the rest, a mine ends it", () => {
  const mine = [true, false, false, false, false, false, false, false, false];
  const start = { ...mines.lay({ name: "", columns: 3, rows: 3, mines: 1 }), mine, state: "playing" as const };
  const one = mines.dig(start, 1, 5, dice(1));
  assert.deepEqual(one.open.flatMap((o, i) => (o ? [i] : [])), [1]);
  assert.equal(mines.dig(one, 1, 5, dice(1)), one); // no flag yet
  const flagged = mines.mark(one, 0);
  assert.equal(mines.dig(flagged, 0, 5, dice(1)), flagged);
  assert.equal(mines.minesLeft(flagged), 0);
  assert.equal(mines.dig(flagged, 1, 9, dice(1)).state, "won");
  const wrong = mines.dig(mines.mark(one, 3), 1, 9, dice(1));
  assert.deepEqual([wrong.state, wrong.hit], ["lost", 0]);
  assert.equal(mines.dig(wrong, 8, 9, dice(1)), wrong);
  assert.equal(mines.mark(mines.mark(one, 5), 5).flag[5], false);
});

test("snake: it eats, grows, turns, and ends on a wall or itself", () => {
  const start = { ...snake.begin(10, true, dice(2)), food: 56 };
  assert.deepEqual(start.body, [53, 52, 51]);
  const two = snake.step(snake.step(start, dice(1)), dice(1));
  assert.deepEqual(two.body, [55, 54, 53]);
  const fed = snake.step(two, dice(1));
  assert.deepEqual([fed.body, snake.score(fed)], [[56, 55, 54, 53], 1]);
  assert.ok(!fed.body.includes(fed.food));
  assert.equal(snake.turn(fed, "left"), fed);
  const quick = snake.turn(snake.turn(fed, "up"), "left");
  assert.deepEqual(snake.step(snake.step(quick, dice(1)), dice(1)).body.slice(0, 2), [45, 46]);
  let wall = fed;
  for (let i = 0; i < 4; i++) wall = snake.step({ ...wall, food: 0 }, dice(1));
  assert.ok(wall.over && wall.body[0] === 59);
  assert.equal(snake.step({ ...wall, over: false, walls: false }, dice(1)).body[0], 50);
  const ring = { ...fed, body: [1, 0, 10, 11], way: "right" as const, turns: ["down" as const], food: 99 };
  assert.equal(snake.step(ring, dice(1)).over, false); // the tail moves on
  assert.equal(snake.step({ ...ring, body: [1, 0, 10, 11, 12] }, dice(1)).over, true);
});

test("falling blocks: turning four times gives the same cells, inside the field", () => {
  for (const kind of blocks.kinds) {
    const g = { ...blocks.begin(dice(1)), block: { kind, x: 4, y: 5, turn: 0 } };
    let turned = g;
    for (let i = 0; i < 4; i++) turned = blocks.rotate(turned, 1);
    assert.deepEqual(turned.block, g.block);
    let wall = g;
    for (let i = 0; i < 12; i++) wall = blocks.shift(wall, -1);
    for (let i = 0; i < 4; i++) {
      wall = blocks.rotate(wall, 1);
      assert.ok(blocks.cellsOf(wall.block).every(([x]) => x >= 0 && x < blocks.width));
    }
  }
});

test("falling blocks: full rows go and count, seven kinds come before one comes again", () => {
  const empty = Array<string>(20).fill("..........");
  const g = { ...blocks.begin(dice(1)), field: [...empty.slice(0, 17), "T.........", "IIII..IIII", "IIII..IIII"], block: { kind: "O", x: 4, y: 0, turn: 0 } };
  const done = blocks.plunge(g, dice(1));
  assert.deepEqual([done.lines, done.score], [2, 300 + 2 * 18]);
  assert.deepEqual(done.field, [...empty.slice(0, 19), "T........."]); // what lay above comes down
  let now = blocks.begin(dice(5));
  const seen = [now.block.kind];
  for (let i = 0; i < 13; i++) {
    now = { ...blocks.plunge(now, dice(i)), field: empty };
    seen.push(now.block.kind);
  }
  assert.equal(new Set(seen.slice(0, 7)).size, 7);
  assert.equal(new Set(seen.slice(7, 14)).size, 7);
});

test("falling blocks: the game ends when nothing fits, and holding works once per block", () => {
  let g = blocks.begin(dice(9));
  for (let i = 0; i < 60 && !g.over; i++) g = blocks.plunge(g, dice(i));
  assert.ok(g.over);
  const start = blocks.begin(dice(4));
  const held = blocks.hold(start, dice(4));
  assert.deepEqual([held.held, held.block.kind, held.swapped], [start.block.kind, start.next, true]);
  assert.equal(blocks.hold(held, dice(4)), held);
  const back = blocks.hold({ ...held, swapped: false }, dice(4));
  assert.deepEqual([back.block.kind, back.held, back.next], [start.block.kind, start.next, held.next]);
});
