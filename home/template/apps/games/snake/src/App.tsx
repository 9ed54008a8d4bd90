import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, Grid, Segmented, useInterval, useKeys, useSwipe, useToast } from "@matrixos/ui";
import { useEffect, useState } from "react";
import { begin, pace, score, step, turn, type Game, type Way } from "./snake";
import "./style.css";

const side = 17;

export default function Snake() {
  return (
    <App title="Snake">
      <Play />
    </App>
  );
}

function Play() {
  const [edge, setEdge] = useValue("edge", "Walls");
  const [g, set] = useState<Game>(() => begin(side, true, Math.random));
  const [running, run] = useState(false);
  const { rows, insert } = useRows("games", { where: { walls: edge === "Walls" }, orderBy: { score: "desc" }, limit: 1 });
  const toast = useToast();
  const fresh = (walls = edge === "Walls") => {
    set(begin(side, walls, Math.random));
    run(true);
  };
  useInterval(() => set((now) => step(now, Math.random)), running && !g.over ? pace(g) : null);
  useEffect(() => {
    if (!g.over || !running) return;
    run(false);
    if (score(g) > 0) insert({ score: score(g), walls: g.walls }).catch((e: Error) => toast(e.message));
  }, [g, running, insert, toast]);
  useEffect(() => {
    const hide = () => document.hidden && run(false);
    document.addEventListener("visibilitychange", hide);
    return () => document.removeEventListener("visibilitychange", hide);
  }, []);
  const go = (way: Way) => {
    if (g.over) return;
    run(true);
    set((now) => turn(now, way));
  };
  const toggle = () => (g.over || (!running && score(g) === 0) ? fresh() : run(!running));
  useKeys({ ArrowUp: () => go("up"), ArrowDown: () => go("down"), ArrowLeft: () => go("left"), ArrowRight: () => go("right"), w: () => go("up"), s: () => go("down"), a: () => go("left"), d: () => go("right"), " ": toggle, Enter: toggle });
  const swipe = useSwipe(go);
  const place = new Map(g.body.map((c, i) => [c, i]));
  const cell = (x: number, y: number) => {
    const i = place.get(y * side + x);
    if (i !== undefined) return { content: i === 0 ? <i className="eyes" data-way={g.way} /> : "", color: g.over ? "var(--matrix-muted-fg)" : `color-mix(in oklch, var(--matrix-primary) ${100 - Math.min(45, i * 2)}%, var(--matrix-card))` };
    return { content: y * side + x === g.food ? <i className="food" /> : "", tone: "flat" as const };
  };
  return (
    <div className="snake">
      <p className="score mx-num">Eaten <b>{score(g)}</b><span className="mx-spacer" />Best <b>{Math.max(Number(rows[0]?.score ?? 0), score(g))}</b></p>
      <div {...swipe} className="field">
        <Grid columns={side} rows={side} gap={1} label="Field" cell={cell} />
      </div>
      <div className="foot">
        <Button primary={!running} onClick={toggle}>{g.over ? "New game" : running ? "Pause" : score(g) > 0 ? "Go on" : "Start"}</Button>
        <p role="status">{g.over ? <b>{g.food < 0 ? "The field is full. That is the end of it." : `Over, with ${score(g)} eaten.`}</b> : <span className="mx-quiet">Arrow keys or a stroke of the finger.</span>}</p>
        <span className="mx-spacer" />
        <Segmented label="Edge" value={edge} options={["Walls", "Open"]} onChange={(v) => { setEdge(v); set(begin(side, v === "Walls", Math.random)); run(false); }} />
      </div>
    </div>
  );
}
