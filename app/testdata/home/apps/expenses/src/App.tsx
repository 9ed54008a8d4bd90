import { formatValue, sumBy, today, useRows, type Field } from "@matrixos/sdk";
import { App, Board, Calendar, Chart, Columns, Section, Stat, Stats, Tabs, Tracker } from "@matrixos/ui";

const fields: Field[] = [
  { name: "title", required: true },
  { name: "amount", type: "money", required: true, currency: "EUR", min: 0 },
  { name: "category", type: "choice", options: ["Food", "Rent", "Travel", "Fun"], default: "Food" },
  { name: "date", type: "date", default: "today" },
  { name: "paid", type: "check" },
  { name: "note", type: "note" },
];
const tasks: Field[] = [
  { name: "title", required: true },
  { name: "due", type: "date" },
  { name: "effort", type: "duration" },
  { name: "tags", type: "tags" },
];
const events: Field[] = [
  { name: "title", required: true },
  { name: "date", type: "date", default: "today" },
  { name: "time", type: "time" },
  { name: "place" },
];

export default function Expenses() {
  const { rows } = useRows("expenses");
  const month = rows.filter((r) => r.date?.slice(0, 7) === today().slice(0, 7));
  const money = (n: number) => formatValue(n, fields[1]!);
  return (
    <App title="Expenses">
      <Stats>
        <Stat label="This month" value={money(sumBy(month, "amount"))} hint={`${month.length} expenses`} />
        <Stat label="All" value={money(sumBy(rows, "amount"))} />
        <Stat label="Average" value={money(rows.length ? sumBy(rows, "amount") / rows.length : 0)} />
      </Stats>
      <Tabs labels={["List", "Chart", "Board", "Calendar"]}>
        <Tracker table="expenses" noun="expense" fields={fields} sort="-date" group={{ by: "date", every: "month" }} totals={["amount"]} filters={["category"]} search />
        <Section>
          <Chart title="Per month" table="expenses" fields={fields} kind="bar" x="date" every="month" y="amount" />
          <Columns min={320}>
            <Chart title="By category" table="expenses" fields={fields} kind="pie" x="category" y="amount" />
            <Chart title="Largest" table="expenses" fields={fields} kind="bar" x="category" y="amount" />
          </Columns>
          <Chart title="Per week and category" table="expenses" fields={fields} kind="bar" x="date" every="week" y="amount" series="category" />
          <Chart title="Over time" table="expenses" fields={fields} kind="area" x="date" every="week" y="amount" />
        </Section>
        <Board table="tasks" fields={tasks} column="status" columns={["To do", "Doing", "Done"]} title="title" noun="task" />
        <Calendar table="events" fields={events} date="date" time="time" title="title" />
      </Tabs>
    </App>
  );
}
