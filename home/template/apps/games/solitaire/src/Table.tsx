import { useRef, useState, type CSSProperties, type PointerEvent, type ReactNode } from "react";
import { Card, Face, Suit } from "./Card";
import { cardsAt, nameOf, same, type Game, type Goal, type Hint, type Place } from "./klondike";

export interface TableProps {
  g: Game;
  chosen: Place | null;
  hinted: Hint | null;
  onPress: (p: Place) => void;
  onDraw: () => void;
  onMove: (from: Place, to: Goal) => boolean;
}

const key = (p: Place | Goal): string => (p.at === "column" ? `c${p.n}` : p.at === "foundation" ? `f${p.suit}` : "w");
const depth = (p: Place): number => (p.at === "column" ? p.count : 0); // how far from the top of a column
const nth = (i: number) => ({ "--i": i }) as CSSProperties;
const names = ["Spades", "Hearts", "Clubs", "Diamonds"];

/** Table shows the game; cards are pressed or dragged. */
export function Table({ g, chosen, hinted, onPress, onDraw, onMove }: TableProps) {
  const { drag, grab } = useDrag(onMove);
  const isChosen = (p: Place) => chosen !== null && key(chosen) === key(p) && depth(p) <= depth(chosen);
  const isHinted = (p: Place) => hinted !== null && (same(hinted.from, p) || (key(hinted.to) === key(p) && depth(p) <= 1));
  const whole = (n: number): Place => ({ at: "column", n, count: g.columns[n]!.up.length });
  const face = (card: number, p: Place, style?: CSSProperties) => (
    <Card key={card} card={card} chosen={isChosen(p)} hinted={isHinted(p)} style={drag && cardsAt(g, drag.from).includes(card) ? { ...style, translate: `${drag.dx}px ${drag.dy}px`, zIndex: 50, pointerEvents: "none" } : style} onClick={() => !drag && onPress(p)} onGrab={(e) => grab(e, p)} />
  );
  const [look, name] = g.stock.length > 0 ? ["card back", `Turn over, ${g.stock.length} left`] : ["slot", "Turn the waste back"];
  const fan = g.waste.slice(g.turn === 3 ? -3 : -1);
  return (
    <div className="table">
      <div className="top">
        <button type="button" className={look} aria-label={name} disabled={g.stock.length + g.waste.length === 0} onClick={onDraw} />
        <div className="waste">
          {fan.length === 0 && <Slot name="Waste" />}
          {fan.map((card, i) => (i === fan.length - 1 ? face(card, { at: "waste" }, nth(i)) : <Face key={card} card={card} style={nth(i)} />))}
        </div>
        <span />
        {[0, 1, 2, 3].map((suit) => {
          const p: Place = { at: "foundation", suit };
          const n = g.foundations[suit]!;
          return (
            <div key={suit} data-place={key(p)} className="pile" role="group" aria-label={names[suit]}>
              {n > 1 && <Face card={suit * 13 + n - 2} />}
              {n === 0 ? <Slot name={`${names[suit]}, empty`} hinted={isHinted(p)} onClick={() => onPress(p)}><Suit suit={suit} /></Slot> : face(suit * 13 + n - 1, p)}
            </div>
          );
        })}
      </div>
      <div className="columns">
        {g.columns.map((c, n) => (
          <div key={n} className="column" data-place={`c${n}`} role="group" aria-label={`Column ${n + 1}, ${c.down.length} face down${c.up.length > 0 ? `, ${nameOf(c.up.at(-1)!)} on top` : ""}`}>
            {c.up.length === 0 && <Slot name={`Column ${n + 1}, empty`} hinted={isHinted(whole(n))} onClick={() => onPress(whole(n))} />}
            {c.down.map((card, i) => <span key={card} className="card back" style={{ top: `calc(var(--down) * ${i})` }} aria-hidden />)}
            {c.up.map((card, i) => face(card, { at: "column", n, count: c.up.length - i }, { top: `calc(var(--down) * ${c.down.length} + var(--up) * ${i})` }))}
          </div>
        ))}
      </div>
    </div>
  );
}

function Slot({ name, hinted, onClick, children }: { name: string; hinted?: boolean; onClick?: () => void; children?: ReactNode }) {
  return <button type="button" className="slot" aria-current={hinted || undefined} aria-label={name} disabled={!onClick} onClick={onClick}>{children}</button>;
}

interface Drag {
  from: Place;
  dx: number;
  dy: number;
}

function useDrag(onMove: (from: Place, to: Goal) => boolean) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const latest = useRef(onMove);
  latest.current = onMove;
  const grab = (e: PointerEvent<HTMLElement>, from: Place) => {
    if (e.button !== 0) return;
    const [x, y] = [e.clientX, e.clientY];
    let travelled = false;
    const at = (m: globalThis.PointerEvent) => {
      if (!travelled && Math.hypot(m.clientX - x, m.clientY - y) < 6) return;
      travelled = true;
      setDrag({ from, dx: m.clientX - x, dy: m.clientY - y });
    };
    const end = (m: globalThis.PointerEvent) => {
      removeEventListener("pointermove", at);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      const over = document.elementsFromPoint(m.clientX, m.clientY).map((el) => el.closest<HTMLElement>("[data-place]")?.dataset.place).find((p) => p && p !== key(from));
      setTimeout(() => setDrag(null)); // after the click that ends a drag
      if (!travelled || !over || m.type === "pointercancel") return;
      latest.current(from, over.startsWith("c") ? { at: "column", n: Number(over[1]) } : { at: "foundation", suit: Number(over[1]) });
    };
    addEventListener("pointermove", at);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  };
  return { drag, grab };
}
