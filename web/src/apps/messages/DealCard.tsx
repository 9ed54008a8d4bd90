import { CalendarClock, CircleHelp, ListTodo, MessagesSquare, type LucideIcon } from "lucide-react";
import { perform } from "../../commands/all.ts";
import { context } from "../../desktop/store.ts";
import { useDeals, type Deal } from "../../session/deals.ts";
import { nameOf } from "../../ui/people.ts";
import { Button, Trouble } from "../../ui/controls.tsx";
import { ago, exact, whenText } from "../../ui/words.ts";
import { DealActions } from "./DealActions.tsx";
import { DealSteps } from "./DealSteps.tsx";
import { kindText, slotText, stateText, toneOf, waits, type Tone } from "./dealWords.ts";
import "./deals.css";

const icons: Record<Deal["kind"], LucideIcon> = { meeting: CalendarClock, query: CircleHelp, task: ListTodo };
const dots: Record<Tone, string> = { waiting: "waiting", agreed: "agent", open: "", over: "" };

/** DealCard is one agreement: what it is about, how it stands, what the owner can do, and every step. */
export function DealCard({ deal: d, me, chat }: { deal: Deal; me: string; chat?: boolean }) {
  const refused = useDeals((s) => s.refused[d.id]);
  const tone = toneOf(d);
  const Glyph = icons[d.kind];
  const offered = d.status === "open" && (d.slots.length === 1 || !waits(d)) ? d.slots : []; // else each has its button
  const due = d.steps.findLast((s) => s.act === "offer" || s.act === "counter")?.due;
  return (
    <article tabIndex={-1} data-deal={d.id} className={`deal ${tone}`} aria-label={`${kindText(d)}: ${d.title}`}>
      <p className="deal-kind">
        <Glyph className="icon small" aria-hidden />
        <span>{kindText(d)}</span>
        <time dateTime={d.updated} title={exact(d.updated)}>
          {ago(d.updated)}
        </time>
      </p>
      <h3>{d.title}</h3>
      {d.text && <p className="deal-text">{d.text}</p>}
      {offered.length > 0 && (
        <ul className="deal-slots">
          {offered.map((s) => (
            <li key={s.from}>{slotText(s)}</li>
          ))}
        </ul>
      )}
      {due && <p className="deal-text">By {whenText(due)}</p>}
      {d.result && <blockquote className="deal-result">{d.result}</blockquote>}
      <p className="deal-state" role="status">
        <i className={`dot ${dots[tone]}`} aria-hidden /> {stateText(d, me)}
      </p>
      {refused && <Trouble what="That was not done." why={refused.message} hint={refused.hint} />}
      <DealActions deal={d} />
      {chat && (
        <Button look="quiet" className="deal-chat" icon={MessagesSquare} onClick={() => perform("messages.to", context(), d.peer)}>
          Message {nameOf(d.peer)}
        </Button>
      )}
      <DealSteps deal={d} me={me} />
    </article>
  );
}
