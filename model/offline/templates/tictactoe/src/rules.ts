export type Mark = "X" | "O" | "";
export type Board = Mark[];

const lines = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];

/** The line that somebody has filled, or null. */
export function won(board: Board): number[] | null {
  return lines.find(([a, b, c]) => board[a!] !== "" && board[a!] === board[b!] && board[a!] === board[c!]) ?? null;
}

const free = (board: Board) => board.flatMap((mark, i) => (mark === "" ? [i] : []));
const other = (mark: Mark): Mark => (mark === "X" ? "O" : "X");

/** How the game ends for me if both play well: 1, 0 or -1. */
function outlook(board: Board, turn: Mark, me: Mark): number {
  const line = won(board);
  if (line) return board[line[0]!] === me ? 1 : -1;
  const moves = free(board);
  if (moves.length === 0) return 0;
  const values = moves.map((i) => outlook(board.with(i, turn), other(turn), me));
  return turn === me ? Math.max(...values) : Math.min(...values);
}

export type Level = "Easy" | "Fair" | "Perfect";

/** The computer's move. Only "Perfect" never errs; "Fair" does every third time. */
export function choose(board: Board, me: Mark, level: Level): number {
  const moves = free(board);
  const any = moves[Math.floor(Math.random() * moves.length)]!;
  const errs = level === "Easy" ? 0.75 : level === "Fair" ? 0.33 : 0;
  const win = moves.find((i) => won(board.with(i, me)));
  if (win !== undefined && level !== "Easy") return win;
  if (Math.random() < errs) return any;
  return moves.reduce((best, i) => (outlook(board.with(i, me), other(me), me) > outlook(board.with(best, me), other(me), me) ? i : best), moves[0]!);
}
