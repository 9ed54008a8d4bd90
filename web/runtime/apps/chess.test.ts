import assert from "node:assert/strict";
import { test } from "node:test";
import { after, begin, candidates, endingOf, fromOf, legal, play, read, squareName, toOf, write, becomes, type Position } from "../../../home/template/apps/games/chess/src/rules.ts";
import { judge, thinking, type Level } from "../../../home/template/apps/games/chess/src/think.ts";
import { dice } from "./games.test.ts";

function count(p: Position, depth: number): number {
  let n = 0;
  for (const m of candidates(p)) {
    const next = after(p, m);
    if (next) n += depth === 1 ? 1 : count(next, depth - 1);
  }
  return n;
}

// The numbers of ways to go on are known for these positions; they cover castling,
// en passant, promotion, pins and checks of every kind.
const known: [string, number[]][] = [
  ["rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", [20, 400, 8902]],
  ["r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1", [48, 2039, 97862]],
  ["8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", [14, 191, 2812, 43238]],
  ["r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", [6, 264, 9467]],
  ["rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8", [44, 1486, 62379]],
  ["r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10", [46, 2079]],
];
for (const [fen, counts] of known) {
  test(`every legal move, and no other: ${fen}`, () => {
    counts.forEach((n, i) => assert.equal(count(read(fen), i + 1), n));
  });
}

/** follow plays moves such as e2e4. */
function follow(...names: string[]) {
  let p = begin();
  const moves = names.map((name) => {
    const m = legal(p).find((o) => squareName(fromOf(o)) + squareName(toOf(o)) === name.slice(0, 4) && (name[4] ? "..nbrq"[becomes(o)] === name[4] : true));
    assert.ok(m !== undefined, `${name} is not legal`);
    p = after(p, m)!;
    return m;
  });
  return play(moves);
}

test("games end by mate, stalemate, repetition, fifty moves and want of pieces", () => {
  assert.equal(follow("f2f3", "e7e5", "g2g4", "d8h4").ending, "checkmate");
  const dance = ["g1f3", "g8f6", "f3g1", "f6g8"];
  assert.equal(follow(...dance, ...dance).ending, "repetition");
  assert.equal(follow(...dance, ...dance.slice(0, 3)).ending, null);
  assert.equal(endingOf([read("7k/5Q2/6K1/8/8/8/8/8 b - - 0 1")]), "stalemate");
  assert.equal(endingOf([read("7k/8/8/8/8/8/R7/K7 w - - 100 90")]), "fifty moves");
  assert.equal(endingOf([read("7k/8/8/8/8/8/R7/K7 w - - 99 90")]), null);
  assert.equal(endingOf([read("7k/6Q1/6K1/8/8/8/8/8 b - - 100 90")]), "checkmate"); // mate comes first
  for (const [fen, end] of [["8/8/4k3/8/8/3K4/8/8 w - - 0 1", true], ["8/8/4k3/8/8/3KN3/8/8 w - - 0 1", true], ["8/5b2/4k3/8/8/3KB3/8/8 w - - 0 1", false], ["8/4b3/4k3/8/8/3KB3/8/8 w - - 0 1", true], ["8/8/4k3/8/8/3KP3/8/8 w - - 0 1", false], ["8/8/4k3/8/8/3KNN2/8/8 w - - 0 1", false]] as const) {
    assert.equal(endingOf([read(fen)]) === "too few pieces", end, fen);
  }
});

test("a move that is not legal ends a stored game there", () => {
  assert.equal(play([12345, 1]).positions.length, 1);
});

test("moves are written as players write them", () => {
  const said = (fen: string, name: string) => {
    const p = read(fen);
    const m = legal(p).find((o) => squareName(fromOf(o)) + squareName(toOf(o)) + ["", "", "n", "b", "r", "q"][becomes(o)] === name)!;
    return write(p, m);
  };
  assert.equal(said("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1g1"), "O-O");
  assert.equal(said("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "e8c8"), "O-O-O");
  assert.equal(said("3r3k/4P3/8/8/8/8/8/K7 w - - 0 1", "e7d8q"), "exd8=Q+");
  assert.equal(said("7k/8/8/8/8/8/8/KN3N2 w - - 0 1", "b1d2"), "Nbd2");
  assert.equal(said("R7/6k1/8/8/8/8/8/R5K1 w - - 0 1", "a1a4"), "R1a4");
  assert.equal(said("7k/8/8/3pP3/8/8/8/K7 w - d6 0 1", "e5d6"), "exd6");
  assert.equal(said("7k/R7/8/8/8/8/8/KR6 w - - 0 1", "b1b8"), "Rb8#");
});

function answer(fen: string, level: Level): string {
  const p = read(fen);
  const mind = thinking([p], level, dice(3), () => 0); // time stands still, so the depth decides
  let step = mind.next();
  while (!step.done) step = mind.next();
  return write(p, step.value.move);
}

test("it mates, takes what hangs, and does not give a queen away", () => {
  assert.equal(answer("6k1/5ppp/8/8/8/8/8/R5K1 w - - 0 1", "Medium"), "Ra8#");
  assert.equal(answer("k7/8/8/3q4/4P3/8/8/K7 w - - 0 1", "Easy"), "exd5");
  assert.equal(answer("k7/8/8/3q4/4P3/8/8/K7 w - - 0 1", "Medium"), "exd5");
  assert.equal(answer("7k/6pp/8/8/8/8/5PPP/1q2R1K1 w - - 0 1", "Medium"), "Rxb1");
  assert.notEqual(answer("r5k1/5ppp/8/3p4/4Q3/8/5PPP/6K1 w - - 0 1", "Medium"), "Qd4"); // anything but what loses on the spot
  assert.equal(answer("kbK5/pp6/1P6/8/8/8/8/R7 w - - 0 1", "Hard"), "Ra6"); // mate in two
});

test("the thinking is cut into small pieces, and stops when time is over", () => {
  let clock = 0;
  const mind = thinking([begin()], "Hard", dice(1), () => (clock += 5));
  let slices = 0;
  let step = mind.next();
  for (; !step.done; step = mind.next()) slices++;
  assert.ok(slices > 20 && slices < 1000, `${slices} slices`);
  assert.ok(legal(begin()).includes(step.value.move));
  assert.equal(judge(begin()), 0);
});

test("games against itself stay legal to the end", () => {
  const roll = dice(11);
  const positions = [begin()];
  for (let i = 0; i < 40 && !endingOf(positions); i++) {
    const mind = thinking(positions, "Easy", roll, () => 0);
    let step = mind.next();
    while (!step.done) step = mind.next();
    assert.ok(legal(positions.at(-1)!).includes(step.value.move));
    positions.push(after(positions.at(-1)!, step.value.move)!);
  }
  assert.ok(positions.length > 10);
});
