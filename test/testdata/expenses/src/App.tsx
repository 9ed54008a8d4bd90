import type { Field } from "@matrixos/sdk";
import { App, Chart, Tracker } from "@matrixos/ui";

const fields: Field[] = [
  { name: "amount", type: "money", required: true },
  { name: "category", type: "choice", options: ["Food", "Home", "Travel"] },
  { name: "date", type: "date", default: "today" },
];

export default function Expenses() {
  return (
    <App title="Expenses">
      <Chart table="expenses" kind="bar" x="date" every="month" y="amount" title="Amount per month" />
      <Tracker table="expenses" noun="expense" fields={fields} sort="-date" totals={["amount"]} />
    </App>
  );
}
