import { ShieldCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { perform } from "../../commands/all.ts";
import { context } from "../../desktop/store.ts";
import { useDeals, type Deal } from "../../session/deals.ts";
import { Refusal } from "../../session/http.ts";
import { nameOf } from "../../ui/people.ts";
import { Trouble } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";
import { count, exact, whenText } from "../../ui/words.ts";
import { proofText, stepText } from "./dealWords.ts";

/** DealSteps unfolds to each signed step of an agreement, and what a check of them finds. */
export function DealSteps({ deal: d, me }: { deal: Deal; me: string }) {
  const [open, setOpen] = useState(false);
  const steps = d.steps.length;
  useEffect(() => {
    if (open) perform("deal.verify", context(), d.id);
  }, [open, d.id, steps]);
  return (
    <details className="deal-steps" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{count(steps, "signed step")}</summary>
      {open && (
        <>
          <ol>
            {d.steps.map((s, i) => (
              <li key={i}>
                <Face handle={s.by} small />
                <p>
                  <strong title={s.by}>{s.by === me ? "You" : nameOf(s.by)}</strong> {stepText(s, d.kind)}
                  <time dateTime={s.at} title={exact(s.at)}>
                    {whenText(s.at)}
                  </time>
                </p>
                {s.text && <blockquote className="deal-result">{s.text}</blockquote>}
              </li>
            ))}
          </ol>
          <Proved deal={d} />
        </>
      )}
    </details>
  );
}

// Whether a check has found something wrong, and did not just fail.
const doubts = (r: Refusal) => r.kind === "invalid" || r.kind === "refused" || r.kind === "conflict";

// What the newest check has found; it is of as many steps as there are.
function Proved({ deal: d }: { deal: Deal }) {
  const proof = useDeals((s) => s.proofs[d.id]);
  if (proof instanceof Refusal) return <Trouble what={doubts(proof) ? "Not every step holds: do not rely on this." : "The signatures could not be checked."} why={proof.message} hint={proof.hint} />;
  if (!proof || proof.moves !== d.steps.length) {
    return (
      <p className="hint" role="status">
        Checking the signatures
      </p>
    );
  }
  return (
    <div className="deal-proof" role="status">
      <p>
        <ShieldCheck className="icon small" aria-hidden /> {proofText(proof.moves)}
      </p>
      <p className="hint">
        {nameOf(d.peer)}’s copy ends in <code title={proof.head}>{proof.head.slice(0, 12)}</code>, too, if it is the same: compare it by word of mouth if it matters.
      </p>
    </div>
  );
}
