// Falling blocks on a field of 10 × 20, as a value.
export const width = 10;
export const height = 20;

// Each block as cells in a square of its size, in the position in which it appears.
const shapes: Record<string, [size: number, cells: [x: number, y: number][]]> = {
  I: [4, [[0, 1], [1, 1], [2, 1], [3, 1]]],
  J: [3, [[0, 0], [0, 1], [1, 1], [2, 1]]],
  L: [3, [[2, 0], [0, 1], [1, 1], [2, 1]]],
  O: [2, [[0, 0], [1, 0], [0, 1], [1, 1]]],
  S: [3, [[1, 0], [2, 0], [0, 1], [1, 1]]],
  T: [3, [[1, 0], [0, 1], [1, 1], [2, 1]]],
  Z: [3, [[0, 0], [1, 0], [1, 1], [2, 1]]],
};
export const kinds = Object.keys(shapes);

export interface Block {
  kind: string;
  x: number;
  y: number; // may be negative: blocks come in from above
  turn: number; // quarters, clockwise
}

export interface Game {
  field: string[]; // what lies, a text for each row; "." is empty
  block: Block;
  next: string;
  bag: string[]; // the blocks that come before any comes a second time
  held: string | null;
  swapped: boolean; // once per block
  score: number;
  lines: number;
  over: boolean;
}

export const sizeOf = (kind: string): number => shapes[kind]![0];

/** cellsOf lists the cells that a block covers. */
export function cellsOf(b: Block): [number, number][] {
  const [size, cells] = shapes[b.kind]!;
  return cells.map(([x, y]) => {
    let [a, c] = [x, y];
    for (let i = 0; i < b.turn % 4; i++) [a, c] = [size - 1 - c, a];
    return [b.x + a, b.y + c];
  });
}

const fits = (field: readonly string[], b: Block): boolean => cellsOf(b).every(([x, y]) => x >= 0 && x < width && y < height && (y < 0 || field[y]![x] === "."));

function draw(bag: readonly string[], random: () => number): [string, string[]] {
  const full = bag.length > 0 ? [...bag] : [...kinds];
  const [kind] = full.splice(Math.floor(random() * full.length), 1);
  return [kind!, full];
}

const enter = (kind: string): Block => ({ kind, x: Math.floor((width - sizeOf(kind)) / 2), y: kind === "I" ? -1 : 0, turn: 0 });
const empty = (rows: number): string[] => Array<string>(rows).fill(".".repeat(width));

export function begin(random: () => number): Game {
  const [first, bag] = draw([], random);
  const [next, rest] = draw(bag, random);
  return { field: empty(height), block: enter(first), next, bag: rest, held: null, swapped: false, score: 0, lines: 0, over: false };
}

export const levelOf = (g: Game): number => Math.floor(g.lines / 10) + 1;

/** pace is how long a block takes for a row at the game's level. */
export const pace = (g: Game): number => Math.max(60, Math.round(800 * 0.82 ** (levelOf(g) - 1)));

/** shift moves the block sideways, if there is room. */
export function shift(g: Game, dx: number): Game {
  const block = { ...g.block, x: g.block.x + dx };
  return fits(g.field, block) ? { ...g, block } : g;
}

// Where a turned block may slip to if it does not fit where it is.
const kicks: [number, number][] = [[0, 0], [1, 0], [-1, 0], [0, -1], [1, -1], [-1, -1], [2, 0], [-2, 0], [0, -2]];

/** rotate turns the block by so many quarters, beside a wall or a neighbour a little to the side. */
export function rotate(g: Game, quarters: number): Game {
  for (const [dx, dy] of kicks) {
    const block = { ...g.block, turn: (g.block.turn + quarters) % 4, x: g.block.x + dx, y: g.block.y + dy };
    if (fits(g.field, block)) return { ...g, block };
  }
  return g;
}

/** landing is where the block would come to lie. */
export function landing(g: Game): Block {
  let b = g.block;
  for (let down = { ...b, y: b.y + 1 }; fits(g.field, down); down = { ...b, y: b.y + 1 }) b = down;
  return b;
}

/** fall lets the block down by a row, for so many points; where it cannot, it stays, full rows go, and the next one comes. */
export function fall(g: Game, random: () => number, points = 0): Game {
  const block = { ...g.block, y: g.block.y + 1 };
  return fits(g.field, block) ? { ...g, block, score: g.score + points } : settle(g, random);
}

/** plunge drops the block at once. */
export function plunge(g: Game, random: () => number): Game {
  const block = landing(g);
  return settle({ ...g, block, score: g.score + 2 * (block.y - g.block.y) }, random);
}

const worth = [0, 100, 300, 500, 800];

function settle(g: Game, random: () => number): Game {
  const cells = cellsOf(g.block);
  const lying = g.field.map((row, y) => [...row].map((c, x) => (cells.some(([a, b]) => a === x && b === y) ? g.block.kind : c)).join(""));
  const out = cells.some(([, y]) => y < 0);
  const rows = lying.filter((row) => row.includes("."));
  const full = height - rows.length;
  const field = [...empty(full), ...rows];
  const [next, bag] = draw(g.bag, random);
  const block = enter(g.next);
  return { ...g, field, block, next, bag, swapped: false, lines: g.lines + full, score: g.score + worth[full]! * levelOf(g), over: out || !fits(field, block) };
}

/** hold puts the block aside and takes what lay there, once per block. */
export function hold(g: Game, random: () => number): Game {
  if (g.swapped) return g;
  const [next, bag] = g.held === null ? draw(g.bag, random) : [g.next, g.bag];
  const block = enter(g.held ?? g.next);
  return fits(g.field, block) ? { ...g, block, next, bag, held: g.block.kind, swapped: true } : g;
}
