import { today, useValue, type Field } from "@matrixos/sdk";
import { App, Badge, Button, Empty, Form, IconButton, Item, List, Section, Skeleton, Stack, Stat, Stats, Tabs, useToast } from "@matrixos/ui";
import { useState } from "react";
import { answered, due, shuffled, type Card } from "./boxes";
import start from "./start.json";

const first: Card[] = (start.cards as { front: string; back: string }[]).map((c, i) => ({ ...c, id: `start-${i}`, box: 1, due: "" }));
const fields: Field[] = [
  { name: "front", label: "Question", required: true },
  { name: "back", label: "Answer", required: true },
];

type Change = (next: (now: Card[]) => Card[]) => void;

function Learn({ cards, change }: { cards: Card[]; change: Change }) {
  const [shown, setShown] = useState(false);
  const open = due(cards);
  const card = open[0];
  const answer = (known: boolean) => {
    setShown(false);
    change((now) => now.map((c) => (c.id === card!.id ? answered(c, known) : c)));
  };
  if (!card) return <Empty icon="party-popper" title={cards.length === 0 ? "No cards yet. Add some in the third tab." : "Nothing to repeat today. Come back tomorrow."} />;
  return (
    <Stack gap={24}>
      <Section title={card.front} aside={<Badge>{`Box ${card.box}`}</Badge>}>
        {shown ? <p aria-live="polite">{card.back}</p> : <Button primary onClick={() => setShown(true)}>Show answer</Button>}
      </Section>
      {shown && (
        <Stack row gap={8}>
          <Button primary icon="check" onClick={() => answer(true)}>I knew it</Button>
          <Button icon="x" onClick={() => answer(false)}>Not yet</Button>
        </Stack>
      )}
      <Stats>
        <Stat label="To repeat" value={String(open.length)} />
        <Stat label="Cards" value={String(cards.length)} />
        <Stat label="In the last box" value={String(cards.filter((c) => c.box === 5).length)} />
      </Stats>
    </Stack>
  );
}

interface Round {
  order: Card[];
  choices: string[][];
  at: number;
  right: number;
  picked: string | null;
}

function newRound(cards: Card[]): Round {
  const order = shuffled(cards).slice(0, 10);
  const choices = order.map((card) => {
    const others = shuffled([...new Set(cards.map((c) => c.back))].filter((b) => b !== card.back)).slice(0, 3);
    return shuffled([card.back, ...others]);
  });
  return { order, choices, at: 0, right: 0, picked: null };
}

function Quiz({ cards, change }: { cards: Card[]; change: Change }) {
  const [round, setRound] = useState<Round | null>(null);
  const [record, setRecord] = useValue("record", 0);
  if (cards.length < 4) return <Empty icon="circle-help" title="A quiz needs at least four cards." />;
  if (!round) {
    return (
      <Stack gap={16}>
        <Stats>
          <Stat label="Best score" value={`${record} %`} />
        </Stats>
        <Button primary icon="play" onClick={() => setRound(newRound(cards))}>Start the quiz</Button>
      </Stack>
    );
  }
  const card = round.order[round.at];
  if (!card) {
    const score = Math.round((round.right / round.order.length) * 100);
    return (
      <Stack gap={16}>
        <Stats>
          <Stat label="Score" value={`${round.right} of ${round.order.length}`} />
          <Stat label="Best score" value={`${Math.max(record, score)} %`} />
        </Stats>
        <Button primary icon="rotate-ccw" onClick={() => setRound(newRound(cards))}>Once more</Button>
      </Stack>
    );
  }
  const pick = (choice: string) => {
    if (round.picked !== null) return;
    const known = choice === card.back;
    setRound({ ...round, picked: choice, right: round.right + (known ? 1 : 0) });
    change((now) => now.map((c) => (c.id === card.id ? answered(c, known) : c)));
  };
  const next = () => {
    const at = round.at + 1;
    if (at === round.order.length) setRecord(Math.max(record, Math.round((round.right / round.order.length) * 100)));
    setRound({ ...round, at, picked: null });
  };
  return (
    <Section title={card.front} aside={<Badge>{`${round.at + 1} of ${round.order.length}`}</Badge>}>
      <Stack gap={8}>
        {round.choices[round.at]!.map((choice) => (
          <Button key={choice} primary={round.picked !== null && choice === card.back} danger={round.picked === choice && choice !== card.back} onClick={() => pick(choice)}>
            {choice}
          </Button>
        ))}
        <p aria-live="polite">{round.picked === null ? "\u00a0" : round.picked === card.back ? "Right." : `It is ${card.back}.`}</p>
        {round.picked !== null && <Button icon="arrow-right" onClick={next}>Next</Button>}
      </Stack>
    </Section>
  );
}

function Cards({ cards, change }: { cards: Card[]; change: Change }) {
  const [round, setRound] = useState(0);
  const toast = useToast();
  const remove = (card: Card) => {
    change((now) => now.filter((c) => c.id !== card.id));
    toast(`${card.front} deleted.`, { label: "Undo", run: () => change((now) => [...now, card]) });
  };
  return (
    <Stack gap={24}>
      <Form
        key={round}
        fields={fields}
        saveLabel="Add card"
        onSave={async (value) => {
          change((now) => [...now, { id: crypto.randomUUID(), front: value.front, back: value.back, box: 1, due: today() }]);
          setRound(round + 1);
        }}
      />
      <List>
        {cards.map((card) => (
          <Item key={card.id} title={card.front} subtitle={card.back} value={`Box ${card.box}`} trailing={<IconButton icon="trash-2" label={`Delete ${card.front}`} onClick={() => remove(card)} />} />
        ))}
      </List>
    </Stack>
  );
}

export default function __COMPONENT__() {
  const [cards, change, loaded] = useValue<Card[]>("cards", first);
  return (
    <App title="__TITLE__">
      {loaded ? (
        <Tabs labels={["Learn", "Quiz", "Cards"]}>
          <Learn cards={cards} change={change} />
          <Quiz cards={cards} change={change} />
          <Cards cards={cards} change={change} />
        </Tabs>
      ) : (
        <Skeleton lines={5} />
      )}
    </App>
  );
}
