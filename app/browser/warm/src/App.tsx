import type { Field } from "@matrixos/sdk";
import { App, Tracker } from "@matrixos/ui";

const fields: Field[] = [
  { name: "name", label: "Name", required: true },
  { name: "day", label: "Day", type: "date" },
];

export default function Warm() {
  return (
    <App title="Warm">
      <Tracker table="things" noun="thing" fields={fields} title="name" sort="-day" />
    </App>
  );
}
