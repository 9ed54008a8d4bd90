import type { Field } from "@matrixos/sdk";
import { App, Calendar } from "@matrixos/ui";

const fields: Field[] = [
  { name: "title", label: "What", required: true },
  { name: "date", label: "Day", type: "date", default: "today", required: true },
  { name: "time", label: "From", type: "time" },
  { name: "ends", label: "To", type: "time" },
  { name: "until", label: "Last day, if it takes several", type: "date" },
  { name: "repeat", type: "choice", options: ["Daily", "Weekly", "Fortnightly", "Monthly", "Yearly"] },
  { name: "place" },
  { name: "note", type: "note" },
];

export default function Dates() {
  return (
    <App title="Calendar">
      <Calendar table="events" fields={fields} date="date" time="time" end="ends" until="until" repeat="repeat" title="title" />
    </App>
  );
}
