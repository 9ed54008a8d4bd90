import { today, useValue } from "@matrixos/sdk";
import { App, Button, Input, Progress, Section, Segmented, Stack, Stat, Stats, useInterval, useToast } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";

type Phase = "work" | "rest";
interface Minutes {
  work: number;
  rest: number;
}
/** A session survives closing the window: what is kept is when it ends. */
interface Session {
  phase: Phase;
  endsAt: number | null;
  left: number; // milliseconds, while it stands still
}

const clock = (ms: number) => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
};

export default function __COMPONENT__() {
  const [minutes, setMinutes] = useValue<Minutes>("minutes", start);
  const [session, setSession, loaded] = useValue<Session>("session", { phase: "work", endsAt: null, left: start.work * 60_000 });
  const [done, setDone] = useValue<Record<string, number>>("done", {});
  const [now, setNow] = useState(() => Date.now());
  const toast = useToast();

  const running = session.endsAt !== null;
  const left = session.endsAt === null ? session.left : session.endsAt - now;
  const total = minutes[session.phase] * 60_000;

  const go = (phase: Phase, run: boolean) => {
    const length = minutes[phase] * 60_000;
    setNow(Date.now());
    setSession({ phase, endsAt: run ? Date.now() + length : null, left: length });
  };
  const toggle = () => {
    const at = Date.now();
    setNow(at);
    setSession(running ? { ...session, endsAt: null, left: Math.max(0, left) } : { ...session, endsAt: at + session.left });
  };
  const finish = () => {
    if (session.phase === "work") {
      const day = today();
      setDone((all) => ({ ...all, [day]: (all[day] ?? 0) + 1 }));
      toast("Time for a break.");
      go("rest", true);
    } else {
      toast("The break is over.");
      go("work", false);
    }
  };
  useInterval(() => {
    setNow(Date.now());
    if (loaded && session.endsAt !== null && Date.now() >= session.endsAt) finish();
  }, running ? 250 : null);

  const length = (phase: Phase) => (text: string) => {
    const value = Math.min(180, Math.max(1, Math.round(Number(text)) || 1));
    setMinutes({ ...minutes, [phase]: value });
    if (!running && session.phase === phase) setSession({ ...session, left: value * 60_000 });
  };

  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        <Segmented label="Phase" value={session.phase} options={[{ value: "work", label: "Work" }, { value: "rest", label: "Break" }]} onChange={(phase) => go(phase as Phase, false)} />
        <Stats>
          <Stat label={session.phase === "work" ? "Work" : "Break"} value={<span role="timer">{clock(left)}</span>} />
          <Stat label="Done today" value={String(done[today()] ?? 0)} />
          <Stat label="Done in all" value={String(Object.values(done).reduce((a, b) => a + b, 0))} />
        </Stats>
        <Progress value={Math.min(total, total - left)} max={total} label="Time passed" />
        <Stack row gap={8}>
          <Button primary icon={running ? "pause" : "play"} onClick={toggle}>{running ? "Pause" : "Start"}</Button>
          <Button icon="rotate-ccw" onClick={() => go(session.phase, false)}>Reset</Button>
          <Button icon="skip-forward" onClick={() => go(session.phase === "work" ? "rest" : "work", false)}>Skip</Button>
        </Stack>
        <Section title="Length">
          <Stack row gap={16}>
            <Input label="Work, minutes" type="number" min={1} max={180} value={minutes.work} onChange={length("work")} />
            <Input label="Break, minutes" type="number" min={1} max={180} value={minutes.rest} onChange={length("rest")} />
          </Stack>
        </Section>
      </Stack>
    </App>
  );
}
