import { useEffect, useState } from "react";
import type { LandingDetail } from "../../protocol/api.ts";
import type { Provenance } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { useSession } from "../../session/store.ts";
import { Skeleton, Trouble } from "../../ui/controls.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { costText, exact } from "../../ui/words.ts";
import { who } from "./moments.ts";
import { UndoPanel } from "./UndoPanel.tsx";

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

  const files = (preview ?? detail)?.files ?? [];
  const left = preview?.files?.filter((f) => f.left) ?? [];
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
      <UndoPanel landing={landing} preview={preview} onPreview={setPreview} />
      {!detail ? <Skeleton lines={6} /> : files.filter((f) => f.patch !== "" || !f.left).map((f) => <Diff key={f.path} file={f} />)}
      {left.length > 0 && (
        <section aria-label="What stays">
          <h3 className="landing-stays">This of the change stays, because later changes build on it</h3>
          {left.map((f) => (
            <Diff key={f.path} file={{ path: f.path, op: "modified", patch: f.left }} />
          ))}
        </section>
      )}
    </article>
  );
}
