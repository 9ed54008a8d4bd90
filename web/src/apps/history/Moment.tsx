import { AppWindow, Bookmark, RotateCcw, X } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";
import { perform } from "../../commands/all.ts";
import type { Context } from "../../commands/registry.ts";
import type { Snapshot } from "../../protocol/api.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { attempt, useSession } from "../../session/store.ts";
import { Button, IconButton, Trouble } from "../../ui/controls.tsx";
import { exact, whenText } from "../../ui/words.ts";
import { snapshotName } from "./moments.ts";
import { PastFiles } from "./PastFiles.tsx";
import { RestorePanel } from "./RestorePanel.tsx";

interface Props {
  id: number;
  landing?: LandingInfo;
  names: readonly Snapshot[];
  onNames(): void; // they have changed
  context(): Context;
}

/** Moment is the home as it was: its apps, its files, and the ways to bring them back. */
export function Moment({ id, landing, names, onNames, context }: Props) {
  const [restoring, setRestoring] = useState(false);
  const mine = names.filter((n) => n.landing === id);
  return (
    <article className="moment">
      <header>
        <h2>Your home as it was{landing ? ` ${whenText(landing.time)}` : ""}</h2>
        <p className="hint num">
          After <span className="mono">L{id}</span>
          {landing && (
            <>
              {" "}
              · {landing.title} · <time dateTime={landing.time}>{exact(landing.time)}</time>
            </>
          )}
        </p>
      </header>
      <div className="moment-take">
        <NameMoment id={id} mine={mine} onNames={onNames} />
        <Button look="undo" icon={RotateCcw} aria-expanded={restoring} onClick={() => setRestoring(!restoring)}>
          Bring everything back…
        </Button>
      </div>
      {restoring && <RestorePanel path="" at={id} onClose={() => setRestoring(false)} />}
      <PastApps at={id} context={context} />
      <PastFiles at={id} />
    </article>
  );
}

function NameMoment({ id, mine, onNames }: { id: number; mine: readonly Snapshot[]; onNames(): void }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<Refusal | null>(null);
  const name = snapshotName(text);
  const save = async (e: FormEvent) => {
    e.preventDefault();
    if (!name) return;
    try {
      await api.nameSnapshot(name, `L${id}`);
      setOpen(false);
      setText("");
      setFailure(null);
      onNames();
    } catch (error) {
      setFailure(refusalOf(error));
    }
  };
  const forget = (n: Snapshot) => void attempt(`${n.name} was not taken away`, () => api.deleteSnapshot(n.name)).then(onNames);
  return (
    <>
      {mine.map((n) => (
        <span key={n.name} className="snapshot-name kept">
          <Bookmark className="icon small" aria-hidden />
          {n.name}
          <IconButton icon={X} label={`Take the name ${n.name} away`} onClick={() => forget(n)} />
        </span>
      ))}
      {open ? (
        <form className="moment-name" onSubmit={(e) => void save(e)} onKeyDown={(e) => e.key === "Escape" && setOpen(false)}>
          <input autoFocus className="input" aria-label="Name of this moment" placeholder="before the move" maxLength={80} value={text} onChange={(e) => setText(e.target.value)} />
          <Button type="submit" look="primary" disabled={!name}>
            Keep
          </Button>
          <Button look="quiet" onClick={() => setOpen(false)}>
            Leave it
          </Button>
          {name !== "" && name !== text.trim() && <span className="hint">It will be called {name}.</span>}
        </form>
      ) : (
        <Button icon={Bookmark} onClick={() => setOpen(true)}>
          Name this moment
        </Button>
      )}
      {failure && <Trouble what="It has no name yet." why={failure.message} hint={failure.hint} />}
    </>
  );
}

// The apps of that time open in windows of their own, to be looked at.
function PastApps({ at, context }: { at: number; context(): Context }) {
  const apps = useSession((s) => s.apps);
  const [slugs, setSlugs] = useState<string[]>([]);
  useEffect(() => {
    let here = true;
    api.files("apps", `L${at}`).then(
      (list) => here && setSlugs(list.filter((f) => f.dir && !/^[._]/.test(f.name)).map((f) => f.name)),
      () => here && setSlugs([]), // there were no apps yet
    );
    return () => {
      here = false;
    };
  }, [at]);
  if (slugs.length === 0) return null;
  return (
    <section className="moment-apps">
      <h3>Apps then</h3>
      <ul>
        {slugs.map((slug) => (
          <li key={slug}>
            <Button icon={AppWindow} title={`Look at it as it was at L${at}`} onClick={() => perform("app.past", context(), `${slug}@${at}`)}>
              {apps[slug]?.name ?? slug}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
