import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, Grid, Segmented, useInterval, useKeys, useSwipe, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { begin, pace, score, step, turn, words, type Game, type Way } from "./snake";
import "./style.css";

const side = 17;

export default function Snake() {
  const [kept, keep, loaded] = useValue<Game | null>("game", null);
  const [edge, setEdge, known] = useValue("edge", "Walls");
  return <App title="Snake">{loaded && known && <Play kept={kept} keep={keep} edge={edge} setEdge={setEdge} />}</App>;
}

interface PlayProps {
  kept: Game | null; // a game that rests
  keep: (g: Game | null) => void;
  edge: string;
  setEdge: (edge: string) => void;
}

function Play({ kept, keep, edge, setEdge }: PlayProps) {
  const [g, set] = useState<Game>(() => kept ?? begin(side, edge === "Walls", Math.random));
  const [running, run] = useState(false);
  const { rows, insert } = useRows("games", { where: { walls: edge === "Walls" }, orderBy: { score: "desc" }, limit: 1 });
  const toast = useToast();
  useInterval(() => set((now) => step(now, Math.random)), running && !g.over ? pace(g) : null);
  useEffect(() => {
    if (!g.over || !running) return;
    run(false);
    keep(null);
    if (score(g) > 0) insert({ score: score(g), walls: g.walls }).catch((e: Error) => toast(e.message));
  }, [g, running, insert, toast, keep]);
  const rest = () => {
    run(false);
    keep(g);
  };
  const hidden = useRef(rest);
  useEffect(() => void (hidden.current = rest));
  useEffect(() => {
    const hide = () => document.hidden && hidden.current();
    document.addEventListener("visibilitychange", hide);
    return () => document.removeEventListener("visibilitychange", hide);
  }, []);
  const fresh = (walls: boolean) => {
    keep(null);
    set(begin(side, walls, Math.random));
  };
  const go = (way: Way) => {
    if (g.over) return;
    run(true);
    set((now) => turn(now, way));
  };
  const toggle = () => {
    if (running) return rest();
    if (g.over) fresh(g.walls);
    run(true);
  };
  useKeys({ ArrowUp: () => go("up"), ArrowDown: () => go("down"), ArrowLeft: () => go("left"), ArrowRight: () => go("right"), w: () => go("up"), s: () => go("down"), a: () => go("left"), d: () => go("right"), " ": toggle, Enter: toggle });
  const swipe = useSwipe(go);
  const place = new Map(g.body.map((c, i) => [c, i]));
  const cell = (x: number, y: number) => {
    const i = place.get(y * side + x);
    if (i !== undefined) return { content: i === 0 ? <i className="eyes" data-way={g.way} /> : "", color: g.over ? "var(--matrix-muted-fg)" : "var(--matrix-primary)" };
    return { content: y * side + x === g.food ? <i className="food" /> : "", tone: "flat" as const };
  };
  return (
    <div className="snake">
      <p className="score mx-num">Eaten <b>{score(g)}</b><span className="mx-spacer" />Best <b>{Math.max(Number(rows[0]?.score ?? 0), score(g))}</b></p>
      <div {...swipe} className="field">
        <Grid columns={side} rows={side} gap={1} label={words(g)} cell={cell} />
      </div>
      <div className="foot">
        <Button primary={!running} onClick={toggle}>{g.over ? "New game" : running ? "Pause" : score(g) > 0 || kept ? "Go on" : "Start"}</Button>
        <p role="status">{g.over ? <b>{g.food < 0 ? "The field is full. That is the end of it." : `Over, with ${score(g)} eaten.`}</b> : <span className="mx-quiet">Arrow keys or a swipe.</span>}</p>
        <span className="mx-spacer" />
        <Segmented label="Edge" value={edge} options={["Walls", "Open"]} onChange={(v) => { setEdge(v); run(false); fresh(v === "Walls"); }} />
      </div>
    </div>
  );
}
