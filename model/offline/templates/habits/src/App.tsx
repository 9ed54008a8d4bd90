import { locale, parseDay, today, useValue } from "@matrixos/sdk";
import { App, Badge, Button, Checkbox, Empty, IconButton, Input, Section, Skeleton, Stack, Stat, Stats, useToast } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";
import { best, current, week, type Habit } from "./streaks";

const first: Habit[] = (start.names as string[]).map((name, i) => ({ id: `start-${i}`, name, days: [] }));
const weekday = (day: string) => new Intl.DateTimeFormat(locale(), { weekday: "short" }).format(parseDay(day)!);

export default function __COMPONENT__() {
  const [habits, setHabits, loaded] = useValue<Habit[]>("habits", first);
  const [name, setName] = useState("");
  const toast = useToast();

  const add = () => {
    if (!name.trim()) return;
    setHabits((now) => [...now, { id: crypto.randomUUID(), name: name.trim(), days: [] }]);
    setName("");
  };
  const tick = (id: string, day: string) =>
    setHabits((now) =>
      now.map((h) => (h.id !== id ? h : { ...h, days: h.days.includes(day) ? h.days.filter((d) => d !== day) : [...h.days, day].sort() })),
    );
  const remove = (habit: Habit) => {
    setHabits((now) => now.filter((h) => h.id !== habit.id));
    toast(`${habit.name} deleted.`, { label: "Undo", run: () => setHabits((now) => [...now, habit]) });
  };

  if (!loaded) return <App title="__TITLE__"><Skeleton lines={5} /></App>;
  const doneToday = habits.filter((h) => h.days.includes(today())).length;
  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        {habits.length > 0 && (
          <Stats>
            <Stat label="Done today" value={`${doneToday} of ${habits.length}`} />
            <Stat label="Longest streak now" value={String(Math.max(...habits.map((h) => current(h.days))))} />
            <Stat label="Best ever" value={String(Math.max(...habits.map((h) => best(h.days))))} />
          </Stats>
        )}
        {habits.length === 0 && <Empty icon="flame" title="No habits yet. Name one below." />}
        {habits.map((habit) => (
          <Section
            key={habit.id}
            title={habit.name}
            aside={
              <Stack row gap={8}>
                <Badge tone={current(habit.days) > 0 ? "good" : "info"}>{`Streak ${current(habit.days)}`}</Badge>
                <Badge>{`Best ${best(habit.days)}`}</Badge>
                <IconButton icon="trash-2" label={`Delete ${habit.name}`} onClick={() => remove(habit)} />
              </Stack>
            }
          >
            <Stack row gap={12}>
              {week().map((day) => (
                <Checkbox key={day} checked={habit.days.includes(day)} onChange={() => tick(habit.id, day)} label={day === today() ? "Today" : weekday(day)} />
              ))}
            </Stack>
          </Section>
        ))}
        <form
          onSubmit={(e) => {
            e.preventDefault();
            add();
          }}
        >
          <Stack gap={8}>
            <Input label="New habit" value={name} onChange={setName} placeholder="Read ten pages" />
            <Button primary type="submit" icon="plus">Add habit</Button>
          </Stack>
        </form>
      </Stack>
    </App>
  );
}
