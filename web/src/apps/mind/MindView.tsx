import { useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { Segmented } from "../../ui/controls.tsx";
import { Agents } from "./Agents.tsx";
import { Memories } from "./Memories.tsx";
import { Skills } from "./Skills.tsx";

type Face = "memory" | "agents" | "skills";

const faces: readonly { value: Face; label: string }[] = [
  { value: "memory", label: "Memory" },
  { value: "agents", label: "Agents" },
  { value: "skills", label: "Skills" },
];

const faceOf = (arg?: string): Face => faces.find((f) => f.value === arg)?.value ?? "memory";

/** MindView is what the system remembers, who works in it, and what they have learnt. */
export default function MindView(props: ProgramProps) {
  const [face, setFace] = useState(() => faceOf(props.arg));
  return (
    <div className="faced">
      <nav className="faces" aria-label="Mind">
        <Segmented<Face> label="Show" value={face} options={faces} onChange={setFace} />
      </nav>
      {face === "memory" && <Memories />}
      {face === "agents" && <Agents {...props} />}
      {face === "skills" && <Skills {...props} />}
    </div>
  );
}
