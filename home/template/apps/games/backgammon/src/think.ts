// How the computer chooses among the ways to play its dice.
import { bar, own, pips, plays, type Board, type Play, type Side } from "./rules";

/** hits counts the throws, of 36, with which the other could hit a lone checker on a point, by a direct or a combined step. */
function hits(b: Board, side: Side, point: number): number {
  const foe = -side as Side;
  let count = 0;
  const distances: number[] = [];
  for (let i = 0; i < point; i++) if (own(b, side, i) < 0) distances.push(point - i);
  if (own(b, foe, bar) > 0) distances.push(point + 1);
  const open = (i: number) => i < 0 || own(b, side, i) < 2; // where the other may touch down
  for (let x = 1; x <= 6; x++) {
    for (let y = x; y <= 6; y++) {
      const hit = distances.some((d) => d === x || d === y || (d === x + y && (open(point - y) || open(point - x))) || (x === y && (d === 3 * x || d === 4 * x) && open(point - x) && open(point - 2 * x)));
      if (hit) count += x === y ? 1 : 2;
    }
  }
  return count;
}

/** judge says how a board stands for a side that has just moved; more is better. */
export function judge(b: Board, side: Side): number {
  const foe = -side as Side;
  const mine = pips(b, side);
  const theirs = pips(b, foe);
  let last = -1; // the rearmost own checker
  let first = 24; // the other's rearmost, by the own count
  for (let i = 0; i < 24; i++) {
    if (own(b, side, i) > 0) last = i;
    if (own(b, side, i) < 0 && first === 24) first = i;
  }
  const contact = last > first || own(b, foe, bar) > 0;
  let score = theirs - mine + b.off[side === 1 ? 0 : 1] * 4;
  if (!contact) return score - gaps(b, side);
  let wall = 0;
  for (let i = 0; i < 24; i++) {
    const here = own(b, side, i);
    if (here >= 2) {
      wall++;
      score += (i < 6 ? 7 : i < 12 ? 4 : i >= 18 ? 5 : 1) + Math.min(wall, 6) * 2.2 + (i === 4 || i === 5 || i === 6 ? 3 : 0) - Math.max(0, here - 3) * 1.6;
    } else {
      wall = 0;
      if (here === 1) score -= (hits(b, side, i) / 36) * (24 - i + (strongHome(b, foe) - 2) * 5);
    }
  }
  score += own(b, foe, bar) * (9 + strongHome(b, side) * 4);
  return score - own(b, side, bar) * (9 + strongHome(b, foe) * 4);
}

const strongHome = (b: Board, side: Side): number => [0, 1, 2, 3, 4, 5].filter((i) => own(b, side, i) >= 2).length;

// In the race home what is wasted counts: empty points and heaps on the low ones.
function gaps(b: Board, side: Side): number {
  let waste = 0;
  for (let i = 0; i < 6; i++) waste += own(b, side, i) <= 0 ? 0.8 : Math.max(0, own(b, side, i) - 3) * (i < 2 ? 0.9 : 0.3);
  return waste;
}

/** choose is the best way to play the dice, or null if there is none. */
export function choose(b: Board, side: Side, dice: readonly number[]): Play | null {
  let best: Play | null = null;
  let score = -Infinity;
  for (const p of plays(b, side, dice)) {
    const s = judge(p.board, side);
    if (s > score) [best, score] = [p, s];
  }
  return best;
}
