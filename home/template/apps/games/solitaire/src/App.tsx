import { useRows, useUndo } from "@matrixos/sdk";
import { App, Button, IconButton, Segmented, useKeys, useNow, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { best, cardsAt, deal, draw, hint, home, move, open, same, won, wordsFor, type Game, type Hint, type Place } from "./klondike";
import { Table } from "./Table";
import "./style.css";

export default function Solitaire() {
  return (
    <App title="Solitaire">
      <Play />
    </App>
  );
}

function Play() {
  const { value: g, set, reset, undo, redo, canUndo, canRedo, loaded } = useUndo<Game | null>("game", null);
  const [chosen, setChosen] = useState<Place | null>(null);
  const [hinted, setHinted] = useState<Hint | null>(null);
  const [said, setSaid] = useState(""); // of a hint
  const { rows, insert, remove } = useRows("games");
  const toast = useToast();
  const failed = (e: Error) => toast(e.message);
  const rest = () => {
    setChosen(null);
    setHinted(null);
    setSaid("");
  };
  const count = (game: Game, won: boolean) => insert({ won, moves: game.moves, seconds: Math.round((Date.now() - game.began) / 1000), turn: game.turn });
  const fresh = (old: Game, turn = old.turn) => {
    rest();
    reset(deal(turn, Date.now(), Math.random));
    if (won(old) || old.moves === 0) return;
    const back = (id: string) => {
      rest();
      reset(old);
      remove(id).catch(failed);
    };
    count(old, false).then((id) => toast("A new game.", { label: "Back to the old one", run: () => back(id) }), failed);
  };
  useEffect(() => {
    if (loaded && !g) reset(deal(1, Date.now(), Math.random));
  }, [loaded, g, reset]);
  const step = (next: Game | null) => {
    rest();
    if (next) set(next);
    return next !== null;
  };
  const done = g !== null && won(g);
  const counted = useRef<number | null>(null);
  useEffect(() => {
    if (!done || !g || !canUndo || counted.current === g.began) return; // a game that was found won is counted already
    counted.current = g.began;
    count(g, true).catch(failed);
  }, [done, g, canUndo]);
  const auto = g !== null && open(g);
  const now = useNow(auto ? 120 : null);
  const latest = useRef({ g, set });
  latest.current = { g, set };
  useEffect(() => {
    const next = auto && latest.current.g && home(latest.current.g);
    if (next) latest.current.set(next);
  }, [auto, now]);
  const turnOver = () => g && step(draw(g));
  const show = () => {
    const found = g && hint(g);
    setHinted(found);
    setSaid(found ? wordsFor(g, found) : g && g.stock.length + g.waste.length > 0 ? "Turn over the next card." : "There is nothing left to do.");
  };
  const back = () => (rest(), undo());
  const again = () => (rest(), redo());
  useKeys({ u: back, z: back, r: again, h: show, d: turnOver, " ": turnOver, Escape: rest });
  if (!g) return null;
  const press = (p: Place) => {
    if (same(chosen, p)) {
      const to = best(g, p);
      return step(to && move(g, p, to));
    }
    if (chosen && step(move(g, chosen, p))) return;
    setChosen(cardsAt(g, p).length > 0 ? p : null);
  };
  const wins = rows.filter((r) => r.won).length;
  const words = said || (rows.length === 0 ? "Press a card and where it goes, drag it, or press it twice to send it." : `${wins} of ${rows.length} games solved`);
  return (
    <div className="solitaire">
      <div className="bar">
        <Segmented label="Turn over" value={g.turn === 1 ? "One card" : "Three"} options={["One card", "Three"]} onChange={(v) => fresh(g, v === "Three" ? 3 : 1)} />
        <span className="mx-spacer" />
        <span className="mx-quiet mx-num moves">{g.moves} {g.moves === 1 ? "move" : "moves"}</span>
        <IconButton icon="undo-2" label="Take back" disabled={!canUndo} onClick={back} />
        <IconButton icon="redo-2" label="Once more" disabled={!canRedo} onClick={again} />
        <IconButton icon="lightbulb" label="Hint" onClick={show} />
        <Button primary={done} onClick={() => fresh(g)}>New game</Button>
      </div>
      <p role="status" className="said">{done ? <b>Solved in {g.moves} moves.</b> : <span className="mx-quiet">{words}</span>}</p>
      <Table g={g} chosen={chosen} hinted={hinted} onPress={press} onDraw={turnOver} onMove={(from, to) => step(move(g, from, to))} />
    </div>
  );
}
