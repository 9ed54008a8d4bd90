import type { ProgramProps } from "../../desktop/program.ts";
import { perform } from "../../commands/all.ts";
import type { HealCase } from "../../protocol/wire.ts";
import { useSession } from "../../session/store.ts";
import { Codes } from "../../ui/Codes.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { Button, Empty } from "../../ui/controls.tsx";
import { ago, count, exact, sentence, span } from "../../ui/words.ts";

const states: Record<HealCase["state"], string> = {
  healed: "Healed", proposed: "For you to decide", quarantined: "Not mended", gone: "Holds again", "taken back": "Taken back by you",
  left: "Left as it is", unproven: "Reported", escaped: "Noticed by you",
};

/** Repairs is what was found broken, what became of it, and what waits for the owner. */
export function Repairs({ context }: Pick<ProgramProps, "context">) {
  const heals = useSession((s) => s.heals);
  const names = useSession((s) => s.apps);
  const landings = useSession((s) => s.landings);
  const looking = useSession((s) => s.looking);
  return (
    <div className="pane">
      <header className="pane-head">
        <Button disabled={looking} onClick={() => perform("heal.now", context())}>
          Look for what is broken
        </Button>
        {looking && (
          <span role="status" className="hint">
            Every app is tried. What is found is shown as it is found.
          </span>
        )}
      </header>
      {heals.length === 0 ? (
        !looking && <Empty text="Nothing was found broken so far." />
      ) : (
        <ul className="repairs">
          {heals.map((c) => (
            <li key={c.id} className={`repair ${c.state === "proposed" || c.state === "quarantined" ? "open" : ""}`}>
              <Case one={c} name={(c.app && names[c.app]?.name) || c.app || c.path} undone={landings.some((l) => l.id === c.landing && l.undone_by)} context={context} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

// What an app keeps is nothing that an agent can write anew.
const ofData = (c: HealCase) => c.path.startsWith("data/") || (c.detector === "data" && !c.culprit);
const isDatabase = (c: HealCase) => c.path.endsWith(".sqlite");

function Case({ one: c, name, undone, context }: { one: HealCase; name: string; undone: boolean; context: ProgramProps["context"] }) {
  const deciding = useSession((s) => s.deciding[c.id]);
  const open = c.state === "proposed" || c.state === "quarantined";
  return (
    <>
      <p className="repair-head">
        <i className={`dot ${c.state === "healed" ? "agent" : open ? "waiting" : "owner"}`} aria-hidden />
        <b>{name}</b>
        <span>{undone ? "Healed, then taken back by you" : states[c.state]}</span>
        <time className="num" dateTime={c.opened} title={exact(c.opened)}>
          {ago(c.opened)}
        </time>
      </p>
      <p>
        <Codes text={c.why} />
      </p>
      <details>
        <summary>
          {count(c.seen.length, "thing")} seen{c.runs > 0 ? `, ${count(c.runs, "trial")} in ${span(c.millis)}` : ""}
        </summary>
        <ul className="repair-seen">
          {c.seen.map((s) => (
            <li key={s}>{s}</li>
          ))}
        </ul>
      </details>
      {c.state === "quarantined" && ofData(c) && c.ways && (
        <>
          <p>What you can do:</p>
          <ul className="repair-ways">
            {c.ways.map((w) => (
              <li key={w}>
                <Codes text={sentence(w)} />
              </li>
            ))}
          </ul>
        </>
      )}
      {c.state === "proposed" && c.patch && <Patches patch={c.patch} />}
      <div className="actions">
        {c.state === "proposed" && (
          <Button look="primary" disabled={!!deciding} onClick={() => perform("heal.accept", context(), String(c.id))}>
            {deciding === "repair" ? "Trying the repair…" : isDatabase(c) ? "Bring the copy back" : "Repair it"}
          </Button>
        )}
        {c.state === "quarantined" && c.app && !ofData(c) && (
          <Button look="primary" onClick={() => perform("app.repair", context(), c.app)}>
            Ask to repair
          </Button>
        )}
        {open && (
          <Button look="quiet" disabled={!!deciding} onClick={() => perform("heal.leave", context(), String(c.id))}>
            Leave it as it is
          </Button>
        )}
        {c.state === "healed" && !!c.landing && !undone && c.detector !== "scrub" && !isDatabase(c) && (
          <Button look="quiet" onClick={() => perform("history.undo", context(), String(c.landing))}>
            Take it back
          </Button>
        )}
        {!!(c.landing || c.culprit) && (
          <Button look="quiet" onClick={() => perform("go.history", context(), String(c.landing || c.culprit))}>
            Show in the history
          </Button>
        )}
      </div>
    </>
  );
}

// A patch of several files, each as the history shows it.
function Patches({ patch }: { patch: string }) {
  const parts = patch.split(/^(?=--- )/m).filter((p) => p.startsWith("--- "));
  return (
    <>
      {parts.map((p) => {
        const path = /^\+\+\+ (?:b\/)?(.*)$/m.exec(p)?.[1] ?? "";
        return <Diff key={path} file={{ path, op: "modified", patch: p }} />;
      })}
    </>
  );
}
