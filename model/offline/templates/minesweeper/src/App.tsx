import { useValue } from "@matrixos/sdk";
import { App, Button, Grid, Icon, Segmented, Stack, Stat, Stats, useInterval, useKeys } from "@matrixos/ui";
import { useRef, useState, type CSSProperties } from "react";
import { flag, newGame, open, type Game } from "./field";

const sizes = {
  Small: { columns: 8, rows: 8, mines: 10 },
  Medium: { columns: 12, rows: 12, mines: 24 },
  Large: { columns: 16, rows: 16, mines: 40 },
};
type Size = keyof typeof sizes;

export default function __COMPONENT__() {
  const [size, setSize] = useState<Size>("Small");
  const [game, setGame] = useState(() => newGame(sizes.Small));
  const [flagging, setFlagging] = useState(false);
  const [since, setSince] = useState<number | null>(null);
  const [seconds, setSeconds] = useState(0);
  const [best, setBest] = useValue<Partial<Record<Size, number>>>("best", {});
  const held = useRef<number | undefined>(undefined);
  const skip = useRef(false);
  const playing = game.state === "playing";
  useInterval(() => setSeconds(Math.floor((Date.now() - since!) / 1000)), since !== null && playing ? 250 : null);

  const start = (next: Size) => {
    setSize(next);
    setGame(newGame(sizes[next]));
    setSince(null);
    setSeconds(0);
  };
  const settle = (next: Game) => {
    if (since === null && next.laid) setSince(Date.now());
    if (next.state === "won" && game.state === "playing") {
      const time = since === null ? 0 : Math.floor((Date.now() - since) / 1000);
      setSeconds(time);
      if (time < (best[size] ?? Infinity)) setBest((now) => ({ ...now, [size]: time }));
    }
    setGame(next);
  };
  const click = (at: number) => {
    if (skip.current) {
      skip.current = false; // the end of a long press
      return;
    }
    settle(flagging && !game.cells[at]!.open ? flag(game, at) : open(game, at));
  };
  // Cells are found by their place among their siblings, so that one handler on the board is enough.
  const cellAt = (target: EventTarget | null) => {
    const cell = (target as HTMLElement | null)?.closest?.("button.mx-cell");
    return cell ? [...cell.parentElement!.children].indexOf(cell) : -1;
  };
  useKeys({ f: () => settle(flag(game, Math.max(0, cellAt(document.activeElement)))) });

  const { columns, rows, mines } = sizes[size];
  return (
    <App title="__TITLE__" actions={<Button icon="rotate-ccw" onClick={() => start(size)}>New game</Button>}>
      <Stack gap={16}>
        <Segmented label="Size" value={size} options={Object.keys(sizes)} onChange={(v) => start(v as Size)} />
        <Stats>
          <Stat label="Mines left" value={String(mines - game.cells.filter((c) => c.flag).length)} />
          <Stat label="Time" value={`${seconds} s`} />
          <Stat label="Best time" value={best[size] === undefined ? "–" : `${best[size]} s`} />
        </Stats>
        <div
          style={{ touchAction: "manipulation", userSelect: "none", width: "min(100%, 62vh)", margin: "0 auto" } as CSSProperties}
          onContextMenu={(e) => {
            e.preventDefault();
            const at = cellAt(e.target);
            if (at >= 0 && !skip.current) settle(flag(game, at));
          }}
          onPointerDown={(e) => {
            const at = cellAt(e.target);
            skip.current = false;
            if (e.pointerType === "touch" && at >= 0)
              held.current = window.setTimeout(() => {
                skip.current = true;
                setGame((now) => flag(now, at));
              }, 450);
          }}
          onPointerUp={() => window.clearTimeout(held.current)}
          onPointerCancel={() => window.clearTimeout(held.current)}
        >
          <Grid
            columns={columns}
            rows={rows}
            gap={2}
            label="Field"
            onCell={(x, y) => click(y * columns + x)}
            cell={(x, y) => {
              const cell = game.cells[y * columns + x]!;
              const mine = cell.mine && (cell.open || !playing);
              const place = `Column ${x + 1}, row ${y + 1}`;
              if (mine) return { content: <Icon name="bomb" size={16} />, tone: cell.open ? "bad" : "warn", label: `${place}: mine` };
              if (cell.open) return { content: cell.near || "", tone: "flat", label: `${place}: ${cell.near} near` };
              return { content: cell.flag ? <Icon name="flag" size={16} /> : "", tone: cell.flag ? "warn" : undefined, label: `${place}: ${cell.flag ? "flag" : "closed"}` };
            }}
          />
        </div>
        <p role="status">{game.state === "won" ? `Cleared in ${seconds} seconds.` : game.state === "lost" ? "That was a mine." : "The first click is safe. Flag with F, a right click or a long press."}</p>
        <Button icon="flag" primary={flagging} aria-pressed={flagging} onClick={() => setFlagging(!flagging)}>{flagging ? "Flagging" : "Opening"}</Button>
      </Stack>
    </App>
  );
}
