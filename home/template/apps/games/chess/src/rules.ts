// The rules of chess. Squares are 0 (a8) to 63 (h1). A piece is 1 pawn, 2 knight,
// 3 bishop, 4 rook, 5 queen, 6 king, negative for black. A move is from, to and what
// a pawn becomes, in one number.
export interface Position {
  board: Int8Array;
  side: 1 | -1; // who moves: 1 is white
  castle: number; // 1 white short, 2 white long, 4 black short, 8 black long
  passing: number; // the square behind a pawn that has just gone two steps, or -1
  quiet: number; // half moves since a capture or a pawn's move
}

export type Move = number;
export const fromOf = (m: Move): number => m & 63;
export const toOf = (m: Move): number => (m >> 6) & 63;
export const becomes = (m: Move): number => m >> 12;
const moveOf = (from: number, to: number, piece = 0): Move => from | (to << 6) | (piece << 12);

const letters = ".pnbrqk";
export const squareName = (s: number): string => "abcdefgh"[s % 8]! + String(8 - Math.floor(s / 8));

/** read makes a position of its Forsyth-Edwards notation. */
export function read(fen: string): Position {
  const [rows, side, castle, passing, quiet] = fen.split(" ");
  const board = new Int8Array(64);
  let at = 0;
  for (const c of rows!) {
    if (c === "/") continue;
    const n = letters.indexOf(c.toLowerCase());
    if (n > 0) board[at++] = c === c.toLowerCase() ? -n : n;
    else at += Number(c);
  }
  const rights = [..."KQkq"].reduce((all, c, i) => all | (castle!.includes(c) ? 1 << i : 0), 0);
  return { board, side: side === "b" ? -1 : 1, castle: rights, passing: passing === "-" ? -1 : "abcdefgh".indexOf(passing![0]!) + (8 - Number(passing![1])) * 8, quiet: Number(quiet ?? 0) };
}

export const begin = (): Position => read("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1");

type Step = readonly [dx: number, dy: number];
const straight: Step[] = [[0, 1], [0, -1], [1, 0], [-1, 0]];
const slant: Step[] = [[1, 1], [1, -1], [-1, 1], [-1, -1]];
const jumps: Step[] = [[1, 2], [2, 1], [-1, 2], [-2, 1], [1, -2], [2, -1], [-1, -2], [-2, -1]];

// For each square the squares that lie each way, worked out once.
const rays = (steps: Step[], far: boolean): number[][][] =>
  Array.from({ length: 64 }, (_, s) =>
    steps.map(([dx, dy]) => {
      const out: number[] = [];
      for (let [x, y] = [(s % 8) + dx, Math.floor(s / 8) + dy]; x >= 0 && x < 8 && y >= 0 && y < 8; [x, y] = [x + dx, y + dy]) {
        out.push(y * 8 + x);
        if (!far) break;
      }
      return out;
    }).filter((r) => r.length > 0),
  );
const [files, diagonals, knights, kings] = [rays(straight, true), rays(slant, true), rays(jumps, false), rays([...straight, ...slant], false)];
const both = files.map((f, s) => [...f, ...diagonals[s]!]);
const raysOf = [[], [], knights, diagonals, files, both, kings] as const;

/** attacked reports whether a side attacks a square. */
export function attacked(p: Position, square: number, by: 1 | -1): boolean {
  const b = p.board;
  const [x, y] = [square % 8, square >> 3];
  const back = y + by; // white pawns stand below what they attack
  if (back >= 0 && back < 8 && ((x > 0 && b[back * 8 + x - 1] === by) || (x < 7 && b[back * 8 + x + 1] === by))) return true;
  for (const [r] of knights[square]!) if (b[r!] === 2 * by) return true;
  for (const [r] of kings[square]!) if (b[r!] === 6 * by) return true;
  const hits = (all: number[][], piece: number) => {
    for (const ray of all) {
      for (const s of ray) {
        const found = b[s]!;
        if (found === 0) continue;
        if (found === piece * by || found === 5 * by) return true;
        break;
      }
    }
    return false;
  };
  return hits(files[square]!, 4) || hits(diagonals[square]!, 3);
}

const kingOf = (p: Position, side: 1 | -1): number => p.board.indexOf(6 * side);
export const inCheck = (p: Position): boolean => attacked(p, kingOf(p, p.side), -p.side as 1 | -1);

function pawnMoves(p: Position, from: number, out: Move[], captures: boolean): void {
  const { board: b, side } = p;
  const [x, y] = [from % 8, from >> 3];
  const put = (to: number) => {
    if (to >> 3 === 0 || to >> 3 === 7) for (const piece of captures ? [5] : [5, 4, 3, 2]) out.push(moveOf(from, to, piece));
    else out.push(moveOf(from, to));
  };
  const ahead = from - 8 * side;
  if (b[ahead] === 0 && (!captures || ahead >> 3 === 0 || ahead >> 3 === 7)) {
    put(ahead);
    if (!captures && y === (side === 1 ? 6 : 1) && b[ahead - 8 * side] === 0) out.push(moveOf(from, ahead - 8 * side));
  }
  for (const dx of [-1, 1]) {
    if (x + dx < 0 || x + dx > 7) continue;
    const to = ahead + dx;
    if (b[to]! * side < 0 || to === p.passing) put(to);
  }
}

function castles(p: Position, out: Move[]): void {
  const { board: b, side } = p;
  const home = side === 1 ? 60 : 4;
  const rights = side === 1 ? p.castle : p.castle >> 2;
  const foe = -side as 1 | -1;
  if (rights === 0 || b[home] !== 6 * side || attacked(p, home, foe)) return;
  if (rights & 1 && b[home + 1] === 0 && b[home + 2] === 0 && b[home + 3] === 4 * side && !attacked(p, home + 1, foe)) out.push(moveOf(home, home + 2));
  if (rights & 2 && b[home - 1] === 0 && b[home - 2] === 0 && b[home - 3] === 0 && b[home - 4] === 4 * side && !attacked(p, home - 1, foe)) out.push(moveOf(home, home - 2));
}

/** candidates are the moves by the way pieces go; some may leave the own king in check. captures keeps to those that take or promote. */
export function candidates(p: Position, captures = false): Move[] {
  const out: Move[] = [];
  for (let from = 0; from < 64; from++) {
    const piece = p.board[from]! * p.side;
    if (piece <= 0) continue;
    if (piece === 1) {
      pawnMoves(p, from, out, captures);
      continue;
    }
    for (const ray of raysOf[piece]![from]!) {
      for (const to of ray) {
        const found = p.board[to]! * p.side;
        if (found > 0) break;
        if (found < 0 || !captures) out.push(moveOf(from, to));
        if (found < 0) break;
      }
    }
  }
  if (!captures) castles(p, out);
  return out;
}

const rightsLost = (s: number): number => (s === 60 ? 3 : s === 63 ? 1 : s === 56 ? 2 : s === 4 ? 12 : s === 7 ? 4 : s === 0 ? 8 : 0);

/** after is the position after a candidate, or null if it leaves the king in check. */
export function after(p: Position, m: Move): Position | null {
  const board = p.board.slice();
  const [from, to] = [fromOf(m), toOf(m)];
  const piece = board[from]!;
  const kind = piece * p.side;
  const quiet = kind === 1 || board[to] !== 0 ? 0 : p.quiet + 1;
  board[to] = becomes(m) ? becomes(m) * p.side : piece;
  board[from] = 0;
  if (kind === 1 && to === p.passing) board[to + 8 * p.side] = 0;
  if (kind === 6 && Math.abs(to - from) === 2) {
    const short = to > from;
    board[short ? to + 1 : to - 2] = 0;
    board[short ? to - 1 : to + 1] = 4 * p.side;
  }
  const next: Position = { board, side: -p.side as 1 | -1, castle: p.castle & ~rightsLost(from) & ~rightsLost(to), passing: kind === 1 && Math.abs(to - from) === 16 ? (from + to) / 2 : -1, quiet };
  return attacked(next, board.indexOf(6 * p.side), next.side) ? null : next;
}

export const legal = (p: Position): Move[] => candidates(p).filter((m) => after(p, m) !== null);

/** signature tells positions apart for repetition: pieces, side, rights, and en passant only where it can be done. */
export function signature(p: Position): string {
  const possible = p.passing >= 0 && legal(p).some((m) => toOf(m) === p.passing && Math.abs(p.board[fromOf(m)]!) === 1);
  return `${p.board.join()}|${p.side}|${p.castle}|${possible ? p.passing : -1}`;
}

/** bare reports whether neither side can ever mate: kings with at most one knight or bishop, or bishops on one colour. */
function bare(p: Position): boolean {
  const rest = [...p.board].flatMap((piece, s) => (piece !== 0 && Math.abs(piece) !== 6 ? [[Math.abs(piece), (s + (s >> 3)) % 2] as const] : []));
  if (rest.some(([kind]) => kind === 1 || kind >= 4)) return false;
  return rest.length <= 1 || rest.every(([kind, colour]) => kind === 3 && colour === rest[0]![1]);
}

export type Ending = "checkmate" | "stalemate" | "repetition" | "fifty moves" | "too few pieces";

export interface Played {
  positions: Position[]; // the first is where it began
  ending: Ending | null;
}

/** play goes through the moves of a game. A move that is not legal ends it there. */
export function play(moves: readonly Move[]): Played {
  const positions = [begin()];
  for (const m of moves) {
    const p = positions.at(-1)!;
    const next = candidates(p).includes(m) ? after(p, m) : null;
    if (!next) break;
    positions.push(next);
  }
  return { positions, ending: endingOf(positions) };
}

export function endingOf(positions: readonly Position[]): Ending | null {
  const p = positions.at(-1)!;
  if (legal(p).length === 0) return inCheck(p) ? "checkmate" : "stalemate";
  if (bare(p)) return "too few pieces";
  if (p.quiet >= 100) return "fifty moves";
  const now = signature(p);
  return positions.filter((q) => q.side === p.side && signature(q) === now).length >= 3 ? "repetition" : null;
}

/** write gives a move in the usual short notation, such as Nbd7 or exd8=Q+. */
export function write(p: Position, m: Move): string {
  const [from, to] = [fromOf(m), toOf(m)];
  const kind = Math.abs(p.board[from]!);
  const next = after(p, m)!;
  const check = inCheck(next) ? (legal(next).length === 0 ? "#" : "+") : "";
  if (kind === 6 && Math.abs(to - from) === 2) return (to > from ? "O-O" : "O-O-O") + check;
  const takes = p.board[to] !== 0 || (kind === 1 && to === p.passing);
  if (kind === 1) return (takes ? `${squareName(from)[0]}x` : "") + squareName(to) + (becomes(m) ? `=${letters[becomes(m)]!.toUpperCase()}` : "") + check;
  const twins = candidates(p).filter((o) => toOf(o) === to && fromOf(o) !== from && p.board[fromOf(o)] === p.board[from] && after(p, o) !== null).map(fromOf);
  const name = squareName(from);
  const apart = twins.length === 0 ? "" : twins.every((s) => s % 8 !== from % 8) ? name[0]! : twins.every((s) => s >> 3 !== from >> 3) ? name[1]! : name;
  return letters[kind]!.toUpperCase() + apart + (takes ? "x" : "") + squareName(to) + check;
}
