// A snake on a field of side × side cells.
export type Way = "up" | "down" | "left" | "right";

export interface Game {
  side: number;
  body: number[]; // cells, the head first
  way: Way;
  turns: Way[]; // what was asked since the last step
  food: number;
  walls: boolean; // without, it comes in again on the other side
  over: boolean;
}

const opposite: Record<Way, Way> = { up: "down", down: "up", left: "right", right: "left" };

/** meal is a free cell, or -1 if the snake fills the field. */
function meal(side: number, body: readonly number[], random: () => number): number {
  const free = Array.from({ length: side * side }, (_, i) => i).filter((i) => !body.includes(i));
  return free.length === 0 ? -1 : free[Math.floor(random() * free.length)]!;
}

export function begin(side: number, walls: boolean, random: () => number): Game {
  const middle = Math.floor(side / 2) * side + Math.floor(side / 3);
  const body = [middle, middle - 1, middle - 2];
  return { side, body, way: "right", turns: [], food: meal(side, body, random), walls, over: false };
}

/** turn notes a wish for the next steps; two quick ones both count, one straight back does not. */
export function turn(g: Game, way: Way): Game {
  const last = g.turns.at(-1) ?? g.way;
  return g.over || way === last || way === opposite[last] || g.turns.length >= 3 ? g : { ...g, turns: [...g.turns, way] };
}

/** step moves the snake by one cell. */
export function step(g: Game, random: () => number): Game {
  if (g.over) return g;
  const way = g.turns[0] ?? g.way;
  const head = g.body[0]!;
  let [x, y] = [head % g.side, Math.floor(head / g.side)];
  x += way === "right" ? 1 : way === "left" ? -1 : 0;
  y += way === "down" ? 1 : way === "up" ? -1 : 0;
  const out = x < 0 || y < 0 || x >= g.side || y >= g.side;
  if (out && g.walls) return { ...g, over: true };
  const to = ((y + g.side) % g.side) * g.side + ((x + g.side) % g.side);
  const eats = to === g.food;
  const rest = eats ? g.body : g.body.slice(0, -1); // the tail moves on, so its cell is free
  if (rest.includes(to)) return { ...g, over: true };
  const body = [to, ...rest];
  const food = eats ? meal(g.side, body, random) : g.food;
  return { ...g, body, way, turns: g.turns.slice(1), food, over: food < 0 };
}

export const score = (g: Game): number => g.body.length - 3;

/** pace is how long a step takes: shorter the longer the snake, down to 70 ms. */
export const pace = (g: Game): number => Math.max(70, 170 - score(g) * 3);

const cellName = (g: Game, i: number): string => "abcdefghijklmnopqrstuvwxyz"[i % g.side]! + String(Math.floor(i / g.side) + 1);

/** words says where the snake lies, from its head on, and where the food is: columns are letters, rows are numbers from the top. */
export const words = (g: Game): string => `Snake on ${g.body.map((i) => cellName(g, i)).join(" ")}, going ${g.way}, ${g.food < 0 ? "no food" : `food on ${cellName(g, g.food)}`}`;
