import { useRows } from "@matrixos/sdk";
import { App, Button, IconButton, useInterval, useKeys, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState, type PointerEvent } from "react";
import { begin, cellsOf, fall, height, hold, landing, levelOf, pace, plunge, rotate, shift, sizeOf, width, type Game } from "./blocks";
import "./style.css";

export default function Tetris() {
  return (
    <App title="Falling blocks">
      <Play />
    </App>
  );
}

const random = Math.random;

function Play() {
  const [g, set] = useState<Game>(() => begin(random));
  const [running, run] = useState(false);
  const [began, start] = useState(false);
  const { rows, insert } = useRows("games", { orderBy: { score: "desc" }, limit: 1 });
  const toast = useToast();
  useInterval(() => set((now) => fall(now, random)), running && !g.over ? pace(g) : null);
  useEffect(() => {
    if (!g.over || !running) return;
    run(false);
    if (g.score > 0) insert({ score: g.score, lines: g.lines, level: levelOf(g) }).catch((e: Error) => toast(e.message));
  }, [g, running, insert, toast]);
  useEffect(() => {
    const hide = () => document.hidden && run(false);
    document.addEventListener("visibilitychange", hide);
    return () => document.removeEventListener("visibilitychange", hide);
  }, []);
  const toggle = () => {
    if (g.over) set(begin(random));
    start(true);
    run(g.over || !running);
  };
  const act = (fn: (now: Game) => Game) => () => running && set(fn);
  const left = act((now) => shift(now, -1));
  const right = act((now) => shift(now, 1));
  const turn = act((now) => rotate(now));
  const down = act((now) => fall(now, random, true));
  const drop = act((now) => plunge(now, random));
  const aside = act((now) => hold(now, random));
  useKeys({ ArrowLeft: left, ArrowRight: right, ArrowUp: turn, x: turn, z: act((now) => rotate(now, -1)), ArrowDown: down, " ": () => (running ? drop() : toggle()), c: aside, p: toggle, Enter: toggle });
  const drag = useDrag({ left, right, turn, drop, down });
  return (
    <div className="blocks">
      <div className="well" {...drag} role="img" aria-label={`Field, ${g.lines} rows so far`}>
        <Well g={g} />
        {!running && <div className="veil"><p role="status">{g.over ? <b>Over, with {g.score} points.</b> : began ? "Paused." : "Ready."}</p><Button primary onClick={toggle}>{g.over ? "New game" : began ? "Go on" : "Start"}</Button></div>}
      </div>
      <aside>
        <dl>
          <dt>Points</dt><dd>{g.score}</dd>
          <dt>Best</dt><dd>{Math.max(Number(rows[0]?.score ?? 0), g.score)}</dd>
          <dt>Rows</dt><dd>{g.lines}</dd>
          <dt>Level</dt><dd>{levelOf(g)}</dd>
        </dl>
        <Preview label="Next" kind={g.next} />
        <Preview label="Held" kind={g.held} />
        <div className="keys">
          <IconButton icon="arrow-left" label="Left" onClick={left} /><IconButton icon="rotate-cw" label="Turn" onClick={turn} /><IconButton icon="arrow-right" label="Right" onClick={right} />
          <IconButton icon="archive" label="Hold" onClick={aside} /><IconButton icon="arrow-down" label="Down" onClick={down} /><IconButton icon="arrow-down-to-line" label="Drop" onClick={drop} />
        </div>
        {running && <Button onClick={toggle}>Pause</Button>}
        <p className="mx-small mx-quiet help">Arrows move and turn, space drops, C holds, P pauses. On glass: drag, tap to turn, flick down to drop.</p>
      </aside>
    </div>
  );
}

function Well({ g }: { g: Game }) {
  const ghost = new Set(g.over ? [] : cellsOf(landing(g)).map(([x, y]) => y * width + x));
  const falling = new Set(cellsOf(g.block).map(([x, y]) => y * width + x));
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden>
      {g.field.map((kind, i) => {
        const on = falling.has(i) && !g.over ? g.block.kind : kind;
        if (!on && !ghost.has(i)) return null;
        return <rect key={i} x={(i % width) + 0.04} y={Math.floor(i / width) + 0.04} width={0.92} height={0.92} rx={0.12} className={on ? `k-${on}` : "ghost"} />;
      })}
    </svg>
  );
}

function Preview({ label, kind }: { label: string; kind: string | null }) {
  return (
    <div className="preview">
      <span className="mx-small mx-quiet">{label}</span>
      <svg viewBox="0 0 4 2" role="img" aria-label={kind ?? "nothing"}>
        {kind && cellsOf({ kind, x: 0, y: 0, turn: 0 }).map(([x, y]) => <rect key={`${x}${y}`} x={x + 0.04 + (4 - sizeOf(kind)) / 2} y={y + 0.04 - (kind === "I" ? 0.5 : 0)} width={0.92} height={0.92} rx={0.12} className={`k-${kind}`} />)}
      </svg>
    </div>
  );
}

// A finger drags the block from cell to cell; a tap turns it, a quick stroke down drops it.
function useDrag(keys: { left(): void; right(): void; turn(): void; drop(): void; down(): void }) {
  const from = useRef<{ x: number; y: number; at: number; moved: boolean; sx: number; sy: number } | null>(null);
  return {
    onPointerDown(e: PointerEvent<HTMLElement>) {
      if ((e.target as HTMLElement).closest("button")) return;
      from.current = { x: e.clientX, y: e.clientY, sx: e.clientX, sy: e.clientY, at: Date.now(), moved: false };
      e.currentTarget.setPointerCapture(e.pointerId);
    },
    onPointerMove(e: PointerEvent<HTMLElement>) {
      const f = from.current;
      if (!f) return;
      const cell = e.currentTarget.clientWidth / width;
      for (; e.clientX - f.x > cell; f.x += cell) (keys.right(), (f.moved = true));
      for (; f.x - e.clientX > cell; f.x -= cell) (keys.left(), (f.moved = true));
      if (Date.now() - f.at > 250) for (; e.clientY - f.y > cell; f.y += cell) (keys.down(), (f.moved = true));
    },
    onPointerUp(e: PointerEvent) {
      const f = from.current;
      from.current = null;
      if (!f) return;
      if (!f.moved && Date.now() - f.at < 250 && e.clientY - f.sy > 40) keys.drop();
      else if (!f.moved && Math.hypot(e.clientX - f.sx, e.clientY - f.sy) < 12) keys.turn();
    },
    style: { touchAction: "none" } as const,
  };
}
