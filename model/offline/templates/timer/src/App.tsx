import { useValue } from "@matrixos/sdk";
import { App, Button, Input, Item, List, Progress, Stack, Stat, Stats, Tabs, useInterval, useToast } from "@matrixos/ui";
import { useState } from "react";

const pad = (n: number) => String(n).padStart(2, "0");
const clock = (ms: number, tenths = false) => {
  const t = Math.max(0, ms);
  const text = `${pad(Math.floor(t / 60_000))}:${pad(Math.floor(t / 1000) % 60)}`;
  return tenths ? `${text}.${Math.floor(t / 100) % 10}` : text;
};

function Countdown() {
  const [length, setLength] = useValue("length", 300_000);
  const [endsAt, setEndsAt] = useValue<number | null>("ends-at", null);
  const [left, setLeft] = useValue<number | null>("left", null);
  const [now, setNow] = useState(() => Date.now());
  const toast = useToast();
  const rest = endsAt === null ? (left ?? length) : endsAt - now;

  useInterval(() => {
    setNow(Date.now());
    if (endsAt !== null && Date.now() >= endsAt) {
      setEndsAt(null);
      setLeft(null);
      toast("Time is up.");
    }
  }, endsAt === null ? null : 200);

  const toggle = () => {
    setNow(Date.now());
    if (endsAt === null) setEndsAt(Date.now() + rest);
    else {
      setLeft(Math.max(0, endsAt - Date.now()));
      setEndsAt(null);
    }
  };
  const choose = (minutes: number, seconds: number) => {
    setEndsAt(null);
    setLeft(null);
    setLength(Math.max(1, Math.min(24 * 3600, minutes * 60 + seconds)) * 1000);
  };
  const [minutes, seconds] = [Math.floor(length / 60_000), Math.floor(length / 1000) % 60];
  return (
    <Stack gap={24}>
      <Stats>
        <Stat label="Left" value={<span role="timer">{clock(Math.ceil(rest / 1000) * 1000)}</span>} />
      </Stats>
      <Progress value={length - rest} max={length} label="Time passed" />
      <Stack row gap={8}>
        <Button primary icon={endsAt === null ? "play" : "pause"} onClick={toggle}>{endsAt === null ? "Start" : "Pause"}</Button>
        <Button icon="rotate-ccw" onClick={() => choose(minutes, seconds)}>Reset</Button>
      </Stack>
      <Stack row gap={8}>
        {[1, 3, 5, 10, 15, 30].map((m) => (
          <Button key={m} quiet onClick={() => choose(m, 0)}>{`${m} min`}</Button>
        ))}
      </Stack>
      <Stack row gap={16}>
        <Input label="Minutes" type="number" min={0} value={minutes} onChange={(v) => choose(Math.max(0, Number(v) || 0), seconds)} />
        <Input label="Seconds" type="number" min={0} max={59} value={seconds} onChange={(v) => choose(minutes, Math.min(59, Math.max(0, Number(v) || 0)))} />
      </Stack>
    </Stack>
  );
}

function Stopwatch() {
  const [since, setSince] = useValue<number | null>("since", null);
  const [kept, setKept] = useValue("kept", 0);
  const [laps, setLaps] = useValue<number[]>("laps", []);
  const [now, setNow] = useState(() => Date.now());
  useInterval(() => setNow(Date.now()), since === null ? null : 100);
  const passed = kept + (since === null ? 0 : Math.max(0, now - since));
  const toggle = () => {
    const at = Date.now();
    setNow(at);
    if (since === null) setSince(at);
    else {
      setKept(kept + at - since);
      setSince(null);
    }
  };
  const reset = () => {
    setSince(null);
    setKept(0);
    setLaps([]);
  };
  return (
    <Stack gap={24}>
      <Stats>
        <Stat label="Passed" value={<span role="timer">{clock(passed, true)}</span>} />
      </Stats>
      <Stack row gap={8}>
        <Button primary icon={since === null ? "play" : "pause"} onClick={toggle}>{since === null ? "Start" : "Stop"}</Button>
        <Button icon="flag" disabled={since === null} onClick={() => setLaps([passed, ...laps])}>Lap</Button>
        <Button icon="rotate-ccw" onClick={reset}>Reset</Button>
      </Stack>
      {laps.length > 0 && (
        <List>
          {laps.map((lap, i) => (
            <Item key={laps.length - i} title={`Lap ${laps.length - i}`} subtitle={`+${clock(lap - (laps[i + 1] ?? 0), true)}`} value={clock(lap, true)} />
          ))}
        </List>
      )}
    </Stack>
  );
}

export default function __COMPONENT__() {
  return (
    <App title="__TITLE__">
      <Tabs labels={["Timer", "Stopwatch"]}>
        <Countdown />
        <Stopwatch />
      </Tabs>
    </App>
  );
}
