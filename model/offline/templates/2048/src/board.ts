import type { Direction } from "./swipe";

/** Sixteen numbers, row by row; 0 is free. */
export type Board = number[];
export interface Game {
  board: Board;
  score: number;
}

function withTile(board: Board): Board {
  const free = board.flatMap((v, i) => (v === 0 ? [i] : []));
  const at = free[Math.floor(Math.random() * free.length)];
  return at === undefined ? board : board.with(at, Math.random() < 0.9 ? 2 : 4);
}

export function newGame(): Game {
  return { board: withTile(withTile(new Array<number>(16).fill(0))), score: 0 };
}

/** The indexes of line n in the order in which its tiles slide. */
function line(n: number, to: Direction): number[] {
  const along = to === "left" || to === "right" ? [0, 1, 2, 3].map((i) => n * 4 + i) : [0, 1, 2, 3].map((i) => i * 4 + n);
  return to === "right" || to === "down" ? along.reverse() : along;
}

/** Slides all tiles; equal neighbours join once. Without any move, null. */
export function slide(game: Game, to: Direction): Game | null {
  const board = [...game.board];
  let score = game.score;
  for (let n = 0; n < 4; n++) {
    const at = line(n, to);
    const tiles = at.map((i) => game.board[i]!).filter((v) => v > 0);
    const out: number[] = [];
    for (let i = 0; i < tiles.length; i++) {
      if (tiles[i] === tiles[i + 1]) {
        out.push(tiles[i]! * 2);
        score += tiles[i]! * 2;
        i++;
      } else out.push(tiles[i]!);
    }
    at.forEach((index, i) => (board[index] = out[i] ?? 0));
  }
  return board.every((v, i) => v === game.board[i]) ? null : { board: withTile(board), score };
}

export function stuck(game: Game): boolean {
  return (["up", "down", "left", "right"] as const).every((to) => slide(game, to) === null);
}
