// The rules of backgammon. Each side counts the points from its own home: 0 to 23 are
// its points, 24 is the bar; a step goes down by what a die says, below 0 is off.
export type Side = 1 | -1; // 1 is the owner, -1 the computer

export interface Board {
  points: number[]; // by the owner's count; positive for the owner's checkers
  bar: [owner: number, computer: number];
  off: [owner: number, computer: number];
}

export interface Step {
  from: number; // by the count of who moves
  die: number;
}

export const bar = 24;
const n = (side: Side) => (side === 1 ? 0 : 1);
const at = (side: Side, i: number) => (side === 1 ? i : 23 - i);

export function begin(): Board {
  const points = Array(24).fill(0) as number[];
  for (const side of [1, -1] as const) for (const [i, count] of [[23, 2], [12, 5], [7, 3], [5, 5]] as const) points[at(side, i)] = count * side;
  return { points, bar: [0, 0], off: [0, 0] };
}

/** own is how many checkers a side has on a point, negative for the other's. */
export const own = (b: Board, side: Side, i: number): number => (i === bar ? b.bar[n(side)] : b.points[at(side, i)]! * side);

/** pips is how far a side has to go. */
export function pips(b: Board, side: Side): number {
  let sum = b.bar[n(side)] * 25;
  for (let i = 0; i < 24; i++) sum += Math.max(0, own(b, side, i)) * (i + 1);
  return sum;
}

const home = (b: Board, side: Side): boolean => {
  if (b.bar[n(side)] > 0) return false;
  for (let i = 6; i < 24; i++) if (own(b, side, i) > 0) return false;
  return true;
};

/** can says whether a single step is allowed, dice left aside. */
export function can(b: Board, side: Side, { from, die }: Step): boolean {
  if (own(b, side, from) <= 0 || (b.bar[n(side)] > 0 && from !== bar)) return false;
  const to = from - die;
  if (to >= 0) return own(b, side, to) >= -1;
  if (!home(b, side)) return false;
  if (to === -1) return true;
  for (let i = from + 1; i < 6; i++) if (own(b, side, i) > 0) return false; // a larger die only from the last
  return true;
}

/** take makes a step that is allowed; a lone checker of the other goes to the bar. */
export function take(b: Board, side: Side, { from, die }: Step): Board {
  const points = [...b.points];
  const [bars, off]: [[number, number], [number, number]] = [[...b.bar], [...b.off]];
  if (from === bar) bars[n(side)]--;
  else points[at(side, from)]! -= side;
  const to = from - die;
  if (to < 0) off[n(side)]++;
  else {
    const i = at(side, to);
    if (points[i] === -side) {
      points[i] = 0;
      bars[n(-side as Side)]++;
    }
    points[i]! += side;
  }
  return { points, bar: bars, off };
}

export interface Play {
  steps: Step[];
  board: Board;
}

/** diceOf lists the steps that a throw gives: a double counts four times. */
export const diceOf = (a: number, b: number): number[] => (a === b ? [a, a, a, a] : [a, b]);

/**
 * plays lists the ways to play dice that the rules allow: as many of them as
 * possible, and of two of which only one can be played the larger. Ways to the same
 * board by the same number of steps are listed once unless every is set.
 */
export function plays(b: Board, side: Side, dice: readonly number[], every = false): Play[] {
  const found: Play[] = [];
  const seen = new Set<string>();
  const go = (board: Board, left: readonly number[], steps: Step[]) => {
    const id = every ? "" : `${left.toSorted().join()}|${board.points.join()}|${board.bar.join()}`;
    if (!every && seen.has(id)) return;
    seen.add(id);
    let moved = false;
    for (const die of new Set(left)) {
      const rest = left.toSpliced(left.indexOf(die), 1);
      for (let from = bar; from >= 0; from--) {
        const step = { from, die };
        if (!can(board, side, step)) continue;
        moved = true;
        go(take(board, side, step), rest, [...steps, step]);
      }
    }
    if (!moved && steps.length > 0) found.push({ steps, board });
  };
  go(b, dice, []);
  const most = Math.max(...found.map((p) => p.steps.length));
  const long = found.filter((p) => p.steps.length === most);
  if (most !== 1 || dice.length !== 2) return long;
  const larger = Math.max(...long.map((p) => p.steps[0]!.die));
  return long.filter((p) => p.steps[0]!.die === larger);
}

/** next lists the steps with which an allowed way to play the dice can begin. */
export function next(b: Board, side: Side, dice: readonly number[]): Step[] {
  const out = new Map<string, Step>();
  for (const p of plays(b, side, dice, true)) out.set(`${p.steps[0]!.from},${p.steps[0]!.die}`, p.steps[0]!);
  return [...out.values()];
}

/** wonBy is who has borne off all checkers, or 0. */
export const wonBy = (b: Board): Side | 0 => (b.off[0] === 15 ? 1 : b.off[1] === 15 ? -1 : 0);

/** worth of a won game: 1, 2 if the other has borne off none, 3 if one of theirs stands on the bar or in the winner's home. */
export function worth(b: Board, winner: Side): number {
  const loser = -winner as Side;
  if (b.off[n(loser)] > 0) return 1;
  let behind = b.bar[n(loser)] > 0;
  for (let i = 18; i < 24; i++) behind ||= own(b, loser, i) > 0;
  return behind ? 3 : 2;
}
