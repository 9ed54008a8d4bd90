import { useEffect, useState } from "react";
import type { BackupRun, BackupStatus } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { attempt } from "../../session/store.ts";
import { Button, Trouble } from "../../ui/controls.tsx";
import { Codes } from "../../ui/Codes.tsx";
import { ago } from "../../ui/words.ts";

/** BackupSection says when the home was last backed up and tried, and backs it up. */
export function BackupSection() {
  const [status, setStatus] = useState<BackupStatus | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let here = true;
    api.backup().then(
      (s) => here && setStatus(s),
      (e: unknown) => here && setFailure(refusalOf(e)),
    );
    return () => {
      here = false;
    };
  }, []);
  const run = async () => {
    setBusy(true);
    await attempt("There is no new backup", () => api.backUp());
    const now = await attempt("The backups did not load", () => api.backup());
    if (now) setStatus(now);
    setBusy(false);
  };
  if (failure) return <Trouble what="How the backups are is not known." why={failure.message} hint={failure.hint} />;
  if (!status) return null;
  return (
    <section className="storage-backup">
      <h3>Backup</h3>
      {backupText(status).map((line) => (
        <p key={line}>
          <Codes text={line} />
        </p>
      ))}
      {status.dest !== "" && (
        <div className="storage-take">
          <Button disabled={busy} onClick={() => void run()}>
            Back up now
          </Button>
          {busy && (
            <span className="hint" role="status">
              Backing up…
            </span>
          )}
        </div>
      )}
    </section>
  );
}

/** backupText says how the backups are, in sentences. */
export function backupText(s: Omit<BackupStatus, "endpoint">, now = Date.now()): string[] {
  if (s.dest === "") return ["No place for backups is chosen, so a lost disk loses this home. `matrixos backup init DEST` chooses a folder or a store."];
  const when = (run: BackupRun | undefined, never: string, done: string) => (run?.ok ? `${done} ${ago(run.ended, now)}.` : never);
  const lines = [
    `To ${s.dest}. ${when(s.last_backup, "No backup was made yet.", "Last backup")} ${when(s.last_drill, "It was not tried yet whether it can be restored.", "Last restored for trial")}`,
  ];
  if (s.failed) lines.push(`The run ${ago(s.failed.ended, now)} did not work: ${s.failed.text}`);
  return lines;
}
