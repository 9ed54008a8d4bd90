import { useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { attempt } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { ago, exact } from "../../ui/words.ts";

type Token = Schemas["Token"];
type Scope = NonNullable<NonNullable<Schemas["TokenBody"]["may"]>[number]>;

const scopes: readonly [Scope, string][] = [
  ["read", "Read apps, their data and files; it leaves the home, to wherever its model runs"],
  ["data", "Change entries of apps"],
  ["files", "Change files in apps/ and projects/"],
  ["tasks", "Make and do tasks"],
  ["ask", "Ask the main agent"],
];

/** TokensSection lists the agents of others that are let in, lets one in, and shows it the door. */
export function TokensSection() {
  const { value: list, failure, reload } = useLoad(api.tokens);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Schemas["NewToken"] | null>(null);
  if (failure) return <Trouble what="The agents of others did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!list) return <Skeleton lines={2} />;
  const revoke = async (t: Token) => {
    await attempt(`${t.name} is still let in`, () => api.revokeToken(t.id));
    if (made?.id === t.id) setMade(null);
    await reload();
  };
  return (
    <>
      <p className="hint">A coding agent or another desktop can work in your home, by the Model Context Protocol. What it changes has its name in the history, is marked as text from outside, and can be undone.</p>
      {list.length > 0 && (
        <ul className="models">
          {list.map((t) => (
            <li key={t.id}>
              <div className="model">
                <div>
                  <strong>{t.name}</strong>
                  <p className="hint">
                    May {(t.may ?? []).join(", ")}
                    {t.folders ? ` in ${t.folders.join(" ")}` : ""}. {t.seen ? <span title={exact(t.seen)}>Here {ago(t.seen)}.</span> : "Not here yet."}
                  </p>
                </div>
                <Button look="loss" aria-label={`Let ${t.name} in no more`} onClick={() => void revoke(t)}>
                  Let in no more
                </Button>
              </div>
              {made?.id === t.id && (
                <label className="field">
                  <span>Its token for {made.url}</span>
                  <input className="input mono" readOnly value={made.value} onFocus={(e) => e.currentTarget.select()} />
                  <small>It is not shown again. Give it to {t.name} as “Authorization: Bearer …”.</small>
                </label>
              )}
            </li>
          ))}
        </ul>
      )}
      {adding ? (
        <TokenForm
          onDone={(token) => {
            setAdding(false);
            if (token) setMade(token);
            void reload();
          }}
        />
      ) : (
        <div>
          <Button onClick={() => setAdding(true)}>Let an agent in</Button>
        </div>
      )}
    </>
  );
}

function TokenForm({ onDone }: { onDone(made: Schemas["NewToken"] | null): void }) {
  const [failure, setFailure] = useState<Refusal | null>(null);
  const save = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    try {
      onDone(await api.makeToken({ name: String(form.get("name")).trim(), may: form.getAll("may") as Scope[], days: 90 }));
    } catch (error) {
      setFailure(refusalOf(error));
    }
  };
  return (
    <form className="key-form" aria-label="Let an agent in" onSubmit={(e) => void save(e)}>
      <label className="field">
        <span>Name</span>
        <input className="input mono" name="name" required maxLength={40} pattern="[a-z0-9]+(-[a-z0-9]+)*" title="a-z, 0-9 and -" autoFocus spellCheck={false} placeholder="claude-code" />
      </label>
      <fieldset className="token-scopes">
        <legend>It may</legend>
        {scopes.map(([scope, text]) => (
          <label key={scope}>
            <input type="checkbox" name="may" value={scope} defaultChecked={scope === "read"} /> {text}
          </label>
        ))}
      </fieldset>
      {failure && <Trouble what="It was not let in." why={failure.message} hint={failure.hint} />}
      <div>
        <Button look="primary" type="submit">
          Let it in
        </Button>{" "}
        <Button look="quiet" onClick={() => onDone(null)}>
          Leave it
        </Button>
      </div>
    </form>
  );
}
