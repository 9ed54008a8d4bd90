import { useValue } from "@matrixos/sdk";
import { Button, Item, List, Stack, useNow } from "@matrixos/ui";
import { lap } from "./time";

interface State {
  since: number | null; // when it was started, while it runs
  before: number; // milliseconds from earlier stretches
  laps: number[]; // the whole time at each lap
}

const zero: State = { since: null, before: 0, laps: [] };

export function Stopwatch() {
  const [s, set] = useValue<State>("stopwatch", zero);
  useNow(s.since === null ? null : 50);
  const at = () => s.before + (s.since === null ? 0 : Date.now() - s.since);
  const time = at();
  const lengths = s.laps.map((t, i) => t - (s.laps[i - 1] ?? 0));
  const [best, worst] = [Math.min(...lengths), Math.max(...lengths)];
  const about = (n: number) => (lengths.length < 2 ? "" : n === best ? "fastest" : n === worst ? "slowest" : "");
  return (
    <div className="count">
      <p className="face-time mx-num" role="timer" aria-live="off">{lap(time)}</p>
      <Stack row gap={8}>
        {s.since === null ? <Button primary icon="play" onClick={() => set({ ...s, since: Date.now() })}>{time > 0 ? "Go on" : "Start"}</Button> : <Button primary icon="pause" onClick={() => set({ ...s, before: at(), since: null })}>Stop</Button>}
        {s.since !== null && <Button icon="flag" onClick={() => set({ ...s, laps: [...s.laps, at()] })}>Lap</Button>}
        {s.since === null && time > 0 && <Button onClick={() => set(zero)}>Back to zero</Button>}
      </Stack>
      {lengths.length > 0 && (
        <div className="laps">
          <List>{lengths.map((n, i) => <Item key={i} title={`Lap ${i + 1}`} subtitle={about(n)} value={lap(n)} />).reverse()}</List>
        </div>
      )}
    </div>
  );
}
