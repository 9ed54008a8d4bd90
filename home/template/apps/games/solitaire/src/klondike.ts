// The rules of Klondike. A card is a number from 0 to 51: its suit is n / 13
// (spades, hearts, clubs, diamonds), its rank n % 13, ace first.
export interface Column {
  down: number[]; // face down, the top last
  up: number[]; // face up, the top last
}

export interface Game {
  stock: number[]; // the next card last
  waste: number[]; // the card in play last
  foundations: number[]; // per suit, how many cards lie there
  columns: Column[];
  turn: 1 | 3;
  moves: number;
  began: number;
}

/** A place that cards come from; of a column so many of the last. */
export type Place = { at: "waste" } | { at: "foundation"; suit: number } | { at: "column"; n: number; count: number };

/** A place that cards go to. */
export type Goal = { at: "foundation"; suit: number } | { at: "column"; n: number };

export const same = (a: Place | null, b: Place): boolean => JSON.stringify(a) === JSON.stringify(b);
export const suitOf = (card: number): number => Math.floor(card / 13);
export const rankOf = (card: number): number => card % 13;
export const red = (card: number): boolean => suitOf(card) % 2 === 1;
const ranks = ["ace", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "jack", "queen", "king"];
const suits = ["spades", "hearts", "clubs", "diamonds"];
export const nameOf = (card: number): string => `${ranks[rankOf(card)]} of ${suits[suitOf(card)]}`;

export function deal(turn: 1 | 3, now: number, random: () => number): Game {
  const shuffled = Array.from({ length: 52 }, (_, card) => ({ card, by: random() })).sort((a, b) => a.by - b.by);
  const deck = shuffled.map(({ card }) => card);
  const columns = Array.from({ length: 7 }, (_, n) => ({ down: deck.splice(0, n), up: deck.splice(0, 1) }));
  return { stock: deck, waste: [], foundations: [0, 0, 0, 0], columns, turn, moves: 0, began: now };
}

/** draw turns cards over, or, when there are none, the waste back into the stock. Null if both are empty. */
export function draw(g: Game): Game | null {
  if (g.stock.length === 0) return g.waste.length === 0 ? null : { ...g, stock: [...g.waste].reverse(), waste: [], moves: g.moves + 1 };
  const n = Math.min(g.turn, g.stock.length);
  return { ...g, stock: g.stock.slice(0, -n), waste: [...g.waste, ...g.stock.slice(-n).reverse()], moves: g.moves + 1 };
}

/** cardsAt are the cards that would be taken from a place, the lowest last. */
export function cardsAt(g: Game, from: Place): number[] {
  switch (from.at) {
    case "waste":
      return g.waste.slice(-1);
    case "foundation":
      return g.foundations[from.suit]! > 0 ? [from.suit * 13 + g.foundations[from.suit]! - 1] : [];
    case "column": {
      const { up } = g.columns[from.n]!;
      return from.count > 0 && from.count <= up.length ? up.slice(-from.count) : [];
    }
  }
}

export function toFoundation(g: Game, cards: readonly number[], suit: number): boolean {
  return cards.length === 1 && suitOf(cards[0]!) === suit && rankOf(cards[0]!) === g.foundations[suit];
}

export function toColumn(g: Game, cards: readonly number[], n: number): boolean {
  const first = cards[0];
  const { up, down } = g.columns[n]!;
  const under = up.at(-1);
  if (first === undefined) return false;
  if (under === undefined) return down.length === 0 && rankOf(first) === 12;
  return red(under) !== red(first) && rankOf(under) === rankOf(first) + 1;
}

function take(g: Game, from: Place, count: number): Game {
  switch (from.at) {
    case "waste":
      return { ...g, waste: g.waste.slice(0, -1) };
    case "foundation":
      return { ...g, foundations: g.foundations.with(from.suit, g.foundations[from.suit]! - 1) };
    case "column": {
      const c = g.columns[from.n]!;
      const up = c.up.slice(0, c.up.length - count);
      const turned = up.length === 0 && c.down.length > 0; // the next card turns over by itself
      return { ...g, columns: g.columns.with(from.n, turned ? { down: c.down.slice(0, -1), up: c.down.slice(-1) } : { ...c, up }) };
    }
  }
}

/** move carries cards from a place to another, or returns null where the rules forbid it. */
export function move(g: Game, from: Place, to: Place | Goal): Game | null {
  const cards = cardsAt(g, from);
  if (to.at === "foundation") {
    if (!toFoundation(g, cards, to.suit)) return null;
    const rest = take(g, from, 1);
    return { ...rest, foundations: rest.foundations.with(to.suit, rest.foundations[to.suit]! + 1), moves: g.moves + 1 };
  }
  if (to.at !== "column" || !toColumn(g, cards, to.n)) return null;
  const rest = take(g, from, cards.length);
  const c = rest.columns[to.n]!;
  return { ...rest, columns: rest.columns.with(to.n, { ...c, up: [...c.up, ...cards] }), moves: g.moves + 1 };
}

/** best is where a second press sends cards: home, else to a column where they help; null if nowhere. */
export function best(g: Game, from: Place): Goal | null {
  const cards = cardsAt(g, from);
  if (from.at === "foundation" || cards.length === 0) return null;
  if (toFoundation(g, cards, suitOf(cards[0]!))) return { at: "foundation", suit: suitOf(cards[0]!) };
  if (from.at === "column" && rankOf(cards[0]!) === 12 && g.columns[from.n]!.down.length === 0) return null; // a king that has a column of its own stays
  const n = g.columns.findIndex((_, m) => toColumn(g, cards, m));
  return n >= 0 ? { at: "column", n } : null;
}

export const won = (g: Game): boolean => g.foundations.every((n) => n === 13);

/** open reports whether every card is face up, so that the rest plays itself. */
export const open = (g: Game): boolean => g.stock.length === 0 && g.waste.length <= 1 && g.columns.every((c) => c.down.length === 0) && !won(g);

/** home puts the next card that fits onto a foundation; null if none does. */
export function home(g: Game): Game | null {
  const places: Place[] = [{ at: "waste" }, ...g.columns.map((_, n): Place => ({ at: "column", n, count: 1 }))];
  for (const p of places) {
    const card = cardsAt(g, p)[0];
    const next = card !== undefined && move(g, p, { at: "foundation", suit: suitOf(card) });
    if (next) return next;
  }
  return null;
}

export interface Hint {
  from: Place;
  to: Goal;
}

/** hint finds a move that gets somewhere: a card home, a face-down card turned, a card from the waste; else a draw is meant. */
export function hint(g: Game): Hint | null {
  const tops: Place[] = [{ at: "waste" }, ...g.columns.map((_, n): Place => ({ at: "column", n, count: 1 }))];
  for (const from of tops) {
    const card = cardsAt(g, from)[0];
    if (card !== undefined && toFoundation(g, [card], suitOf(card))) return { from, to: { at: "foundation", suit: suitOf(card) } };
  }
  for (const [n, c] of g.columns.entries()) {
    if (c.down.length === 0 && rankOf(c.up[0]!) === 12) continue; // nothing lies under it
    const to = g.columns.findIndex((_, m) => toColumn(g, c.up, m));
    if (to >= 0) return { from: { at: "column", n, count: c.up.length }, to: { at: "column", n: to } };
  }
  const to = g.columns.findIndex((_, n) => toColumn(g, g.waste.slice(-1), n));
  return to >= 0 ? { from: { at: "waste" }, to: { at: "column", n: to } } : null;
}

/** wordsFor says a hint. */
export function wordsFor(g: Game, { from, to }: Hint): string {
  const under = to.at === "column" ? g.columns[to.n]!.up.at(-1) : undefined;
  const where = to.at === "foundation" ? "home" : under === undefined ? "into the empty column" : `on the ${nameOf(under)}`;
  return `Put the ${nameOf(cardsAt(g, from)[0]!)} ${where}.`;
}
