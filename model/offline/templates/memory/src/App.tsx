import { useValue } from "@matrixos/sdk";
import { App, Button, Grid, Icon, Segmented, Stack, Stat, Stats } from "@matrixos/ui";
import { useEffect, useState } from "react";

const pictures = ["apple", "anchor", "bell", "bike", "bird", "book", "camera", "cat", "cherry", "cloud", "coffee", "crown", "feather", "fish", "flame", "flower", "gem", "gift", "heart", "key", "leaf", "moon", "plane", "sailboat", "snowflake", "star", "sun", "tent", "umbrella", "zap"];
const sizes = { "4 × 4": [4, 4], "6 × 4": [6, 4], "6 × 6": [6, 6] } as const;
type Size = keyof typeof sizes;

interface Deal {
  cards: string[];
  open: number[]; // at most two
  found: number[];
  moves: number;
}

function shuffled<T>(items: T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function deal(size: Size): Deal {
  const pairs = (sizes[size][0] * sizes[size][1]) / 2;
  const chosen = shuffled(pictures).slice(0, pairs);
  return { cards: shuffled([...chosen, ...chosen]), open: [], found: [], moves: 0 };
}

export default function __COMPONENT__() {
  const [size, setSize] = useState<Size>("4 × 4");
  const [game, setGame] = useState(() => deal("4 × 4"));
  const [best, setBest] = useValue<Partial<Record<Size, number>>>("best", {});
  const [columns, rows] = sizes[size];
  const over = game.found.length === game.cards.length;

  // Two that differ stay open for a moment, then turn back.
  useEffect(() => {
    if (game.open.length < 2) return;
    const wait = setTimeout(() => setGame((now) => ({ ...now, open: [] })), 900);
    return () => clearTimeout(wait);
  }, [game.open]);

  const start = (next: Size) => {
    setSize(next);
    setGame(deal(next));
  };
  const flip = (at: number) => {
    if (game.found.includes(at) || game.open.includes(at) || game.open.length === 2) return;
    const open = [...game.open, at];
    if (open.length < 2) return setGame({ ...game, open });
    const moves = game.moves + 1;
    if (game.cards[open[0]!] !== game.cards[open[1]!]) return setGame({ ...game, open, moves });
    const found = [...game.found, ...open];
    setGame({ ...game, open: [], found, moves });
    if (found.length === game.cards.length && moves < (best[size] ?? Infinity)) setBest((now) => ({ ...now, [size]: moves }));
  };

  return (
    <App title="__TITLE__" actions={<Button icon="rotate-ccw" onClick={() => start(size)}>New game</Button>}>
      <Stack gap={16}>
        <Segmented label="Size" value={size} options={Object.keys(sizes)} onChange={(v) => start(v as Size)} />
        <Stats>
          <Stat label="Moves" value={String(game.moves)} />
          <Stat label="Pairs" value={`${game.found.length / 2} of ${game.cards.length / 2}`} />
          <Stat label="Fewest moves" value={best[size] === undefined ? "–" : String(best[size])} />
        </Stats>
        <div style={{ width: "min(100%, 60vh)", margin: "0 auto" }}>
          <Grid
            columns={columns}
            rows={rows}
            gap={6}
            label="Cards"
            onCell={(x, y) => flip(y * columns + x)}
            cell={(x, y) => {
              const at = y * columns + x;
              const shown = game.found.includes(at) || game.open.includes(at);
              return {
                content: shown ? <Icon name={game.cards[at]!} size={28} /> : "",
                tone: game.found.includes(at) ? "good" : shown ? "on" : undefined,
                label: `Card ${at + 1}: ${shown ? game.cards[at] : "face down"}`,
              };
            }}
          />
        </div>
        <p role="status">{over ? `All pairs found in ${game.moves} moves.` : "Turn two cards at a time."}</p>
      </Stack>
    </App>
  );
}
