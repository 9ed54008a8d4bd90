import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, IconButton, useInterval, useKeys, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState, type PointerEvent } from "react";
import { begin, cellsOf, fall, height, hold, landing, levelOf, pace, plunge, rotate, shift, sizeOf, width, type Game } from "./blocks";
import { words } from "./words";
import "./style.css";

export default function Tetris() {
  const [kept, keep, loaded] = useValue<Game | null>("game", null);
  return <App title="Falling blocks">{loaded && <Play kept={kept} keep={keep} />}</App>;
}

const random = Math.random;

// A game that rests is kept, and goes on when the window is opened again.
function Play({ kept, keep }: { kept: Game | null; keep: (g: Game | null) => void }) {
  const [g, set] = useState<Game>(() => kept ?? begin(random));
  const [running, run] = useState(false);
  const [began, start] = useState(kept !== null);
  const { rows, insert } = useRows("games", { orderBy: { score: "desc" }, limit: 1 });
  const toast = useToast();
  useInterval(() => set((now) => fall(now, random)), running && !g.over ? pace(g) : null);
  useEffect(() => {
    if (!g.over || !running) return;
    run(false);
    keep(null);
    if (g.score > 0) insert({ score: g.score, lines: g.lines, level: levelOf(g) }).catch((e: Error) => toast(e.message));
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
  const toggle = () => {
    if (running) return rest();
    if (g.over) set(begin(random));
    start(true);
    run(true);
  };
  const act = (fn: (now: Game) => Game) => () => running && !g.over && set(fn);
  const left = act((now) => shift(now, -1));
  const right = act((now) => shift(now, 1));
  const turn = act((now) => rotate(now, 1));
  const down = act((now) => fall(now, random, 1));
  const drop = act((now) => plunge(now, random));
  const aside = act((now) => hold(now, random));
  useKeys({ ArrowLeft: left, ArrowRight: right, ArrowUp: turn, x: turn, z: act((now) => rotate(now, 3)), ArrowDown: down, " ": () => (running ? drop() : toggle()), c: aside, p: toggle, Enter: toggle });
  const drag = useDrag({ left, right, turn, drop, down });
  return (
    <div className="blocks">
      <div className="well" {...drag} role="img" aria-label={words(g)}>
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
  const ghost = g.over ? [] : cellsOf(landing(g));
  const falling = g.over ? [] : cellsOf(g.block);
  const has = (cells: [number, number][], x: number, y: number) => cells.some(([a, b]) => a === x && b === y);
  const kindAt = (x: number, y: number, lies: string) => (has(falling, x, y) ? `k-${g.block.kind}` : lies !== "." ? `k-${lies}` : has(ghost, x, y) ? "ghost" : "");
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden>
      {g.field.flatMap((row, y) => [...row].map((lies, x) => kindAt(x, y, lies) && <rect key={`${x},${y}`} x={x} y={y} width="1" height="1" rx="0.14" className={kindAt(x, y, lies)} />))}
    </svg>
  );
}

function Preview({ label, kind }: { label: string; kind: string | null }) {
  return (
    <div className="preview">
      <span className="mx-small mx-quiet">{label}</span>
      <svg viewBox={kind ? `0 0 ${sizeOf(kind)} 2` : undefined} role="img" aria-label={`${label}: ${kind ?? "nothing"}`}>
        {kind && cellsOf({ kind, x: 0, y: 0, turn: 0 }).map(([x, y]) => <rect key={`${x}${y}`} x={x} y={y} width="1" height="1" rx="0.14" className={`k-${kind}`} />)}
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
