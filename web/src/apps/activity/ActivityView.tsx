import { useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { Segmented } from "../../ui/controls.tsx";
import { Processes } from "./Processes.tsx";
import { Repairs } from "./Repairs.tsx";
import { ScheduleView } from "./ScheduleView.tsx";
import { SpendingView } from "./SpendingView.tsx";
import "./activity.css";

type Face = "processes" | "schedule" | "spending" | "repairs";

const faces: readonly { value: Face; label: string }[] = [
  { value: "processes", label: "Processes" },
  { value: "schedule", label: "Schedule" },
  { value: "spending", label: "Spending" },
  { value: "repairs", label: "Repairs" },
];

const faceOf = (arg?: string): Face => faces.find((f) => f.value === arg)?.value ?? "processes";

/** ActivityView is what runs, what will run, and what it costs. */
export default function ActivityView(props: ProgramProps) {
  const [face, setFace] = useState(() => faceOf(props.arg));
  const [seenArg, setSeenArg] = useState(props.arg);
  if (props.arg !== seenArg) {
    setSeenArg(props.arg);
    if (props.arg) setFace(faceOf(props.arg));
  }
  return (
    <div className="faced">
      <nav className="faces" aria-label="Activity">
        <Segmented<Face> label="Show" value={face} options={faces} onChange={setFace} />
      </nav>
      {face === "processes" && <Processes context={props.context} />}
      {face === "schedule" && <ScheduleView />}
      {face === "repairs" && <Repairs context={props.context} />}
      {face === "spending" && <SpendingView {...props} />}
    </div>
  );
}
