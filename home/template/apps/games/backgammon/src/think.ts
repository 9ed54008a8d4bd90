// How the computer chooses among the ways to play its dice.
import { bar, own, pips, plays, type Board, type Play, type Side } from "./rules";

/** shots is about how many throws, of 36, hit a lone checker so many points away. */
const shots = (away: number): number => (away <= 6 ? 10 + away : Math.max(0, 13 - away));

/** risk is the chance that the other hits a lone checker on a point with its next throw. */
function risk(b: Board, side: Side, point: number): number {
  let sum = 0;
  if (own(b, -side as Side, bar) > 0) sum += shots(point + 1);
  for (let i = 0; i < point; i++) if (own(b, side, i) < 0) sum += shots(point - i);
  return Math.min(1, sum / 36);
}

/** judge says how a board stands for a side that has just moved; more is better. */
export function judge(b: Board, side: Side): number {
  let score = pips(b, -side as Side) - pips(b, side);
  let wall = 0; // points in a row on which the other cannot touch down
  for (let i = 0; i < 24; i++) {
    const here = own(b, side, i);
    wall = here >= 2 ? wall + 2 : 0;
    score += wall;
    if (here >= 2 && i < 7) score += 5;
    if (here === 1) score -= risk(b, side, i) * (24 - i);
  }
  return score;
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
