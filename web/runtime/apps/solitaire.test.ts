import assert from "node:assert/strict";
import { test } from "node:test";
import { best, cardsAt, deal, draw, hint, home, move, nameOf, open, won, type Game } from "../../../home/template/apps/games/solitaire/src/klondike.ts";
import { dice } from "./games.test.ts";

const none = (): Game => ({ stock: [], waste: [], foundations: [0, 0, 0, 0], columns: Array.from({ length: 7 }, () => ({ down: [], up: [] })), turn: 1, moves: 0, began: 0 });
const [AS, AH, KS, QH, QS, JS, TWO_S] = [0, 13, 12, 24, 11, 10, 1];
const all = (g: Game) => [...g.stock, ...g.waste, ...g.foundations.flatMap((n, s) => Array.from({ length: n }, (_, r) => s * 13 + r)), ...g.columns.flatMap((c) => [...c.down, ...c.up])].sort((a, b) => a - b);

test("a deal has 52 cards, one to seven in the columns", () => {
  const g = deal(3, 1, dice(7));
  assert.deepEqual(all(g), Array.from({ length: 52 }, (_, i) => i));
  assert.deepEqual(g.columns.map((c) => [c.down.length, c.up.length]), [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 1], [6, 1]]);
  assert.equal(nameOf(QH), "queen of hearts");
});

test("drawing turns one or three, and the waste back in the same order", () => {
  const g = { ...none(), stock: [3, 2, 1], turn: 1 as const };
  const one = draw(g)!;
  assert.deepEqual([one.stock, one.waste], [[3, 2], [1]]);
  const three = draw({ ...g, turn: 3 })!;
  assert.deepEqual([three.stock, three.waste], [[], [1, 2, 3]]);
  assert.deepEqual(draw(three)!.stock, [3, 2, 1]);
  assert.equal(draw(none()), null);
});

test("columns take the next lower card of the other colour, and kings where they are empty", () => {
  const g = none();
  g.columns[0]!.up = [KS];
  g.columns[1]!.up = [QH, JS];
  g.columns[1]!.down = [AS];
  g.columns[2]!.up = [QS];
  const moved = move(g, { at: "column", n: 1, count: 2 }, { at: "column", n: 0, count: 0 })!;
  assert.deepEqual(moved.columns[0]!.up, [KS, QH, JS]);
  assert.deepEqual(moved.columns[1], { down: [], up: [AS] }); // it turned over
  assert.equal(move(g, { at: "column", n: 2, count: 1 }, { at: "column", n: 0, count: 0 }), null); // black on black
  assert.equal(move(g, { at: "column", n: 2, count: 1 }, { at: "column", n: 5, count: 0 }), null); // no king
  assert.equal(move(g, { at: "column", n: 1, count: 3 }, { at: "column", n: 0, count: 0 }), null); // a face-down card
  assert.ok(move(g, { at: "column", n: 0, count: 1 }, { at: "column", n: 5, count: 0 }));
  assert.equal(best(g, { at: "column", n: 0, count: 1 }), null); // its king stays
});

test("foundations grow from the ace, by suit, and give cards back", () => {
  const g = { ...none(), waste: [TWO_S, AH] };
  const ace = move(g, { at: "waste" }, { at: "foundation", suit: 1 })!;
  assert.deepEqual(ace.foundations, [0, 1, 0, 0]);
  assert.equal(move(ace, { at: "waste" }, { at: "foundation", suit: 0 }), null);
  const two = { ...none(), foundations: [2, 0, 0, 0] };
  two.columns[3]!.up = [13 + 2]; // the three of hearts
  const back = move(two, { at: "foundation", suit: 0 }, { at: "column", n: 3, count: 0 })!;
  assert.deepEqual([back.foundations[0], back.columns[3]!.up], [1, [15, TWO_S]]);
  assert.equal(move(two, { at: "foundation", suit: 2 }, { at: "column", n: 3, count: 0 }), null);
});

test("played by its own hints no card is ever lost or doubled, and some games are solved", () => {
  let solved = 0;
  for (let seed = 0; seed < 60; seed++) {
    let g = deal(1, 0, dice(seed * 31 + 5));
    for (let i = 0, idle = 0; i < 600 && idle < 60 && !won(g); i++) {
      const h = hint(g);
      const next = h ? move(g, h.from, h.to)! : draw(g);
      if (!next) break;
      assert.ok(next, `seed ${seed}: a hint that is no move`);
      idle = h ? 0 : idle + 1;
      g = next;
    }
    assert.deepEqual(all(g), Array.from({ length: 52 }, (_, i) => i));
    if (won(g)) solved++;
  }
  assert.ok(solved > 3, `${solved} solved`);
});

test("an open game plays itself to the end", () => {
  let g: Game = { ...none(), foundations: [11, 13, 13, 13] };
  g.columns[2]!.up = [KS, 11].toSorted((a, b) => b - a);
  assert.ok(open(g));
  for (let next: Game | null = g; next; next = home(g)) g = next;
  assert.ok(won(g) && !open(g));
  assert.deepEqual(cardsAt(g, { at: "waste" }), []);
});
