import { useValue } from "@matrixos/sdk";
import { Button, chime, Slider, Stack, useNow } from "@matrixos/ui";
import { useEffect, useRef } from "react";
import { rest } from "./time";

interface State {
  minutes: number;
  ends: number | null; // while it runs
  left: number | null; // while it stands in the middle
}

const presets = [1, 3, 5, 10, 15, 30];

/** Timer counts down, also while its window is closed, and rings once. */
export function Timer() {
  const [t, set, loaded] = useValue<State>("timer", { minutes: 5, ends: null, left: null });
  useNow(t.ends === null ? null : 200);
  const left = t.ends === null ? (t.left ?? t.minutes * 60_000) : Math.max(0, t.ends - Date.now());
  const over = loaded && t.ends !== null && left === 0;
  const rung = useRef<number | null>(null);
  useEffect(() => {
    if (!over || rung.current === t.ends) return;
    rung.current = t.ends;
    chime();
  }, [over, t.ends]);
  const stand = t.ends === null && t.left === null;
  const clear = () => set({ ...t, ends: null, left: null });
  return (
    <div className="count">
      <p className="face-time mx-num" role="timer" data-over={over ? "" : undefined}>{rest(left)}</p>
      <p role="status">{over ? "Time is up." : "\u00a0"}</p>
      {stand && (
        <div className="count-set">
          <Stack row gap={8}>{presets.map((m) => <Button key={m} aria-pressed={m === t.minutes} onClick={() => set({ ...t, minutes: m })}>{m} min</Button>)}</Stack>
          <Slider label="Minutes" value={t.minutes} min={1} max={120} onChange={(minutes) => set({ ...t, minutes })} />
        </div>
      )}
      <Stack row gap={8}>
        {over ? <Button primary onClick={clear}>Done</Button> : t.ends === null ? (
          <Button primary icon="play" onClick={() => set({ ...t, ends: Date.now() + left, left: null })}>{t.left === null ? "Start" : "Go on"}</Button>
        ) : (
          <Button primary icon="pause" onClick={() => set({ ...t, ends: null, left })}>Pause</Button>
        )}
        {!stand && !over && <Button onClick={clear}>Cancel</Button>}
      </Stack>
    </div>
  );
}
