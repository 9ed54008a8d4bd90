export interface Size {
  columns: number;
  rows: number;
  mines: number;
}
export interface Cell {
  mine: boolean;
  near: number;
  open: boolean;
  flag: boolean;
}
export interface Game {
  size: Size;
  cells: Cell[];
  laid: boolean; // mines are laid at the first click, which is always safe
  state: "playing" | "won" | "lost";
}

export function newGame(size: Size): Game {
  const cells = Array.from({ length: size.columns * size.rows }, () => ({ mine: false, near: 0, open: false, flag: false }));
  return { size, cells, laid: false, state: "playing" };
}

export function around(size: Size, at: number): number[] {
  const [x, y] = [at % size.columns, Math.floor(at / size.columns)];
  const out: number[] = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(size.rows - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(size.columns - 1, x + 1); u++) if (u !== x || v !== y) out.push(v * size.columns + u);
  return out;
}

function lay(game: Game, safe: number): Game {
  const kept = new Set([safe, ...around(game.size, safe)]);
  const places = game.cells.map((_, i) => i).filter((i) => !kept.has(i));
  for (let i = places.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [places[i], places[j]] = [places[j]!, places[i]!];
  }
  const mines = new Set(places.slice(0, game.size.mines));
  const cells = game.cells.map((c, i) => ({ ...c, mine: mines.has(i), near: around(game.size, i).filter((n) => mines.has(n)).length }));
  return { ...game, cells, laid: true };
}

/** Opens a cell, and all around it where no mine is near; a number with all its flags set opens its neighbours. */
export function open(before: Game, at: number): Game {
  if (before.state !== "playing" || before.cells[at]!.flag) return before;
  const game = before.laid ? before : lay(before, at);
  const cells = game.cells.map((c) => ({ ...c }));
  const near = around(game.size, at);
  const chord = cells[at]!.open && near.filter((n) => cells[n]!.flag).length === cells[at]!.near;
  const todo = cells[at]!.open ? (chord ? near : []) : [at];
  let lost = false;
  while (todo.length > 0) {
    const i = todo.pop()!;
    const cell = cells[i]!;
    if (cell.open || cell.flag) continue;
    cell.open = true;
    if (cell.mine) lost = true;
    else if (cell.near === 0) todo.push(...around(game.size, i));
  }
  const won = !lost && cells.every((c) => c.mine || c.open);
  return { ...game, cells, state: lost ? "lost" : won ? "won" : "playing" };
}

export function flag(game: Game, at: number): Game {
  if (game.state !== "playing" || game.cells[at]!.open) return game;
  return { ...game, cells: game.cells.map((c, i) => (i === at ? { ...c, flag: !c.flag } : c)) };
}
