import { useEffect, useState } from "react";
import type { LandingDetail } from "../../protocol/api.ts";
import type { Provenance } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { undo, useSession } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { costText, exact } from "../../ui/words.ts";
import { who } from "./moments.ts";

const integrity = ["only your own words", "what apps hold", "untrusted text"];

function facts(p: Provenance): [string, string][] {
  const out: [string, string][] = [];
  if (p.process) out.push(["Process", `${p.process}${p.parent ? `, started by ${p.parent}` : ""}`]);
  if (p.model) out.push(["Model", p.model]);
  if (p.cost) out.push(["Cost", costText(p.cost)]);
  if (p.restores) out.push(["Brings back", `L${p.restores}`]);
  if (p.verified) out.push(["Checked", p.verified === "browser" ? "in a browser" : "it compiles"]);
  if (p.label) out.push(["Has read", integrity[p.label.integrity] ?? "untrusted text"]);
  return out;
}

export function LandingView({ id }: { id: number }) {
  const current = useSession((s) => s.landings.find((l) => l.id === id));
  const ask = useSession((s) => {
    const request = s.landings.find((l) => l.id === id)?.provenance.request;
    if (!request) return undefined;
    return Object.values(s.talks).flatMap((t) => t.doc.turns).find((t) => t.request === request)?.ask.text;
  });
  const [detail, setDetail] = useState<LandingDetail | null>(null);
  const [preview, setPreview] = useState<LandingDetail | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let here = true;
    api.landing(id).then(
      (d) => here && setDetail(d),
      (e: unknown) => here && setFailure(refusalOf(e)),
    );
    return () => {
      here = false;
    };
  }, [id]);

  const landing = current ?? detail?.landing;
  if (failure && !detail) return <Trouble what={`L${id} did not load.`} why={failure.message} hint={failure.hint} />;
  if (!landing) return <Skeleton lines={6} />;

  const look = async () => {
    setBusy(true);
    setFailure(null);
    try {
      setPreview(await api.undo(id, true));
    } catch (error) {
      setFailure(refusalOf(error));
    }
    setBusy(false);
  };
  const take = async () => {
    setBusy(true);
    setFailure(await undo(id));
    setPreview(null);
    setBusy(false);
  };
  const files = (preview ?? detail)?.files ?? [];
  return (
    <article className="landing">
      <header>
        <h2>{landing.title}</h2>
        <p className="hint num">
          <span className="mono">L{landing.id}</span> · {who(landing)} · <time dateTime={landing.time}>{exact(landing.time)}</time>
        </p>
      </header>
      {ask && <blockquote className="landing-why">{ask}</blockquote>}
      <dl className="landing-provenance">
        {facts(landing.provenance).map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
      {failure && <Trouble what="This cannot be undone as it is." why={failure.message} hint={failure.hint} />}
      <div className="landing-take">
        {landing.undone_by ? (
          <p className="hint">Undone by L{landing.undone_by}.</p>
        ) : preview ? (
          <div className="undo-preview" role="group" aria-label="Undo preview">
            <p>
              <b>This is what undo would change.</b> Later changes stay.
            </p>
            <Button look="primary" disabled={busy} onClick={() => void take()}>
              Undo it
            </Button>
            <Button look="quiet" onClick={() => setPreview(null)}>
              Leave it
            </Button>
          </div>
        ) : (
          landing.id > 1 && (
            <Button look="undo" disabled={busy} onClick={() => void look()}>
              Undo…
            </Button>
          )
        )}
      </div>
      {!detail ? <Skeleton lines={6} /> : files.map((f) => <Diff key={f.path} file={f} />)}
    </article>
  );
}
