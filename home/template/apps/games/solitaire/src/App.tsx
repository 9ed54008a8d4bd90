import { useRows, useUndo, useValue } from "@matrixos/sdk";
import { App, Button, IconButton, Segmented, useKeys, useNow, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { best, deal, draw, hint, home, move, open, won, type Game, type Place } from "./klondike";
import { Table } from "./Table";
import "./style.css";

export default function Solitaire() {
  return (
    <App title="Solitaire">
      <Play />
    </App>
  );
}

const same = (a: Place | null, b: Place): boolean => a !== null && JSON.stringify(a) === JSON.stringify(b);

function Play() {
  const { value: g, set, reset, undo, redo, canUndo, canRedo, loaded } = useUndo<Game | null>("game", null);
  const [turn, setTurn] = useValue("turn", "One card");
  const [chosen, setChosen] = useState<Place | null>(null);
  const [hinted, setHinted] = useState<ReturnType<typeof hint>>(null);
  const { rows, insert } = useRows("games", { orderBy: { created_at: "desc" } });
  const toast = useToast();
  const fresh = (cards = turn) => {
    if (g && !won(g) && g.moves > 0) {
      const before = g;
      insert({ won: false, moves: g.moves, seconds: Math.round((Date.now() - g.began) / 1000), turn: g.turn }).catch((e: Error) => toast(e.message));
      toast("A new game.", { label: "Back to the old one", run: () => reset(before) });
    }
    setChosen(null);
    reset(deal(cards === "One card" ? 1 : 3, Date.now(), Math.random));
  };
  useEffect(() => {
    if (loaded && !g) reset(deal(1, Date.now(), Math.random));
  }, [loaded, g, reset]);
  const step = (next: Game | null) => {
    setChosen(null);
    setHinted(null);
    if (next) set(next);
    return next !== null;
  };
  const done = g !== null && won(g);
  const counted = useRef(0);
  useEffect(() => {
    if (!done || !g || !canUndo || counted.current === g.began) return; // a game that was found won is counted already
    counted.current = g.began;
    insert({ won: true, moves: g.moves, seconds: Math.round((Date.now() - g.began) / 1000), turn: g.turn }).catch((e: Error) => toast(e.message));
  }, [done, g, canUndo, insert, toast]);
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
    const h = g && hint(g);
    setHinted(h);
    if (!h) toast(g && g.stock.length + g.waste.length > 0 ? "Turn over the next card." : "There is nothing left to do.");
  };
  useKeys({ u: undo, z: undo, r: redo, h: show, d: turnOver, " ": turnOver });
  if (!g) return null;
  const press = (p: Place) => {
    if (chosen && !same(chosen, p)) {
      if (step(move(g, chosen, p))) return;
      return setChosen(p.at === "column" && p.count === 0 ? null : p);
    }
    if (p.at === "column" && p.count === 0) return;
    setChosen(same(chosen, p) ? null : p);
  };
  const send = (p: Place) => {
    const to = best(g, p);
    if (to) step(move(g, p, to));
  };
  const wins = rows.filter((r) => r.won).length;
  return (
    <div className="solitaire">
      <div className="bar">
        <Segmented label="Turn over" value={g.turn === 1 ? "One card" : "Three"} options={["One card", "Three"]} onChange={(v) => { setTurn(v); fresh(v); }} />
        <span className="mx-spacer" />
        <span className="mx-quiet mx-num">{g.moves} {g.moves === 1 ? "move" : "moves"}</span>
        <IconButton icon="undo-2" label="Take back" disabled={!canUndo} onClick={() => (setChosen(null), undo())} />
        <IconButton icon="redo-2" label="Once more" disabled={!canRedo} onClick={() => (setChosen(null), redo())} />
        <IconButton icon="lightbulb" label="Hint" onClick={show} />
        <Button primary={done} onClick={() => fresh()}>New game</Button>
      </div>
      <Table g={g} chosen={chosen} hinted={hinted} onPress={press} onSend={send} onDraw={turnOver} onMove={(from, to) => step(move(g, from, to))} />
      <p role="status" className="said">{done ? <b>Solved in {g.moves} moves.</b> : <span className="mx-quiet">{rows.length === 0 ? "Press a card and where it goes, drag it, or press it twice to send it." : `${wins} of ${rows.length} games solved`}</span>}</p>
    </div>
  );
}
