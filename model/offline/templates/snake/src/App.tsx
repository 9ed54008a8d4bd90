import { useValue } from "@matrixos/sdk";
import { App, Button, Grid, IconButton, Stack, Stat, Stats, useInterval, useKeys } from "@matrixos/ui";
import { useEffect, useState } from "react";
import { newGame, same, size, step, turn } from "./snake";
import { useSwipe, type Direction } from "./swipe";

export default function __COMPONENT__() {
  const [game, setGame] = useState(newGame);
  const [running, setRunning] = useState(false);
  const [best, setBest, loaded] = useValue("best", 0);
  const score = game.body.length - 3;

  useEffect(() => {
    if (loaded && game.over && score > best) setBest(score);
    if (game.over) setRunning(false);
  }, [game.over, loaded, score, best, setBest]);
  useInterval(() => setGame(step), running ? Math.max(70, 170 - score * 3) : null);

  const go = (to: Direction) => {
    if (game.over) return;
    setRunning(true);
    setGame((now) => turn(now, to));
  };
  const again = () => {
    setGame(newGame());
    setRunning(true);
  };
  const pause = () => (game.over ? again() : setRunning(!running));
  useKeys({
    ArrowUp: (e) => (e.preventDefault(), go("up")),
    ArrowDown: (e) => (e.preventDefault(), go("down")),
    ArrowLeft: (e) => (e.preventDefault(), go("left")),
    ArrowRight: (e) => (e.preventDefault(), go("right")),
    " ": (e) => (e.preventDefault(), pause()),
  });
  const swipe = useSwipe(go);

  return (
    <App title="__TITLE__">
      <Stack gap={16}>
        <Stats>
          <Stat label="Score" value={String(score)} />
          <Stat label="Best" value={String(Math.max(best, score))} />
        </Stats>
        <div {...swipe}>
          <Grid
            columns={size}
            rows={size}
            gap={1}
            label={`Snake, score ${score}`}
            cell={(x, y) => {
              if (same(game.food, { x, y })) return { tone: "bad" };
              const at = game.body.findIndex((p) => same(p, { x, y }));
              return { tone: at === 0 ? "good" : at > 0 ? "on" : "flat" };
            }}
          />
        </div>
        <p role="status">{game.over ? `Game over, with a score of ${score}.` : running ? "Arrow keys or swipe; space pauses." : "Press an arrow key, or swipe, to begin."}</p>
        <Stack row gap={8}>
          <Button primary icon={running ? "pause" : "play"} onClick={pause}>{game.over ? "Play again" : running ? "Pause" : "Play"}</Button>
          <IconButton icon="arrow-left" label="Left" onClick={() => go("left")} />
          <IconButton icon="arrow-up" label="Up" onClick={() => go("up")} />
          <IconButton icon="arrow-down" label="Down" onClick={() => go("down")} />
          <IconButton icon="arrow-right" label="Right" onClick={() => go("right")} />
        </Stack>
      </Stack>
    </App>
  );
}
