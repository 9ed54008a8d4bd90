import type { Direction } from "./swipe";

export const size = 16;

export interface Point {
  x: number;
  y: number;
}
export interface Game {
  body: Point[]; // head first
  heading: Direction;
  turns: Direction[]; // pressed, but not taken yet
  food: Point;
  over: boolean;
}

const steps: Record<Direction, Point> = { up: { x: 0, y: -1 }, down: { x: 0, y: 1 }, left: { x: -1, y: 0 }, right: { x: 1, y: 0 } };
const opposite: Record<Direction, Direction> = { up: "down", down: "up", left: "right", right: "left" };
export const same = (a: Point, b: Point) => a.x === b.x && a.y === b.y;

function place(body: Point[]): Point {
  const free: Point[] = [];
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (!body.some((p) => same(p, { x, y }))) free.push({ x, y });
  return free[Math.floor(Math.random() * free.length)] ?? { x: -1, y: -1 };
}

export function newGame(): Game {
  const body = [{ x: 5, y: 8 }, { x: 4, y: 8 }, { x: 3, y: 8 }];
  return { body, heading: "right", turns: [], food: place(body), over: false };
}

/** Keeps up to three turns, so that two quick presses both count. */
export function turn(game: Game, to: Direction): Game {
  const last = game.turns.at(-1) ?? game.heading;
  return to === last || to === opposite[last] || game.turns.length > 2 ? game : { ...game, turns: [...game.turns, to] };
}

export function step(game: Game): Game {
  if (game.over) return game;
  const [heading = game.heading, ...turns] = game.turns;
  const head = { x: game.body[0]!.x + steps[heading].x, y: game.body[0]!.y + steps[heading].y };
  const eats = same(head, game.food);
  const rest = eats ? game.body : game.body.slice(0, -1);
  if (head.x < 0 || head.y < 0 || head.x >= size || head.y >= size || rest.some((p) => same(p, head))) return { ...game, heading, turns: [], over: true };
  const body = [head, ...rest];
  const full = body.length === size * size;
  return { body, heading, turns, food: eats && !full ? place(body) : game.food, over: full };
}
