import { addDays, today } from "@matrixos/sdk";

export interface Card {
  id: string;
  front: string;
  back: string;
  box: number; // 1 to 5; the higher, the rarer it is asked
  due: string;
}

const waits = [0, 1, 2, 4, 8, 16]; // days, by box

/** A card that was known moves up a box, one that was not goes back to the first. */
export function answered(card: Card, known: boolean, now = today()): Card {
  const box = known ? Math.min(5, card.box + 1) : 1;
  return { ...card, box, due: known ? addDays(now, waits[box]!) : now };
}

/** The cards to ask today, lowest box first. */
export function due(cards: Card[], now = today()): Card[] {
  return cards.filter((c) => c.due <= now).sort((a, b) => a.box - b.box || a.due.localeCompare(b.due));
}

/** The same items in a random order. */
export function shuffled<T>(items: T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
