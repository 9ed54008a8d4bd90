// The line over a window that is being recorded, and the sheet with what came of it.
import { useState } from "react";
import type { RecordingDraft } from "../../protocol/api.ts";
import type { Slug } from "../../protocol/wire.ts";
import type { Refusal } from "../../session/http.ts";
import { Button, Trouble } from "../../ui/controls.tsx";
import { count } from "../../ui/words.ts";
import { begin, done, drop, keep, useRecording } from "./recording.ts";

export function Recorder({ slug, name, afresh }: { slug: Slug; name: string; afresh(): void }) {
  const now = useRecording((s) => (s.now?.slug === slug ? s.now : null));
  if (!now) return null;
  if (now.draft) return <Sheet key={now.id} draft={now.draft} name={name} busy={now.phase === "keeping"} refusal={now.refusal} again={() => void begin(slug, afresh)} />;
  const ending = now.phase === "ending";
  return (
    <div className="record-bar" role="group" aria-label="Recording">
      <span className="record-dot" aria-hidden />
      <p role="status">
        <b>{ending ? "Doing it once more, to see that it holds…" : "Show what it has to do."}</b> {ending ? "" : now.steps === 0 ? "What you do in this window is remembered." : count(now.steps, "step")}
      </p>
      <Button look="primary" disabled={ending || now.steps === 0} onClick={done}>
        I am done
      </Button>
      <Button look="quiet" onClick={drop}>
        Forget it
      </Button>
    </div>
  );
}

function Sheet({ draft, name, busy, refusal, again }: { draft: RecordingDraft; name: string; busy: boolean; refusal: Refusal | null; again(): void }) {
  const [title, setTitle] = useState(draft.name);
  const [without, setWithout] = useState<ReadonlySet<number>>(new Set());
  const steps = draft.steps ?? [];
  const all = steps.map((s, i) => ({ ...s, i }));
  const checks = all.filter((s) => s.check);
  const left = draft.left ?? [];
  const toggle = (i: number) => setWithout((w) => new Set(w.has(i) ? [...w].filter((x) => x !== i) : [...w, i]));
  const some = checks.some((s) => !without.has(s.i));
  return (
    <section className="record-sheet" role="dialog" aria-label={`What ${name} has to do`}>
      <div className="record-body">
        <h3>What {name} has to do</h3>
        <label className="field">
          <span>Call it</span>
          <input className="input" value={title} maxLength={200} onChange={(e) => setTitle(e.target.value)} />
        </label>
        <h4>When you do this</h4>
        <ol>
          {all.filter((s) => !s.check).map((s) => (
            <li key={s.i}>
              <span className="record-words">{s.words}</span>
            </li>
          ))}
        </ol>
        <h4>{checks.length === 0 ? "Nothing was found to look for" : "It has to be so"}</h4>
        <ul className="checks">
          {checks.map((s) => (
            <li key={s.i}>
              <label>
                <input type="checkbox" checked={!without.has(s.i)} onChange={() => toggle(s.i)} /> <span className="record-words">{s.words}</span>
              </label>
            </li>
          ))}
        </ul>
        {left.length > 0 && (
          <details>
            <summary>{count(left.length, "thing")} left out</summary>
            <ul>
              {left.map((l) => (
                <li key={l}>{l}</li>
              ))}
            </ul>
          </details>
        )}
        {draft.entries > 0 && <p className="record-note">It begins with {count(draft.entries, "entry", "entries")} of yours as they were, which the contract keeps. They stay at home when you share the app.</p>}
        {draft.trouble && <Trouble what="It does not play back, so it cannot be kept." why={draft.trouble} hint="Show it once more, in other steps." />}
        {refusal && <Trouble what="It was not kept." why={refusal.message} hint={refusal.hint} />}
      </div>
      <div className="actions">
        <Button look="primary" disabled={busy || !some || Boolean(draft.trouble)} onClick={() => void keep(title, [...without])}>
          {busy ? "Trying it twice…" : "Keep"}
        </Button>
        <Button disabled={busy} onClick={again}>
          Show it again
        </Button>
        <Button look="quiet" disabled={busy} onClick={drop}>
          Forget it
        </Button>
      </div>
    </section>
  );
}
