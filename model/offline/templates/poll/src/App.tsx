import { useValue } from "@matrixos/sdk";
import { App, Button, Empty, IconButton, Input, Progress, Section, Skeleton, Stack, Stat, Stats, useToast } from "@matrixos/ui";
import { useState } from "react";
import start from "./start.json";

interface Option {
  id: string;
  text: string;
  votes: number;
}
interface Poll {
  question: string;
  options: Option[];
}

const first: Poll = { question: start.question, options: (start.options as string[]).map((text, i) => ({ id: `start-${i}`, text, votes: 0 })) };

export default function __COMPONENT__() {
  const [poll, setPoll, loaded] = useValue<Poll>("poll", first);
  const [text, setText] = useState("");
  const toast = useToast();
  if (!loaded) return <App title="__TITLE__"><Skeleton lines={5} /></App>;

  const total = poll.options.reduce((sum, o) => sum + o.votes, 0);
  const most = Math.max(0, ...poll.options.map((o) => o.votes));
  const count = (id: string, by: number) => setPoll((now) => ({ ...now, options: now.options.map((o) => (o.id === id ? { ...o, votes: Math.max(0, o.votes + by) } : o)) }));
  const vote = (option: Option) => {
    count(option.id, 1);
    toast(`Voted for ${option.text}.`, { label: "Undo", run: () => count(option.id, -1) });
  };
  const add = () => {
    if (!text.trim()) return;
    setPoll((now) => ({ ...now, options: [...now.options, { id: crypto.randomUUID(), text: text.trim(), votes: 0 }] }));
    setText("");
  };
  const remove = (option: Option) => {
    setPoll((now) => ({ ...now, options: now.options.filter((o) => o.id !== option.id) }));
    toast(`${option.text} deleted.`, { label: "Undo", run: () => setPoll((now) => ({ ...now, options: [...now.options, option] })) });
  };

  return (
    <App title="__TITLE__">
      <Stack gap={24}>
        <Input label="Question" value={poll.question} onChange={(question) => setPoll((now) => ({ ...now, question }))} placeholder="Where do we eat?" />
        {poll.options.length === 0 && <Empty icon="vote" title="No options yet. Add two or more below." />}
        <Stack gap={16}>
          {poll.options.map((option) => (
            <Section
              key={option.id}
              title={option.text}
              aside={
                <Stack row gap={8}>
                  <Button primary={option.votes === most && most > 0} onClick={() => vote(option)} aria-label={`Vote for ${option.text}`}>Vote</Button>
                  <IconButton icon="trash-2" label={`Delete ${option.text}`} onClick={() => remove(option)} />
                </Stack>
              }
            >
              <Progress value={option.votes} max={Math.max(1, total)} label={`${option.votes} of ${total}${total > 0 ? `, ${Math.round((option.votes / total) * 100)} %` : ""}`} />
            </Section>
          ))}
        </Stack>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            add();
          }}
        >
          <Stack gap={8}>
            <Input label="New option" value={text} onChange={setText} placeholder="Pizza" />
            <Button type="submit" icon="plus">Add option</Button>
          </Stack>
        </form>
        <Stack row gap={16}>
          <Stats>
            <Stat label="Votes" value={String(total)} />
          </Stats>
          {total > 0 && <Button quiet onClick={() => {
            const before = poll;
            setPoll({ ...poll, options: poll.options.map((o) => ({ ...o, votes: 0 })) });
            toast("Votes cleared.", { label: "Undo", run: () => setPoll(before) });
          }}>Clear votes</Button>}
        </Stack>
      </Stack>
    </App>
  );
}
