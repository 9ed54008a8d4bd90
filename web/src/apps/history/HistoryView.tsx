import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { attempt, olderLandings, useSession } from "../../session/store.ts";
import { Button, Empty, IconButton, Skeleton } from "../../ui/controls.tsx";
import { ago, costText, exact } from "../../ui/words.ts";
import { LandingView } from "./LandingView.tsx";
import "./history.css";

/** who says who made a landing. */
export function who(l: LandingInfo): string {
  switch (l.kind) {
    case "agent":
      return l.provenance.program ?? "agent";
    case "owner":
      return "you";
    case "undo":
      return l.provenance.undoes ? `undo of L${l.provenance.undoes}` : "undo";
    case "healer":
      return "healer";
    case "system":
      return "system";
    case "merge":
      return l.provenance.remote?.split(" ")[0] ?? "another device";
  }
}

/** dayOf is the heading that a landing stands under. */
export function dayOf(time: string, now = new Date()): string {
  const day = new Date(time);
  const days = Math.round((new Date(now.toDateString()).getTime() - new Date(day.toDateString()).getTime()) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: now.getFullYear() === day.getFullYear() ? undefined : "numeric" });
}

export default function HistoryView({ arg }: ProgramProps) {
  const landings = useSession((s) => s.landings);
  const loaded = useSession((s) => s.landingsLoaded);
  const [chosen, setChosen] = useState<number | null>(arg ? Number(arg) : null);
  const [seenArg, setSeenArg] = useState(arg);
  const [more, setMore] = useState(true);
  if (arg !== seenArg) {
    setSeenArg(arg);
    if (arg) setChosen(Number(arg));
  }
  const days = Object.entries(Object.groupBy(landings, (l) => dayOf(l.time)));
  const oldest = landings.at(-1)?.id ?? 1;
  if (loaded && landings.length === 0) return <Empty text="Nothing has changed in your home yet. Each change will stand here, with who made it, why and at what cost." />;
  return (
    <div className={`history ${chosen !== null ? "detail" : ""}`}>
      <nav className="history-list" aria-label="Changes">
        {!loaded && <Skeleton lines={8} />}
        {days.map(([day, list]) => (
          <section key={day}>
            <h3>{day}</h3>
            <ul>
              {list?.map((l) => (
                <li key={l.id}>
                  <button type="button" className={l.undone_by ? "undone" : ""} aria-current={l.id === chosen ? "true" : undefined} onClick={() => setChosen(l.id)}>
                    <i className={`dot ${l.kind}`} aria-hidden />
                    <span className="history-title">{l.title}</span>
                    <span className="history-who num">
                      {who(l)}
                      {l.provenance.cost && l.provenance.cost.usd > 0 ? ` · ${costText(l.provenance.cost)}` : ""}
                      {l.undone_by ? " · undone" : ""}
                    </span>
                    <time className="num" dateTime={l.time} title={exact(l.time)}>
                      {ago(l.time)}
                    </time>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {more && oldest > 1 && (
          <Button look="quiet" onClick={() => void attempt("Older changes did not load", olderLandings).then((any) => setMore(any ?? true))}>
            Older changes
          </Button>
        )}
      </nav>
      <div className="history-detail">
        {chosen !== null ? (
          <>
            <IconButton className="history-back" icon={ArrowLeft} label="All changes" onClick={() => setChosen(null)} />
            <LandingView key={chosen} id={chosen} />
          </>
        ) : (
          <Empty text="Choose a change to see what it did." />
        )}
      </div>
    </div>
  );
}
