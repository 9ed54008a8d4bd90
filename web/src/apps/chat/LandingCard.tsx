import { useState } from "react";
import { perform } from "../../commands/all.ts";
import type { Context } from "../../commands/registry.ts";
import type { Change, LandingInfo } from "../../protocol/wire.ts";
import type { Turn } from "../../session/chat.ts";
import { useSession } from "../../session/store.ts";
import { Button } from "../../ui/controls.tsx";
import { costText, count } from "../../ui/words.ts";

interface Props {
  landing: LandingInfo;
  turn: Turn;
  newest: boolean;
  context(): Context;
}

/** changesText says what changed in one line: "3 files added, 1 changed". */
export function changesText(changes: readonly Change[]): string {
  const n = (op: Change["op"]) => changes.filter((c) => c.op === op).length;
  const parts = [
    [n("added"), "added"],
    [n("modified"), "changed"],
    [n("deleted"), "deleted"],
  ].filter(([k]) => k !== 0) as [number, string][];
  if (parts.length === 0) return "no files";
  const [first, ...rest] = parts;
  return [`${count(first?.[0] ?? 0, "file")} ${first?.[1]}`, ...rest.map(([k, word]) => `${k} ${word}`)].join(", ");
}

// Only apps are checked; of a note or a setting there is nothing to say.
function verifiedText(level: string | undefined, apps: number): string {
  if (level === "browser") return " · checked in a browser";
  if (level === "static") return " · checked: it compiles";
  return apps > 0 ? " · not checked" : "";
}

/** LandingCard ends a turn: what changed, verified how, at what cost, and the ways on and back. */
export function LandingCard({ landing, turn, newest, context }: Props) {
  const apps = useSession((s) => s.apps);
  const current = useSession((s) => s.landings.find((l) => l.id === landing.id)) ?? landing;
  const [busy, setBusy] = useState(false);
  const files = landing.changes ?? [];
  const slugs = (landing.created?.length ? landing.created : landing.apps) ?? [];
  const openable = slugs.filter((s) => apps[s]);
  const undone = current.undone_by !== undefined && current.undone_by > 0;
  const cost = turn.answer && turn.landings.length === 1 ? turn.answer.cost : landing.provenance.cost;
  return (
    <section className={`landing-card ${undone ? "undone" : ""}`} aria-label={`Landing L${landing.id}`}>
      <header>
        <h3>{landing.title}</h3>
        <span className="mono">L{landing.id}</span>
      </header>
      <p className="landing-facts">
        {changesText(files)}
        {verifiedText(landing.provenance.verified ?? turn.answer?.verified, landing.apps?.length ?? 0)}
        {cost && ` · ${costText(cost)}`}
      </p>
      <ul className="landing-files">
        {files.slice(0, 4).map((c) => (
          <li key={c.path}>
            <i className={`op ${c.op}`} aria-label={c.op} role="img" />
            <button type="button" disabled={c.op === "deleted"} onClick={() => context().desk.openProgram("files", c.path)}>
              {c.path}
            </button>
          </li>
        ))}
        {files.length > 4 && <li className="more">and {files.length - 4} more</li>}
      </ul>
      <div className="landing-actions">
        {undone ? (
          <span className="hint">Undone by L{current.undone_by}.</span>
        ) : (
          <>
            {openable.map((slug) => (
              <Button key={slug} look={newest ? "primary" : "plain"} onClick={() => context().desk.openApp(slug)}>
                {openable.length > 1 ? `Open ${apps[slug]?.name}` : "Open"}
              </Button>
            ))}
            <Button
              look="undo"
              disabled={busy}
              onClick={() => {
                setBusy(true);
                perform("history.undo", context(), String(landing.id));
                setTimeout(() => setBusy(false), 1500);
              }}
            >
              Undo
            </Button>
          </>
        )}
        <Button look="quiet" onClick={() => context().desk.openProgram("history", String(landing.id))}>
          Show changes
        </Button>
      </div>
    </section>
  );
}
