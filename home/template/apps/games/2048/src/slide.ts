// The rules of 2048 on a board of 16 numbers, row by row; 0 is empty.
export type Way = "up" | "down" | "left" | "right";

export interface Game {
  cells: number[];
  score: number;
  won: boolean; // 2048 was reached, and said so
}

const side = 4;

/** lines lists the cells of each row or column, from the edge towards which the numbers slide. */
function lines(way: Way): number[][] {
  return Array.from({ length: side }, (_, a) =>
    Array.from({ length: side }, (_, b) => {
      const back = side - 1 - b;
      return way === "left" ? a * side + b : way === "right" ? a * side + back : way === "up" ? b * side + a : back * side + a;
    }),
  );
}

/** pack slides one line to its start; each number joins at most once. */
export function pack(line: readonly number[]): { line: number[]; gained: number } {
  const full = line.filter(Boolean);
  const out: number[] = [];
  let gained = 0;
  for (let i = 0; i < full.length; i++) {
    if (full[i] === full[i + 1]) {
      out.push(full[i]! * 2);
      gained += full[i]! * 2;
      i++;
    } else out.push(full[i]!);
  }
  return { line: [...out, ...Array(line.length - out.length).fill(0)], gained };
}

/** slide moves everything one way; null if nothing would move. */
export function slide(g: Game, way: Way): Game | null {
  const cells = [...g.cells];
  let score = g.score;
  for (const at of lines(way)) {
    const { line, gained } = pack(at.map((i) => g.cells[i]!));
    line.forEach((n, i) => (cells[at[i]!] = n));
    score += gained;
  }
  return cells.every((n, i) => n === g.cells[i]) ? null : { ...g, cells, score };
}

/** drop puts a 2, or one time in ten a 4, on an empty cell. */
export function drop(g: Game, random: () => number): Game {
  const empty = g.cells.flatMap((n, i) => (n === 0 ? [i] : []));
  if (empty.length === 0) return g;
  const at = empty[Math.floor(random() * empty.length)]!;
  return { ...g, cells: g.cells.with(at, random() < 0.9 ? 2 : 4) };
}

export const begin = (random: () => number): Game => drop(drop({ cells: Array(side * side).fill(0), score: 0, won: false }, random), random);

/** stuck reports whether no way is left to slide. */
export const stuck = (g: Game): boolean => (["left", "right", "up", "down"] as Way[]).every((w) => slide(g, w) === null);

export const highest = (g: Game): number => Math.max(...g.cells);

/** words are the numbers row by row, a line for what is empty. */
export const words = (g: Game): string => Array.from({ length: side }, (_, y) => g.cells.slice(y * side, (y + 1) * side).map((n) => n || "–").join(" ")).join("; ");
