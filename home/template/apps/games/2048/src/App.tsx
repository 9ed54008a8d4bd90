import { useRows, useUndo } from "@matrixos/sdk";
import { App, Button, Dialog, Grid, IconButton, Leaderboard, useKeys, useSwipe, useToast } from "@matrixos/ui";
import { useState } from "react";
import { begin, drop, highest, slide, stuck, words, type Game, type Way } from "./slide";
import "./style.css";

const random = Math.random;

export default function Game2048() {
  return (
    <App title="2048">
      <Play />
    </App>
  );
}

const look = (n: number) => (n === 0 ? { content: "", tone: "flat" as const } : { content: <span className="tile" data-n={n}>{n}</span> });

function Play() {
  const { value: g, set, reset, undo, canUndo, loaded } = useUndo<Game | null>("game", null);
  const games = useRows("games", { orderBy: { score: "desc" }, limit: 1 });
  const [comparing, setComparing] = useState(false);
  const toast = useToast();
  const best = Math.max(Number(games.rows[0]?.score ?? 0), g?.score ?? 0);
  const fresh = () => {
    const before = g;
    if (before && before.score > 0) {
      games.insert({ score: before.score, highest: highest(before) }).catch((e: Error) => toast(e.message));
      toast("A new game.", { label: "Back to the old one", run: () => reset(before) });
    }
    reset(begin(random));
  };
  const over = g !== null && stuck(g);
  const move = (way: Way) => {
    const next = g && slide(g, way);
    if (!next) return;
    const won = !next.won && highest(next) >= 2048;
    if (won) toast("2048. You can go on.");
    set(drop({ ...next, won: next.won || won }, random));
  };
  useKeys({ ArrowUp: () => move("up"), ArrowDown: () => move("down"), ArrowLeft: () => move("left"), ArrowRight: () => move("right"), w: () => move("up"), s: () => move("down"), a: () => move("left"), d: () => move("right"), u: undo });
  const swipe = useSwipe(move);
  if (loaded && !g) reset(begin(random));
  if (!g) return null;
  return (
    <div className="play">
      <p className="score mx-num">Score <b>{g.score}</b><span className="mx-spacer" />Best <b>{best}</b></p>
      <div {...swipe} aria-label={`Board, largest ${highest(g)}: ${words(g)}`} role="group">
        <Grid columns={4} rows={4} gap={8} label="Numbers" cell={(x, y) => look(g.cells[y * 4 + x]!)} />
      </div>
      <p className="mx-sr" role="status">{`Score ${g.score}, largest ${highest(g)}${over ? ", no way is left" : ""}`}</p>
      <div className="foot">
        <p>{over ? <b>No way is left.</b> : <span className="mx-quiet">Arrow keys, or swipe.</span>}</p>
        <span className="mx-spacer" />
        <IconButton icon="trophy" label="Compare with others" onClick={() => setComparing(true)} />
        <IconButton icon="undo-2" label="Take back" disabled={!canUndo} onClick={undo} />
        <Button primary={over} onClick={fresh}>New game</Button>
      </div>
      <Dialog open={comparing} title="Compare with others" onClose={() => setComparing(false)}>
        <Leaderboard board="score" title="2048" score={best} />
      </Dialog>
    </div>
  );
}
