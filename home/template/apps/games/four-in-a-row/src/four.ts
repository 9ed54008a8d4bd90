// The rules of four in a row, and how a log of moves reads as games.
import type { RoomMove } from "@matrixos/sdk";

export const columns = 7;
export const rows = 6;

export type Disc = 0 | 1 | 2; // none, who began, the other

export interface Game {
  cells: Disc[]; // row by row, from the top
  moves: number;
  last: number | null; // the cell of the newest disc
  line: number[]; // the cells of the four
  winner: Disc;
  over: boolean;
}

export const empty = (): Game => ({ cells: Array<Disc>(columns * rows).fill(0), moves: 0, last: null, line: [], winner: 0, over: false });

/** toMove is whose turn it is in a game without a pass. */
export const toMove = (g: Game): 1 | 2 => (g.moves % 2 === 0 ? 1 : 2);

const ways: [number, number][] = [[1, 0], [0, 1], [1, 1], [1, -1]];

/** fourThrough are the cells of a row of four or more through a cell; none if there is no such row. */
function fourThrough(cells: readonly Disc[], at: number): number[] {
  const disc = cells[at]!;
  for (const [dx, dy] of ways) {
    const found = [at];
    for (const sign of [1, -1]) {
      for (let n = 1; ; n++) {
        const x = (at % columns) + sign * n * dx;
        const y = Math.floor(at / columns) + sign * n * dy;
        if (x < 0 || x >= columns || y < 0 || y >= rows || cells[y * columns + x] !== disc) break;
        found.push(y * columns + x);
      }
    }
    if (found.length >= 4) return found;
  }
  return [];
}

/** drop lets a disc fall into a column; null where it cannot. */
export function drop(g: Game, column: number, disc: Disc): Game | null {
  if (g.over || !(column >= 0 && column < columns)) return null;
  const free = Array.from({ length: rows }, (_, y) => y * columns + column).filter((at) => g.cells[at] === 0);
  const at = free.at(-1);
  if (at === undefined) return null;
  const cells = g.cells.with(at, disc);
  const line = fourThrough(cells, at);
  const [won, moves] = [line.length > 0, g.moves + 1];
  return { cells, moves, last: at, line, winner: won ? disc : 0, over: won || moves === columns * rows };
}

/** replay is a game on one screen after some columns, one disc after the other. */
export function replay(played: readonly number[]): Game {
  let g = empty();
  for (const column of played) g = drop(g, column, toMove(g)) ?? g;
  return g;
}

/** Match is what two people have played in a room. */
export interface Match {
  game: Game; // the one that is played, or the newest
  began: string; // who began it
  wins: Record<string, number>;
  drawn: number;
  gaveUp: string; // who gave the newest one up
}

/**
 * readMatch reads a log, in which two people take turns. What is no move is one all the
 * same: it passes. After a game the next move begins another.
 */
export function readMatch(log: readonly RoomMove[]): Match {
  const m: Match = { game: empty(), began: "", wins: {}, drawn: 0, gaveUp: "" };
  const end = (winner: string | null) => {
    if (winner) m.wins[winner] = (m.wins[winner] ?? 0) + 1;
    else m.drawn++;
  };
  const players: string[] = [];
  for (const { by, value } of log) {
    if (!players.includes(by)) players.push(by);
    if (m.game.over || m.began === "") [m.game, m.began, m.gaveUp] = [empty(), by, ""];
    if (value?.give_up === true && m.game.moves > 0) {
      m.game = { ...m.game, over: true, winner: by === m.began ? 2 : 1 };
      m.gaveUp = by;
      end(players.find((p) => p !== by) ?? null);
      continue;
    }
    const next = drop(m.game, value?.column, by === m.began ? 1 : 2);
    if (!next) continue;
    m.game = next;
    if (next.over) end(next.winner ? by : null);
  }
  return m;
}

/** wordsFor says a board for those who do not see it: each column from below. */
export function wordsFor(g: Game, names: readonly [string, string]): string {
  const column = (x: number) => {
    const discs = g.cells.filter((disc, at) => disc && at % columns === x).reverse();
    return `column ${x + 1}: ${discs.map((disc) => names[disc - 1]).join(", ") || "empty"}`;
  };
  return Array.from({ length: columns }, (_, x) => column(x)).join("; ");
}
