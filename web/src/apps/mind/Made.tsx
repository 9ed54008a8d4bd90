import type { ProgramProps } from "../../desktop/program.ts";
import { perform } from "../../commands/all.ts";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { attempt, notify } from "../../session/store.ts";
import { Button } from "../../ui/controls.tsx";
import { ago, exact } from "../../ui/words.ts";

type Origin = Schemas["Origin"];

/** madeText says whose work something is. */
export function madeText(o: Origin): string {
  switch (o.by) {
    case "shipped":
      return "came with Matrix OS";
    case "owner":
      return "yours";
    case "system":
      return `written by ${o.program || "an agent"}`;
  }
}

/** provedText says what a trial had to show before the work was adopted. */
export function provedText({ trial }: Origin): string[] {
  if (!trial) return [];
  return [
    `Passed its trial: “${trial.task}”`,
    ...(trial.says?.length ? [`the answer says ${trial.says.map((s) => `“${s}”`).join(", ")}`] : []),
    ...(trial.files?.length ? [`it writes ${trial.files.join(", ")}`] : []),
    ...(trial.never?.length ? [`it never tries ${trial.never.join(", ")}`] : []),
  ];
}

export function Made({ made }: { made: Origin }) {
  const proof = provedText(made);
  return (
    <>
      <p className="hint">
        <i className={`dot ${made.by === "system" ? "agent" : made.by === "owner" ? "owner" : ""}`} aria-hidden /> {madeText(made)}
        {made.time && made.by !== "shipped" && (
          <>
            {" "}
            <time dateTime={made.time} title={exact(made.time)}>
              {ago(made.time)}
            </time>
          </>
        )}
      </p>
      {proof.length > 0 && <p className="hint">{proof.join("; ")}.</p>}
    </>
  );
}

interface ActsProps {
  name: string;
  path: string;
  made: Origin;
  context: ProgramProps["context"];
  onGone(): Promise<void>;
}

/** Acts open the file, and take back what the system wrote. */
export function Acts({ name, path, made, context, onGone }: ActsProps) {
  const refuse = async () => {
    const done = await attempt(`${name} is still used`, () => api.removeFile(path).then(() => true));
    if (!done) return;
    notify({ level: "info", title: `${name} is not used any more`, text: "Undo brings it back.", action: { label: "Show history", command: "go.history" } });
    await onGone();
  };
  return (
    <div className="entry-acts">
      <Button aria-label={`Open ${name}`} onClick={() => context().desk.openProgram("files", path)}>
        Open
      </Button>
      {made.by === "system" && made.landing !== undefined && (
        <Button look="quiet" aria-label={`Show the change that made ${name}`} onClick={() => perform("go.history", context(), String(made.landing))}>
          Show change
        </Button>
      )}
      {made.by !== "shipped" && (
        <Button look="loss" aria-label={`Remove ${name}`} onClick={() => void refuse()}>
          Remove
        </Button>
      )}
    </div>
  );
}
