import { useState } from "react";
import type { LandingDetail, UndoRequest } from "../../protocol/api.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { undo } from "../../session/store.ts";
import { Button, Segmented, Trouble } from "../../ui/controls.tsx";

type What = NonNullable<UndoRequest["what"]>;

const parts: readonly { value: What; label: string }[] = [
  { value: "both", label: "Files and data" },
  { value: "code", label: "Files only" },
  { value: "data", label: "Data only" },
];

interface Props {
  landing: LandingInfo;
  preview: LandingDetail | null; // what the undo that is looked at would do
  onPreview(detail: LandingDetail | null): void;
}

/** UndoPanel shows what taking a landing back would change, and does it. */
export function UndoPanel({ landing, preview, onPreview }: Props) {
  const [how, setHow] = useState<UndoRequest>({ what: "both" });
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const choice = (landing.data?.length ?? 0) > 0 && (landing.changes?.length ?? 0) > 0;

  const look = async (next: UndoRequest) => {
    setBusy(true);
    setFailure(null);
    setHow(next);
    try {
      onPreview(await api.undo(landing.id, { ...next, preview: true }));
    } catch (error) {
      setFailure(refusalOf(error));
      onPreview(null);
    }
    setBusy(false);
  };
  const take = async () => {
    setBusy(true);
    setFailure(await undo(landing.id, how));
    onPreview(null);
    setBusy(false);
  };
  const leave = () => {
    onPreview(null);
    setFailure(null);
    setHow({ what: "both" });
  };

  if (landing.undone_by) return <p className="hint">Undone by L{landing.undone_by}.</p>;
  if (landing.id <= 1) return null;
  if (!preview && !failure)
    return (
      <div className="landing-take">
        <Button look="undo" disabled={busy} onClick={() => void look(how)}>
          Undo…
        </Button>
      </div>
    );
  return (
    <div className="landing-take">
      {choice && <Segmented label="Take back" value={how.what ?? "both"} options={parts} onChange={(what) => void look({ what })} />}
      {failure && (
        <Trouble what="This cannot be undone as it is." why={failure.message} hint={failure.hint}>
          {failure.kind === "conflict" && !how.partial && how.what !== "data" && (
            <Button disabled={busy} onClick={() => void look({ ...how, partial: true })}>
              See which part can come back
            </Button>
          )}
          <Button look="quiet" onClick={leave}>
            Leave it
          </Button>
        </Trouble>
      )}
      {preview && (
        <div className="undo-preview" role="group" aria-label="Undo preview">
          <p>
            <b>{how.partial ? "This part can come back." : "This is what undo would change."}</b> Later changes stay.
            {preview.landing.kept?.map((k) => ` ${k}.`)}
          </p>
          <Button look="primary" disabled={busy} onClick={() => void take()}>
            {how.partial ? "Undo this part" : "Undo it"}
          </Button>
          <Button look="quiet" onClick={leave}>
            Leave it
          </Button>
        </div>
      )}
    </div>
  );
}
