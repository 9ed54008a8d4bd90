import { parseDay, today, useValue, type Field } from "@matrixos/sdk";
import { App, Empty, Form, IconButton, Item, List, Section, Skeleton, Stack, Stat, Stats, useToast } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";

interface Target {
  id: string;
  title: string;
  date: string;
}

const first: Target[] = start.date ? [{ id: "start", title: start.title || "The day", date: start.date }] : [];
const day = 24 * 3600 * 1000;
const daysTo = (date: string) => Math.round((parseDay(date)!.getTime() - parseDay(today())!.getTime()) / day);
const words = (n: number) => (n === 0 ? "Today" : n === 1 ? "Tomorrow" : n > 0 ? `${n} days` : `${-n} days ago`);

export default function __COMPONENT__() {
  const [targets, setTargets, loaded] = useValue<Target[]>("targets", first);
  const [round, setRound] = useState(0);
  const toast = useToast();
  const fields: Field[] = [
    { name: "title", label: "What", required: true, default: start.date ? "" : start.title },
    { name: "date", label: "Date", type: "date", required: true },
  ];
  if (!loaded) return <App title="__TITLE__"><Skeleton lines={4} /></App>;
  const sorted = [...targets].sort((a, b) => a.date.localeCompare(b.date));
  const next = sorted.find((t) => daysTo(t.date) >= 0);
  const remove = (target: Target) => {
    setTargets((now) => now.filter((t) => t.id !== target.id));
    toast(`${target.title} deleted.`, { label: "Undo", run: () => setTargets((now) => [...now, target]) });
  };
  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        {next ? (
          <Stats>
            <Stat label={next.title} value={words(daysTo(next.date))} hint={next.date} />
          </Stats>
        ) : (
          <Empty icon="hourglass" title="Nothing to count down to yet. Add a date below." />
        )}
        {sorted.length > 0 && (
          <List>
            {sorted.map((t) => (
              <Item key={t.id} title={t.title} subtitle={t.date} value={words(daysTo(t.date))} trailing={<IconButton icon="trash-2" label={`Delete ${t.title}`} onClick={() => remove(t)} />} />
            ))}
          </List>
        )}
        <Section title="Add a date">
          <Form
            key={round}
            fields={fields}
            saveLabel="Add"
            onSave={async (value) => {
              setTargets((now) => [...now, { id: crypto.randomUUID(), title: value.title, date: value.date }]);
              setRound(round + 1);
            }}
          />
        </Section>
      </Stack>
    </App>
  );
}
