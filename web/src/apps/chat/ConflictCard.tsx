import { useState } from "react";
import type { Context } from "../../commands/registry.ts";
import type { ConflictChoice, ConflictInfo } from "../../protocol/wire.ts";
import { resolve } from "../../session/store.ts";
import { Button } from "../../ui/controls.tsx";
import { count } from "../../ui/words.ts";

/** ConflictCard stands where a landing card would, had the work not been refused. */
export function ConflictCard({ conflict: c, context }: { conflict: ConflictInfo; context(): Context }) {
  const [busy, setBusy] = useState(false);
  const files = c.files ?? [];
  const decide = async (choice: ConflictChoice) => {
    setBusy(true);
    await resolve(c.id, { choice });
    setBusy(false);
  };
  if (c.state === "settled") {
    if (c.landing) return null; // its landing card says it
    return <p className="settled">{c.title} was refused, and let go.</p>;
  }
  return (
    <section className="landing-card refused" aria-label={`Refused: ${c.title}`}>
      <header>
        <h3>{c.title}</h3>
      </header>
      <p className="landing-facts">
        Not landed: {count(files.length, "file was", "files were")} changed by somebody else in the same places. The work is kept until you decide.
      </p>
      <ul className="landing-files">
        {files.slice(0, 4).map((f) => (
          <li key={f.path} className="mono">
            {f.path}
          </li>
        ))}
        {files.length > 4 && <li className="more">and {files.length - 4} more</li>}
      </ul>
      <div className="landing-actions">
        <Button onClick={() => context().desk.openProgram("history", `conflict:${c.id}`)}>Look at both sides</Button>
        <Button look="quiet" disabled={busy} onClick={() => void decide("ours")}>
          Keep mine
        </Button>
        <Button look="quiet" disabled={busy} onClick={() => void decide("theirs")}>
          Take theirs
        </Button>
      </div>
    </section>
  );
}
