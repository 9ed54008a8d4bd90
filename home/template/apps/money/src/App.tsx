import { bucket, bucketLabel, formatValue, locale, nextBucket, today, useRows, type Field } from "@matrixos/sdk";
import { App, Badge, Button, Chart, Empty, IconButton, Item, List, Progress, Section, Stat, Stats, Tabs, Tracker } from "@matrixos/ui";
import { useState } from "react";
import { monthOf, stand } from "./budget";

const categories = ["Groceries", "Eating out", "Home", "Transport", "Health", "Clothes", "Leisure", "Gifts", "Travel", "Income", "Other"];
const money: Field = { name: "amount", type: "money" };
const fields: Field[] = [
  { name: "what", label: "What for", required: true },
  { ...money, required: true, min: 0 },
  { name: "category", type: "choice", options: categories, default: "Groceries" },
  { name: "date", type: "date", default: "today", required: true },
  { name: "income", label: "Came in", type: "check" },
  { name: "note", type: "note" },
];
const budgetFields: Field[] = [
  { name: "category", type: "choice", options: categories.filter((c) => c !== "Income"), default: "Groceries", required: true },
  { name: "monthly", label: "Per month", type: "money", required: true, min: 0 },
];
const inWords = (n: number) => formatValue(n, money);

export default function Money() {
  const { rows } = useRows("entries");
  const [month, setMonth] = useState(bucket(today(), "month"));
  const m = monthOf(rows, month);
  const before = monthOf(rows, previous(month));
  return (
    <App title="Money" actions={<MonthPicker month={month} onChange={setMonth} />}>
      <Stats>
        <Stat label="Spent" value={inWords(m.spent)} hint={`${inWords(before.spent)} the month before`} />
        <Stat label="Came in" value={inWords(m.earned)} />
        <Stat label="Left" value={inWords(m.left)} />
      </Stats>
      <Tabs labels={["Entries", "Where it goes", "Budgets"]}>
        <Tracker table="entries" noun="entry" fields={fields} sort="-date" group={{ by: "date", every: "month" }} filters={["category"]} search title="what" empty="Nothing here yet. Add what you last paid for." />
        <Where month={month} />
        <Budgets month={month} />
      </Tabs>
    </App>
  );
}

function previous(month: string): string {
  const [y, m] = month.split("-").map(Number) as [number, number];
  return m === 1 ? `${y - 1}-12` : `${y}-${String(m - 1).padStart(2, "0")}`;
}

function MonthPicker({ month, onChange }: { month: string; onChange: (month: string) => void }) {
  return (
    <div className="mx-row" style={{ gap: 4, flexWrap: "nowrap" }}>
      <IconButton icon="chevron-left" label="Month before" onClick={() => onChange(previous(month))} />
      <span className="mx-num" aria-live="polite">{bucketLabel(month, "month", locale())}</span>
      <IconButton icon="chevron-right" label="Month after" onClick={() => onChange(nextBucket(month, "month"))} />
    </div>
  );
}

function Where({ month }: { month: string }) {
  const { rows } = useRows("entries");
  const out = rows.filter((e) => !e.income);
  if (out.length === 0) return <Empty icon="chart-no-axes-column" title="Once you have entered what you spent, you see here where it went." />;
  return (
    <Section>
      <Chart title={`By category, ${bucketLabel(month, "month", locale())}`} rows={out.filter((e) => bucket(e.date, "month") === month)} fields={fields} kind="bar" x="category" y="amount" />
      <Chart title="Spent per month" rows={out} fields={fields} kind="bar" x="date" every="month" y="amount" last={12} />
    </Section>
  );
}

function Budgets({ month }: { month: string }) {
  const { rows: budgets } = useRows("budgets");
  const { rows: entries } = useRows("entries");
  const [editing, setEditing] = useState(false);
  const m = monthOf(entries, month);
  const days = new Date(Number(month.slice(0, 4)), Number(month.slice(5)), 0).getDate();
  const day = month === bucket(today(), "month") ? Number(today().slice(8)) : days;
  if (budgets.length === 0 || editing) {
    return (
      <>
        <Tracker table="budgets" noun="budget" fields={budgetFields} sort="category" totals={["monthly"]} title="category" empty="Set aside an amount per month for a category, and see here what is left of it." />
        {budgets.length > 0 && <Button primary onClick={() => setEditing(false)}>Done</Button>}
      </>
    );
  }
  return (
    <Section title={bucketLabel(month, "month", locale())} aside={<Button onClick={() => setEditing(true)}>Change budgets</Button>}>
      <List>
        {budgets.map((b) => {
          const spent = m.byCategory.get(b.category) ?? 0;
          const s = stand(Number(b.monthly) || 0, spent, day, days);
          return <Item key={b.id} title={b.category} subtitle={<div style={{ width: "min(320px, 52vw)" }}><Progress value={spent} max={Number(b.monthly) || 0} tone={s.tone} /></div>} value={<Badge tone={s.tone}>{s.left < 0 ? `${inWords(-s.left)} over` : `${inWords(s.left)} left`}</Badge>} />;
        })}
      </List>
    </Section>
  );
}
