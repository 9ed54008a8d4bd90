// A field of mines, as a value: every step gives a new one.
export interface Level {
  name: string;
  columns: number;
  rows: number;
  mines: number;
}

export const levels: Level[] = [
  { name: "Easy", columns: 9, rows: 9, mines: 10 },
  { name: "Medium", columns: 12, rows: 14, mines: 28 },
  { name: "Hard", columns: 16, rows: 20, mines: 64 },
];

export type State = "ready" | "playing" | "won" | "lost";

export interface Field extends Level {
  mine: boolean[]; // empty until the first field is opened
  open: boolean[];
  flag: boolean[];
  state: State;
  began: number; // milliseconds
  ended: number;
  hit: number; // where it ended, or -1
}

export function lay(level: Level): Field {
  const none = Array(level.columns * level.rows).fill(false) as boolean[];
  return { ...level, mine: [], open: none, flag: none, state: "ready", began: 0, ended: 0, hit: -1 };
}

/** around lists the neighbours of a cell. */
export function around(f: Level, i: number): number[] {
  const [x, y] = [i % f.columns, Math.floor(i / f.columns)];
  const out: number[] = [];
  for (let b = Math.max(0, y - 1); b <= Math.min(f.rows - 1, y + 1); b++) {
    for (let a = Math.max(0, x - 1); a <= Math.min(f.columns - 1, x + 1); a++) if (a !== x || b !== y) out.push(b * f.columns + a);
  }
  return out;
}

export const count = (f: Field, i: number): number => around(f, i).filter((n) => f.mine[n]).length;

/** mined places the mines anywhere but on a cell and, where there is room, around it. */
function mined(f: Field, safe: number, random: () => number): boolean[] {
  const near = new Set([safe, ...around(f, safe)]);
  const free = f.open.flatMap((_, i) => (near.has(i) ? [] : [i]));
  const spare = [...near].filter((i) => i !== safe);
  const mine = f.open.map(() => false);
  for (let n = 0; n < f.mines; n++) {
    const from = free.length > 0 ? free : spare;
    mine[from.splice(Math.floor(random() * from.length), 1)[0]!] = true;
  }
  return mine;
}

/** dig opens a cell, and what lies around one without mines near it. On an open cell with all its flags set it opens the rest around it. */
export function dig(f: Field, i: number, now: number, random: () => number): Field {
  if (f.state === "won" || f.state === "lost") return f;
  if (f.open[i]) {
    const flags = around(f, i).filter((n) => f.flag[n]).length;
    if (flags === 0 || flags !== count(f, i)) return f;
    return around(f, i).reduce((g, n) => (g.flag[n] || g.open[n] ? g : dig(g, n, now, random)), f);
  }
  if (f.flag[i]) return f;
  const mine = f.state === "ready" ? mined(f, i, random) : f.mine;
  const began = f.state === "ready" ? now : f.began;
  if (mine[i]) return { ...f, mine, state: "lost", ended: now, hit: i };
  const next: Field = { ...f, mine, began, state: "playing", open: [...f.open] };
  const todo = [i];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (next.open[at] || next.flag[at]) continue;
    next.open[at] = true;
    if (count(next, at) === 0) todo.push(...around(next, at).filter((n) => !next.open[n]));
  }
  const won = next.open.every((o, n) => o || mine[n]);
  return won ? { ...next, state: "won", ended: now, flag: mine } : next;
}

/** mark sets or takes away a flag. */
export function mark(f: Field, i: number): Field {
  if (f.open[i] || f.state === "won" || f.state === "lost") return f;
  return { ...f, flag: f.flag.with(i, !f.flag[i]) };
}

export const minesLeft = (f: Field): number => f.mines - f.flag.filter(Boolean).length;
