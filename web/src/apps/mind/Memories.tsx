import { useCallback, useEffect, useState } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { attempt, notify } from "../../session/store.ts";
import { Button, Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { ago, count, exact } from "../../ui/words.ts";

type Memory = Schemas["Memory"];

/** Memories lists what is remembered, the best match first. */
export function Memories() {
  const [typed, setTyped] = useState("");
  const [query, setQuery] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQuery(typed.trim()), 200);
    return () => clearTimeout(timer);
  }, [typed]);
  const { value: found, failure, reload } = useLoad(useCallback(() => api.memories(query), [query]));
  const { value: all, reload: reloadAll } = useLoad(useCallback(() => api.memories(""), []));
  if (failure) return <Trouble what="What is remembered did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!found || !all) return <Skeleton lines={6} />;
  if (all.length === 0) return <Empty text="Nothing is remembered yet. Say “Remember that…”, and it will stand here as a file of yours." />;
  const textOf = (id: string) => all.find((m) => m.id === id)?.text ?? id;
  const forget = async (m: Memory) => {
    const done = await attempt("It is still remembered", () => api.forget(m.id));
    if (done) notify({ level: "info", title: "Forgotten", text: done.left });
    await Promise.all([reload(), reloadAll()]);
  };
  return (
    <div className="pane">
      <header className="pane-head">
        <input className="input" type="search" aria-label="Search what is remembered" placeholder="Search" value={typed} onChange={(e) => setTyped(e.target.value)} />
        <span className="hint num" role="status">
          {query ? `${found.length} of ${count(all.length, "memory", "memories")}` : count(all.length, "memory", "memories")}
        </span>
      </header>
      <ul className="entries">
        {found.map((m) => (
          <Entry key={m.id} memory={m} against={(m.against ?? []).map(textOf)} onForget={forget} />
        ))}
      </ul>
      {found.length === 0 && <p className="hint">Nothing remembered fits these words.</p>}
    </div>
  );
}

function Entry({ memory: m, against, onForget }: { memory: Memory; against: string[]; onForget(m: Memory): Promise<void> }) {
  const [sure, setSure] = useState(false);
  const short = m.text.slice(0, 60);
  return (
    <li className="entry">
      <div className="entry-what">
        <p className="entry-text">{m.text}</p>
        {against.map((text) => (
          <p key={text} className="waits">
            Says otherwise than: “{text}”
          </p>
        ))}
        <p className="hint">
          {m.category}
          {m.by && `, by ${m.by === "owner" ? "you" : m.by}`}
          {m.time && (
            <>
              {" "}
              <time dateTime={m.time} title={exact(m.time)}>
                {ago(m.time)}
              </time>
            </>
          )}
          {m.label.integrity >= 2 && ", from outside"}
        </p>
      </div>
      <div className="entry-acts">
        {sure ? (
          <>
            <Button look="loss" autoFocus onClick={() => void onForget(m)}>
              Forget for good
            </Button>
            <Button look="quiet" onClick={() => setSure(false)}>
              Keep
            </Button>
          </>
        ) : (
          <Button look="loss" aria-label={`Forget: ${short}`} onClick={() => setSure(true)}>
            Forget
          </Button>
        )}
      </div>
    </li>
  );
}
