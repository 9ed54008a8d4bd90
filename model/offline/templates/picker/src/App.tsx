import { useValue } from "@matrixos/sdk";
import { App, Button, Empty, IconButton, Input, Item, List, Segmented, Stack, Stat, Stats, Tabs } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";

/** A fair whole number from 0 up to, not including, n. */
function random(n: number): number {
  const limit = Math.floor(2 ** 32 / n) * n;
  for (;;) {
    const [value] = crypto.getRandomValues(new Uint32Array(1));
    if (value! < limit) return value! % n;
  }
}

function Names() {
  const [names, setNames] = useValue<string[]>("names", start.names as string[]);
  const [text, setText] = useState("");
  const [picked, setPicked] = useState<string | null>(null);
  const add = () => {
    const more = text.split(",").map((t) => t.trim()).filter(Boolean);
    setNames((now) => [...now, ...more.filter((m) => !now.includes(m))]);
    setText("");
  };
  return (
    <Stack gap={24}>
      {picked && (
        <Stats>
          <Stat label="Picked" value={<span aria-live="polite">{picked}</span>} />
        </Stats>
      )}
      <Button primary icon="shuffle" disabled={names.length === 0} onClick={() => setPicked(names[random(names.length)]!)}>Pick one</Button>
      {names.length === 0 && <Empty icon="users" title="Nothing to pick from yet. Add names below." />}
      <List>
        {names.map((name) => (
          <Item key={name} title={name} trailing={<IconButton icon="trash-2" label={`Delete ${name}`} onClick={() => setNames((now) => now.filter((n) => n !== name))} />} />
        ))}
      </List>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          add();
        }}
      >
        <Stack gap={8}>
          <Input label="Add, separated by commas" value={text} onChange={setText} placeholder="Ana, Ben, Chris" />
          <Button type="submit" icon="plus">Add</Button>
        </Stack>
      </form>
    </Stack>
  );
}

function Dice() {
  const [sides, setSides] = useValue("sides", 6);
  const [count, setCount] = useValue("count", 2);
  const [rolled, setRolled] = useState<number[]>([]);
  return (
    <Stack gap={24}>
      <Segmented label="Dice" value={String(count)} options={["1", "2", "3", "4", "5", "6"]} onChange={(v) => setCount(Number(v))} />
      <Segmented label="Sides" value={String(sides)} options={["4", "6", "8", "10", "12", "20", "100"]} onChange={(v) => setSides(Number(v))} />
      <Button primary icon="dices" onClick={() => setRolled(Array.from({ length: count }, () => random(sides) + 1))}>Roll</Button>
      {rolled.length > 0 && (
        <Stats>
          <Stat label="Rolled" value={<span aria-live="polite">{rolled.join(" · ")}</span>} />
          <Stat label="Sum" value={String(rolled.reduce((a, b) => a + b, 0))} />
        </Stats>
      )}
    </Stack>
  );
}

function Coin() {
  const [side, setSide] = useState("");
  const [counts, setCounts] = useValue("coin", { Heads: 0, Tails: 0 });
  const flip = () => {
    const next = random(2) === 0 ? "Heads" : "Tails";
    setSide(next);
    setCounts((now) => ({ ...now, [next]: now[next] + 1 }));
  };
  return (
    <Stack gap={24}>
      <Button primary icon="circle-dot" onClick={flip}>Flip</Button>
      <Stats>
        <Stat label="Side" value={<span aria-live="polite">{side || "–"}</span>} />
        <Stat label="Heads" value={String(counts.Heads)} />
        <Stat label="Tails" value={String(counts.Tails)} />
      </Stats>
    </Stack>
  );
}

export default function __COMPONENT__() {
  return (
    <App title="__TITLE__">
      <Tabs labels={["Names", "Dice", "Coin"]}>
        <Names />
        <Dice />
        <Coin />
      </Tabs>
    </App>
  );
}
