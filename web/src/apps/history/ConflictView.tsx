import { useEffect, useState } from "react";
import type { ConflictAnswer, ConflictDetail } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { letGo, notify, resolve, useSession } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { exact } from "../../ui/words.ts";
import { ConflictFileView } from "./ConflictFileView.tsx";
import type { Place } from "./moments.ts";

/** ConflictView shows both sides of refused work and takes the owner's choice, file by file or at once. */
export function ConflictView({ id, onSettled }: { id: string; onSettled(place: Place): void }) {
  const stamp = useSession((s) => {
    const c = s.conflicts.find((x) => x.id === id);
    return c && `${c.met} ${c.state} ${c.files?.map((f) => f.choice ?? "").join()}`;
  });
  const [detail, setDetail] = useState<ConflictDetail | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let here = true;
    api.conflict(id).then(
      (d) => here && setDetail(d),
      (e: unknown) => here && setFailure(refusalOf(e)),
    );
    return () => {
      here = false;
    };
  }, [id, stamp]);

  if (failure && !detail) return <Trouble what="This is not there any more." why={failure.message} hint={failure.hint} />;
  if (!detail) return <Skeleton lines={6} />;
  const { conflict } = detail;
  const files = detail.files ?? [];
  const by = conflict.provenance.remote ? "Another device" : (conflict.provenance.program ?? "An agent");
  const open = files.filter((f) => !f.choice);

  const decide = async (answer: ConflictAnswer) => {
    setBusy(true);
    const done = await resolve(id, answer);
    setBusy(false);
    if (done?.conflict.state !== "settled") return;
    notify({ level: "info", title: done.landing ? "Decided: it has landed" : "Decided: your files stay as they are", text: done.landing && `Undo L${done.landing.id} takes that back.` });
    onSettled(done.landing?.id ?? null);
  };
  const drop = async () => {
    setBusy(true);
    if (await letGo(id)) onSettled(null);
    setBusy(false);
  };
  return (
    <article className="conflict">
      <header>
        <h2>{conflict.title}</h2>
        <p className="hint num">
          {by} · {conflict.base !== 0 && `made on L${conflict.base}, `}met L{conflict.met} · <time dateTime={conflict.time}>{exact(conflict.time)}</time>
        </p>
      </header>
      {conflict.state === "settled" ? (
        <p className="hint">{conflict.landing ? `This has landed as L${conflict.landing}.` : "This was let go. Your files stayed as they were."}</p>
      ) : conflict.state === "retrying" ? (
        <p>{by} is trying again. Wait for it, or stop it in Activity.</p>
      ) : (
        <>
          <p>
            The same places had been changed in the meantime, so nothing was taken over. Nothing is lost either: say what {files.length === 1 ? "this file is" : "these files are"} to become
            {(conflict.changes?.length ?? 0) > files.length && ", and the rest of the work lands with it"}.
          </p>
          <div className="conflict-take">
            {open.length > 1 && (
              <>
                <Button disabled={busy} onClick={() => void decide({ choice: "ours" })}>
                  Keep all of mine
                </Button>
                <Button disabled={busy} onClick={() => void decide({ choice: "theirs" })}>
                  Take all of theirs
                </Button>
              </>
            )}
            <Button look="loss" disabled={busy} onClick={() => void drop()}>
              Let the work go
            </Button>
          </div>
        </>
      )}
      {files.map((f) => (
        <ConflictFileView key={f.path} file={f} by={by} busy={busy || conflict.state !== "waiting"} onDecide={(a) => void decide({ ...a, path: f.path })} />
      ))}
    </article>
  );
}
