// The computer's moves: alpha-beta with captures followed to their end, in slices, so
// that the window stays alive while it thinks.
import { after, candidates, fromOf, inCheck, signature, toOf, becomes, type Move, type Position } from "./rules";

export type Level = "Easy" | "Medium" | "Hard";

const worth = [0, 100, 320, 330, 500, 900, 0];
const mate = 100_000;

// What a piece gains by where it stands, for white; from the middle of the board outwards, and by how far it has come.
const place: number[][] = worth.map((_, kind) =>
  Array.from({ length: 64 }, (_, s) => {
    const [x, y] = [s % 8, s >> 3];
    const middle = 7 - Math.abs(x - 3.5) - Math.abs(y - 3.5);
    switch (kind) {
      case 1:
        return (6 - y) * (6 - y) * 2 + (x > 1 && x < 6 && y < 6 && y > 2 ? 12 : 0) - (y === 6 && (x === 3 || x === 4) ? 14 : 0);
      case 2:
        return middle * 9 - 30;
      case 3:
        return middle * 4 - (y === 7 ? 12 : 0);
      case 4:
        return (y === 1 ? 22 : 0) + (x === 3 || x === 4 ? 6 : 0);
      case 5:
        return middle * 2;
      default:
        return 0;
    }
  }),
);

/** judge says how good a position is for who moves, in hundredths of a pawn. */
export function judge(p: Position): number {
  let sum = 0;
  let men = 0;
  let [white, black] = [0, 0];
  for (let s = 0; s < 64; s++) {
    const piece = p.board[s]!;
    if (piece === 0) continue;
    const kind = Math.abs(piece);
    if (kind === 6) {
      if (piece > 0) white = s;
      else black = s;
      continue;
    }
    if (kind > 1) men += worth[kind]!;
    sum += piece > 0 ? worth[kind]! + place[kind]![s]! : -worth[kind]! - place[kind]![s ^ 56]!;
  }
  sum += king(white, men) - king(black ^ 56, men);
  return sum * p.side;
}

// While there are pieces the king is safe at home and to the side; at the end it is wanted in the middle.
function king(s: number, men: number): number {
  const [x, y] = [s % 8, s >> 3];
  const late = Math.max(0, 1 - men / 4000);
  const safe = (y === 7 ? 20 : -20 * (7 - y)) + (x < 3 || x > 5 ? 25 : -10);
  return safe * (1 - late) + (7 - Math.abs(x - 3.5) - Math.abs(y - 3.5)) * 12 * late;
}

// The most valuable victim of the least valuable attacker first.
function sorted(p: Position, moves: Move[], first: Move = 0): Move[] {
  const rank = (m: Move) => (m === first ? 1e6 : worth[Math.abs(p.board[toOf(m)]!)]! * 10 - (p.board[toOf(m)] ? worth[Math.abs(p.board[fromOf(m)]!)]! : 0) + becomes(m) * 1000);
  return moves.map((m) => [rank(m), m] as const).sort((a, b) => b[0] - a[0]).map(([, m]) => m);
}

// What is left when all captures have been made.
function settle(p: Position, alpha: number, beta: number, depth: number): number {
  const still = judge(p);
  if (still >= beta || depth === 0) return still;
  let best = Math.max(alpha, still);
  for (const m of sorted(p, candidates(p, true))) {
    const next = after(p, m);
    if (!next) continue;
    best = Math.max(best, -settle(next, -beta, -best, depth - 1));
    if (best >= beta) break;
  }
  return best;
}

function search(p: Position, depth: number, alpha: number, beta: number, ply: number): number {
  if (p.quiet >= 100) return 0;
  if (depth <= 0) return settle(p, alpha, beta, 6);
  let best = -Infinity;
  for (const m of sorted(p, candidates(p))) {
    const next = after(p, m);
    if (!next) continue;
    best = Math.max(best, -search(next, depth - 1, -beta, -Math.max(alpha, best), ply + 1));
    if (best >= beta) return best;
  }
  return best === -Infinity ? (inCheck(p) ? ply - mate : 0) : best;
}

// As search, but it stops for breath after each small part of the tree.
function* inSlices(p: Position, depth: number, alpha: number, beta: number, ply: number): Generator<void, number> {
  if (depth <= 2) {
    yield;
    return search(p, depth, alpha, beta, ply);
  }
  if (p.quiet >= 100) return 0;
  let best = -Infinity;
  for (const m of sorted(p, candidates(p))) {
    const next = after(p, m);
    if (!next) continue;
    best = Math.max(best, -(yield* inSlices(next, depth - 1, -beta, -Math.max(alpha, best), ply + 1)));
    if (best >= beta) return best;
  }
  return best === -Infinity ? (inCheck(p) ? ply - mate : 0) : best;
}

/** A thought is a move and what comes of it for who makes it, in hundredths of a pawn. */
export interface Thought {
  move: Move;
  score: number;
}

/** mateIn is in how many moves a thought mates, below 0 if its side is mated, or null. */
export const mateIn = ({ score }: Thought): number | null => (Math.abs(score) > mate / 2 ? Math.sign(score) * Math.ceil((mate - Math.abs(score)) / 2) : null);

const strength: Record<Level | "Hint", { depth: number; noise: number; ms: number }> = {
  Easy: { depth: 1, noise: 90, ms: 400 },
  Medium: { depth: 3, noise: 12, ms: 1500 },
  Hard: { depth: 6, noise: 0, ms: 2500 },
  Hint: { depth: 4, noise: 0, ms: 2500 },
};

/**
 * thinking finds a move for who is to move in the last position; it yields often and
 * returns the best of the deepest look that it has finished when the time is over. What would repeat a position a third time counts as a draw.
 */
export function* thinking(positions: readonly Position[], level: Level | "Hint", random: () => number, now: () => number = Date.now): Generator<void, Thought> {
  const p = positions.at(-1)!;
  const s = strength[level];
  const until = now() + s.ms;
  const seen = positions.map(signature);
  const roots = candidates(p).flatMap((move) => {
    const next = after(p, move);
    return next ? [{ move, next, score: 0, drawn: seen.filter((x) => x === signature(next)).length >= 2, noise: (random() - 0.5) * 2 * s.noise }] : [];
  });
  if (roots.length === 0) throw new Error("there is no move");
  let best: Thought = { move: sorted(p, roots.map((r) => r.move))[0]!, score: 0 };
  for (let depth = 1; depth <= s.depth; depth++) {
    let found: Thought = { move: best.move, score: -Infinity };
    for (const r of roots.sort((a, b) => Number(b.move === best.move) - Number(a.move === best.move) || b.score - a.score)) {
      const margin = s.noise * 2;
      const search = inSlices(r.next, depth - 1, -Infinity, -(found.score - margin), 1);
      let step = search.next();
      for (; !step.done; step = search.next()) {
        if (now() > until && depth > 1) return best;
        yield;
      }
      r.score = r.drawn ? 0 : -step.value + (Math.abs(step.value) > mate / 2 ? 0 : r.noise);
      if (r.score > found.score) found = { move: r.move, score: r.score };
    }
    best = found;
    if (Math.abs(best.score) > mate / 2) return best;
  }
  return best;
}
