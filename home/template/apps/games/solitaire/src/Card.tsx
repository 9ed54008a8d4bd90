import type { CSSProperties, PointerEvent } from "react";
import { nameOf, rankOf, red, suitOf } from "./klondike";

const letters = ["A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K"];
// The four suits as shapes, so that they look alike on every machine.
const shapes = [
  "M12 2C9 7 3 10 3 15a4.3 4.3 0 0 0 7.6 2.8C10.4 20 9.5 21.5 8 22.5h8c-1.5-1-2.4-2.5-2.6-4.7A4.3 4.3 0 0 0 21 15c0-5-6-8-9-13z",
  "M12 21.5C7 17 2.5 13.2 2.5 8.6A5 5 0 0 1 12 6.2a5 5 0 0 1 9.5 2.4c0 4.6-4.5 8.4-9.5 12.9z",
  "M12 2a4.6 4.6 0 0 0-3.9 7A4.7 4.7 0 1 0 10.7 17c-.2 2.300-1.100 4-2.700 5.500h8c-1.600-1.500-2.500-3.200-2.700-5.500A4.7 4.7 0 1 0 15.900 9 4.600 4.600 0 0 0 12 2z",
  "M12 1.500 20 12l-8 10.500L4 12z",
];

export function Suit({ suit }: { suit: number }) {
  return <svg className="suit" viewBox="0 0 24 24" aria-hidden><path d={shapes[suit]} /></svg>;
}

export interface CardProps {
  card: number;
  chosen: boolean;
  hinted: boolean;
  style?: CSSProperties;
  onClick: () => void;
  onGrab: (e: PointerEvent<HTMLButtonElement>) => void;
}

/** Card is a card in play. */
export function Card({ card, chosen, hinted, style, onClick, onGrab }: CardProps) {
  return (
    <button type="button" className="card" data-red={red(card) ? "" : undefined} aria-current={hinted || undefined} aria-pressed={chosen} aria-label={nameOf(card)} style={style} onClick={onClick} onPointerDown={onGrab}>
      <Print card={card} />
    </button>
  );
}

/** Face is a card that lies under others: to be seen, and nothing more. */
export function Face({ card, style }: { card: number; style?: CSSProperties }) {
  return (
    <span className="card under" data-red={red(card) ? "" : undefined} style={style} aria-hidden>
      <Print card={card} />
    </span>
  );
}

function Print({ card }: { card: number }) {
  return (
    <>
      <span className="corner"><b>{letters[rankOf(card)]}</b><Suit suit={suitOf(card)} /></span>
      <Suit suit={suitOf(card)} />
    </>
  );
}
