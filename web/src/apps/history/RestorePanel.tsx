import { useEffect, useState } from "react";
import type { RestoreDetail } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { notify } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { count } from "../../ui/words.ts";

interface Props {
  path: string; // "" is the whole home
  at: number;
  onClose(): void;
}

const shown = 12; // files with their diffs; a restore of everything may have thousands

/** RestorePanel shows what bringing a file or folder back would change, and does it. */
export function RestorePanel({ path, at, onClose }: Props) {
  const [detail, setDetail] = useState<RestoreDetail | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const what = path === "" ? "Everything" : path;

  useEffect(() => {
    let here = true;
    api.restore(path, `L${at}`, true).then(
      (d) => here && setDetail(d),
      (e: unknown) => here && setFailure(refusalOf(e)),
    );
    return () => {
      here = false;
    };
  }, [path, at]);

  const take = async () => {
    setBusy(true);
    try {
      const done = await api.restore(path, `L${at}`, false);
      notify({
        level: "info",
        title: `${what} is back as of L${at}`,
        text: `${count(done.files?.length ?? 0, "file")} changed. Undo L${done.landing.id} takes that back.`,
        action: { label: "Show the change", command: "go.history", arg: String(done.landing.id) },
      });
      onClose();
    } catch (error) {
      setFailure(refusalOf(error));
      setBusy(false);
    }
  };

  if (failure)
    return (
      <Trouble what={`${what} stays as it is.`} why={failure.message} hint={failure.hint}>
        <Button onClick={onClose}>All right</Button>
      </Trouble>
    );
  if (!detail) return <Skeleton lines={3} />;
  const files = detail.files ?? [];
  return (
    <section className="restore" aria-label="Restore preview">
      <div className="undo-preview" role="group" aria-label="Restore">
        <p>
          <b>{count(files.length, "file")} would change.</b> What is there now stays in the history.
          {(detail.skipped?.length ?? 0) > 0 && ` ${count(detail.skipped?.length ?? 0, "file")} not versioned any more, left as they are.`}
        </p>
        <Button look="primary" disabled={busy} onClick={() => void take()}>
          Restore
        </Button>
        <Button look="quiet" onClick={onClose}>
          Leave it
        </Button>
      </div>
      {files.slice(0, shown).map((f) => (
        <Diff key={f.path} file={f} />
      ))}
      {files.length > shown && <p className="hint">and {count(files.length - shown, "more file")}</p>}
    </section>
  );
}
