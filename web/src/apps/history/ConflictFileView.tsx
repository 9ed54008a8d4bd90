import { useState } from "react";
import type { ConflictAnswer, ConflictFile, ConflictSide } from "../../protocol/api.ts";
import { Button } from "../../ui/controls.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { bytes } from "../../ui/words.ts";
import { base64 } from "./moments.ts";

const decided = { ours: "Yours stays.", theirs: "Theirs is taken.", both: "Both are kept.", file: "Your own version is taken." };

interface Props {
  file: ConflictFile;
  by: string; // who was refused
  busy: boolean;
  onDecide(answer: ConflictAnswer): void;
}

/** ConflictFileView is one file of a conflict: both sides, and the choices. */
export function ConflictFileView({ file, by, busy, onDecide }: Props) {
  const [text, setText] = useState<string | null>(null);
  const writable = !file.binary && (file.ours.text !== undefined || !file.ours.exists);
  return (
    <section className="conflict-file" aria-label={file.path}>
      <h3 className="mono">{file.path}</h3>
      <div className="conflict-sides">
        <Side name="In your home now" path={file.path} side={file.ours} patch={file.ours_patch} binary={file.binary} />
        <Side name={`What ${by} wanted`} path={file.path} side={file.theirs} patch={file.theirs_patch} binary={file.binary} />
      </div>
      {file.choice && <p className="hint">{decided[file.choice]} Choose again to change your mind.</p>}
      <div className="conflict-take">
        <Button disabled={busy} aria-pressed={file.choice === "ours"} onClick={() => onDecide({ choice: "ours" })}>
          Keep mine
        </Button>
        <Button disabled={busy} aria-pressed={file.choice === "theirs"} onClick={() => onDecide({ choice: "theirs" })}>
          Take theirs
        </Button>
        {file.ours.exists && file.theirs.exists && (
          <Button disabled={busy} aria-pressed={file.choice === "both"} title="Theirs is put beside yours under a second name" onClick={() => onDecide({ choice: "both" })}>
            Keep both
          </Button>
        )}
        {writable && text === null && (
          <Button look="quiet" disabled={busy} onClick={() => setText(file.ours.text ?? file.theirs.text ?? "")}>
            Write it myself…
          </Button>
        )}
      </div>
      {text !== null && (
        <div className="conflict-own">
          <textarea className="input mono" aria-label={`Your version of ${file.path}`} rows={Math.min(18, text.split("\n").length + 2)} value={text} spellCheck={false} onChange={(e) => setText(e.target.value)} />
          <div className="conflict-take">
            <Button look="primary" disabled={busy} onClick={() => onDecide({ choice: "file", content: base64(text) })}>
              Take this version
            </Button>
            <Button look="quiet" onClick={() => setText(null)}>
              Leave it
            </Button>
          </div>
        </div>
      )}
    </section>
  );
}

function Side({ name, path, side, patch, binary }: { name: string; path: string; side: ConflictSide; patch: string; binary: boolean }) {
  return (
    <div className="conflict-side">
      <h4>{name}</h4>
      {!side.exists ? <p className="hint">The file is not there.</p> : binary ? <p className="hint">Not a text file, {bytes(side.size)}.</p> : <Diff file={{ path, op: "modified", patch }} />}
    </div>
  );
}
