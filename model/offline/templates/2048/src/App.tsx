import { useValue } from "@matrixos/sdk";
import { App, Button, Grid, Skeleton, Stack, Stat, Stats, useKeys } from "@matrixos/ui";
import { newGame, slide, stuck, type Game } from "./board";
import { useSwipe, type Direction } from "./swipe";

const first = newGame();
/** The larger the tile, the more of the theme's colour. */
const color = (value: number) => (value === 0 ? undefined : `color-mix(in oklch, var(--matrix-primary) ${Math.min(90, Math.log2(value) * 8)}%, var(--matrix-card))`);

export default function __COMPONENT__() {
  const [game, setGame, loaded] = useValue<Game>("game", first);
  const [best, setBest] = useValue("best", 0);
  const go = (to: Direction) => {
    const next = slide(game, to);
    if (!next) return;
    setGame(next);
    if (next.score > best) setBest(next.score);
  };
  useKeys({
    ArrowUp: (e) => (e.preventDefault(), go("up")),
    ArrowDown: (e) => (e.preventDefault(), go("down")),
    ArrowLeft: (e) => (e.preventDefault(), go("left")),
    ArrowRight: (e) => (e.preventDefault(), go("right")),
  });
  const swipe = useSwipe(go);
  if (!loaded) return <App title="__TITLE__"><Skeleton lines={6} /></App>;

  const over = stuck(game);
  const won = Math.max(...game.board) >= 2048;
  return (
    <App title="__TITLE__" actions={<Button icon="rotate-ccw" onClick={() => setGame(newGame())}>New game</Button>}>
      <Stack gap={16}>
        <Stats>
          <Stat label="Score" value={String(game.score)} />
          <Stat label="Best" value={String(Math.max(best, game.score))} />
        </Stats>
        <div {...swipe}>
          <Grid
            columns={4}
            rows={4}
            gap={8}
            label={`Board, score ${game.score}`}
            cell={(x, y) => {
              const value = game.board[y * 4 + x]!;
              return { content: value || "", tone: "flat", color: color(value) };
            }}
          />
        </div>
        <p role="status">{over ? "No move is left." : won ? "2048! Go on as far as you like." : "Arrow keys or swipe. Equal tiles join."}</p>
      </Stack>
    </App>
  );
}
