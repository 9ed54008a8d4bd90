import { addDays, formatDuration, isoDay, sumBy, today, useRows, useValue, type Field } from "@matrixos/sdk";
import { App, Button, Chart, chime, Dialog, Empty, Form, IconButton, Input, Item, List, Section, Stat, Stats, useKeys, useNow, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { begin, face, leftOf, next, pause, resize, start, usual, type Cycle, type Lengths } from "./cycle";
import "./style.css";

const names = { work: "Work", short: "Short break", long: "Long break" };
const lengthFields: Field[] = [
  { name: "work", label: "Work", type: "number", unit: "min", min: 1, max: 180, required: true },
  { name: "short", label: "Short break", type: "number", unit: "min", min: 1, max: 60, required: true },
  { name: "long", label: "Long break", type: "number", unit: "min", min: 1, max: 120, required: true },
  { name: "rounds", label: "Long break after", type: "number", unit: "times", min: 1, max: 12, required: true },
];

export default function Pomodoro() {
  const [settings, setSettings] = useState(false);
  return (
    <App title="Pomodoro" actions={<IconButton icon="settings-2" label="Lengths" onClick={() => setSettings(true)} />}>
      <Timer settings={settings} onSettings={setSettings} />
      <Past />
    </App>
  );
}

function Timer({ settings, onSettings }: { settings: boolean; onSettings: (open: boolean) => void }) {
  const [lengths, setLengths] = useValue<Lengths>("lengths", usual);
  const [cycle, setCycle, loaded] = useValue<Cycle>("cycle", begin(usual));
  const [task, setTask] = useValue("task", "");
  const { insert } = useRows("sessions");
  const now = useNow(cycle.ends === null ? null : 250).getTime();
  const toast = useToast();
  const left = leftOf(cycle, Math.max(now, Date.now()));
  const ended = useRef<number | null>(null);
  useEffect(() => {
    if (!loaded || cycle.ends === null || left > 0 || ended.current === cycle.ends) return;
    ended.current = cycle.ends; // once, though this effect may run again before the new phase is here
    if (cycle.phase === "work") {
      const end = new Date(cycle.ends);
      insert({ task: task.trim() || null, minutes: lengths.work, day: isoDay(end), ended: end.toISOString() }).catch((e: Error) => toast(e.message));
    }
    chime();
    setCycle(next(cycle, lengths));
  }, [loaded, left, cycle, lengths, task, insert, setCycle, toast]);
  const toggle = () => setCycle(cycle.ends === null ? start(cycle, Date.now()) : pause(cycle, Date.now()));
  useKeys({ " ": toggle });
  const whole = lengths[cycle.phase] * 60_000;
  return (
    <section className="timer" data-phase={cycle.phase} aria-label={names[cycle.phase]}>
      <svg viewBox="0 0 200 200" aria-hidden>
        <circle cx="100" cy="100" r="94" />
        <circle className="done" cx="100" cy="100" r="94" pathLength="1" strokeDasharray={`${Math.min(1, left / whole)} 1`} transform="rotate(-90 100 100)" />
      </svg>
      <div className="timer-face">
        <p className="mx-quiet">{names[cycle.phase]}</p>
        <p className="timer-time mx-num" role="timer">{face(left)}</p>
        <p className="rounds" aria-label={`${cycle.done} of ${lengths.rounds} done`}>{Array.from({ length: lengths.rounds }, (_, i) => <i key={i} data-on={i < cycle.done ? "" : undefined} />)}</p>
      </div>
      <div className="timer-keys">
        <Button primary icon={cycle.ends === null ? "play" : "pause"} onClick={toggle}>{cycle.ends === null ? (left < whole ? "Go on" : "Start") : "Pause"}</Button>
        <Button icon="skip-forward" onClick={() => setCycle(next(cycle, lengths, true))}>Skip</Button>
        <Button quiet icon="rotate-ccw" onClick={() => setCycle(begin(lengths))}>Begin again</Button>
      </div>
      <div className="timer-task"><Input aria-label="What you work on" placeholder="What do you work on?" value={task} onChange={setTask} /></div>
      <Dialog open={settings} title="Lengths" onClose={() => onSettings(false)}>
        {settings && <Form fields={lengthFields} value={lengths} onCancel={() => onSettings(false)} onSave={(v) => { setCycle(resize(cycle, lengths, v as Lengths)); setLengths(v as Lengths); onSettings(false); }} />}
      </Dialog>
    </section>
  );
}

function Past() {
  const { rows, loading } = useRows("sessions", { orderBy: { ended: "desc" } });
  if (loading) return null;
  if (rows.length === 0) return <Empty title="Each stretch of work that you finish is counted here." />;
  const day = rows.filter((r) => r.day === today());
  const week = rows.filter((r) => r.day > addDays(today(), -7));
  return (
    <Section>
      <Stats>
        <Stat label="Today" value={formatDuration(sumBy(day, "minutes"))} hint={day.length === 1 ? "1 stretch" : `${day.length} stretches`} />
        <Stat label="Seven days" value={formatDuration(sumBy(week, "minutes"))} />
      </Stats>
      <Chart title="Minutes of work per day" rows={rows} fields={[{ name: "minutes", type: "duration" }]} kind="bar" x="day" every="day" y="minutes" last={14} />
      <List>{day.map((r) => <Item key={r.id} title={r.task || "Work"} value={`${r.minutes} min`} subtitle={new Date(r.ended).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" })} />)}</List>
    </Section>
  );
}
