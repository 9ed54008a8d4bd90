import { useValue } from "@matrixos/sdk";
import { App, Button, Empty, IconButton, Input, Item, List, Skeleton, Stack, useToast } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";

interface Counter {
  id: string;
  name: string;
  count: number;
}

const first: Counter[] = (start.names as string[]).map((name, i) => ({ id: `start-${i}`, name, count: 0 }));

export default function __COMPONENT__() {
  const [counters, setCounters, loaded] = useValue<Counter[]>("counters", first);
  const [name, setName] = useState("");
  const toast = useToast();
  const count = (id: string, by: number) => setCounters((now) => now.map((c) => (c.id === id ? { ...c, count: c.count + by } : c)));
  const remove = (counter: Counter) => {
    setCounters((now) => now.filter((c) => c.id !== counter.id));
    toast(`${counter.name} deleted.`, { label: "Undo", run: () => setCounters((now) => [...now, counter]) });
  };
  const reset = (counter: Counter) => {
    count(counter.id, -counter.count);
    toast(`${counter.name} is back at 0.`, { label: "Undo", run: () => count(counter.id, counter.count) });
  };
  if (!loaded) return <App title="__TITLE__"><Skeleton lines={4} /></App>;
  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        {counters.length === 0 && <Empty icon="circle-plus" title="Nothing to count yet. Name something below." />}
        <List>
          {counters.map((c) => (
            <Item
              key={c.id}
              title={c.name}
              value={<span aria-live="polite">{c.count}</span>}
              trailing={
                <Stack row gap={4}>
                  <IconButton icon="minus" label={`One less ${c.name}`} onClick={() => count(c.id, -1)} />
                  <IconButton icon="plus" label={`One more ${c.name}`} onClick={() => count(c.id, 1)} />
                  <IconButton icon="rotate-ccw" label={`Reset ${c.name}`} onClick={() => reset(c)} />
                  <IconButton icon="trash-2" label={`Delete ${c.name}`} onClick={() => remove(c)} />
                </Stack>
              }
            />
          ))}
        </List>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (!name.trim()) return;
            setCounters((now) => [...now, { id: crypto.randomUUID(), name: name.trim(), count: 0 }]);
            setName("");
          }}
        >
          <Stack gap={8}>
            <Input label="New counter" value={name} onChange={setName} placeholder="Coffees" />
            <Button primary type="submit" icon="plus">Add counter</Button>
          </Stack>
        </form>
      </Stack>
    </App>
  );
}
