import { useState, type FormEvent } from "react";
import { perform } from "../../commands/all.ts";
import { context } from "../../desktop/store.ts";
import { useDeals, type Deal } from "../../session/deals.ts";
import { Button } from "../../ui/controls.tsx";
import { choicesOf, type Choice } from "./dealWords.ts";

/** DealActions are the moves that the owner can make in an agreement just now. */
export function DealActions({ deal: d }: { deal: Deal }) {
  const busy = useDeals((s) => s.moving === d.id);
  const [asking, setAsking] = useState<Choice | null>(null);
  const choices = choicesOf(d);
  if (choices.length === 0) return null;
  const move = (c: Choice, rest: string) => {
    setAsking(null);
    perform(`deal.${c.act}`, context(), `${d.id} ${rest}`.trim());
  };
  const still = asking && choices.some((c) => c.act === asking.act); // it may have been answered elsewhere
  if (asking && still) return <Asked choice={asking} title={d.title} onSay={(rest) => move(asking, rest)} onLeave={() => setAsking(null)} />;
  return (
    <div className="actions">
      {choices.map((c) => (
        <Button key={`${c.act} ${c.rest}`} look={c.look} disabled={busy} onClick={() => (c.asks === "" ? move(c, c.rest) : setAsking(c))}>
          {c.label}
        </Button>
      ))}
    </div>
  );
}

const labels: Record<Choice["act"], string> = {
  accept: "", decline: "", withdraw: "", cancel: "", counter: "What you suggest instead", answer: "Your answer", deliver: "What came of it",
};

interface AskedProps {
  choice: Choice;
  title: string;
  onSay(rest: string): void;
  onLeave(): void;
}

// What the owner has to say first: a time, words, or that they are sure.
function Asked({ choice: c, title, onSay, onLeave }: AskedProps) {
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const said = String(new FormData(e.currentTarget).get("said") ?? "").trim();
    if (c.asks === "sure") return onSay("");
    if (said) onSay(c.asks === "time" ? new Date(said).toISOString() : said);
  };
  return (
    <form className="deal-form" onSubmit={submit} aria-label={`${c.label}: ${title}`} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), onLeave())}>
      {c.asks === "time" && (
        <label className="field">
          <span>When it would suit you</span>
          <input className="input" type="datetime-local" name="said" required autoFocus step={300} />
          <small>As long as what was offered. It is held in your calendar until they answer.</small>
        </label>
      )}
      {c.asks === "words" && (
        <label className="field">
          <span>{labels[c.act]}</span>
          <textarea className="input" name="said" required autoFocus rows={3} maxLength={2000} />
        </label>
      )}
      <div className="actions">
        <Button look={c.look === "loss" ? "loss" : "primary"} type="submit">
          {c.asks === "sure" ? "Call it off for good" : c.act === "counter" ? "Suggest it" : c.label}
        </Button>
        <Button look="quiet" onClick={onLeave}>
          {c.asks === "sure" ? "Keep it" : "Not now"}
        </Button>
      </div>
    </form>
  );
}
