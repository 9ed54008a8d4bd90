import { useCallback, useEffect, useState, type FormEvent } from "react";
import type { ModelEntry, ModelList } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";

/** takesAddress tells models that may run anywhere from those with a fixed address. */
export const takesAddress = (id: string) => id.startsWith("openai:") || id.startsWith("anthropic:");

export function ModelSection() {
  const [models, setModels] = useState<ModelList | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);

  const load = useCallback(
    () =>
      api.models().then(
        (m) => {
          setModels(m);
          setFailure(null);
        },
        (error: unknown) => setFailure(refusalOf(error)),
      ),
    [],
  );
  useEffect(() => {
    void load();
  }, [load]);

  const choose = async (model: string, key?: string, base_url?: string) => {
    setBusy(true);
    try {
      await api.chooseModel({ model, key: key || undefined, base_url: base_url || undefined });
      setOpen(null);
      await load();
    } catch (error) {
      setFailure(refusalOf(error));
    }
    setBusy(false);
  };

  if (!models && !failure) return <Skeleton lines={4} />;
  return (
    <>
      {failure && <Trouble what={models ? "The model was not changed." : "The models did not load."} why={failure.message} hint={failure.hint} />}
      <ul className="models">
        {(models?.choices ?? []).map((c) => {
          const current = c.id === models?.current;
          return (
            <li key={c.id} className={current ? "current" : ""}>
              <div className="model">
                <div>
                  <strong>{c.label}</strong>
                  {c.note && <p className="hint">{c.note}</p>}
                </div>
                {current ? (
                  <span className="model-current">In use</span>
                ) : (
                  <Button disabled={busy} aria-expanded={c.needs_key ? open === c.id : undefined} onClick={() => (c.needs_key && !c.attached ? setOpen(open === c.id ? null : c.id) : void choose(c.id))}>
                    {c.needs_key && !c.attached ? "Attach…" : "Use"}
                  </Button>
                )}
                {c.attached && c.needs_key && (
                  <Button look="quiet" aria-expanded={open === c.id} onClick={() => setOpen(open === c.id ? null : c.id)}>
                    Change key
                  </Button>
                )}
              </div>
              {open === c.id && <KeyForm choice={c} busy={busy} onSave={choose} />}
            </li>
          );
        })}
      </ul>
      <p className="hint">Keys go into your keyring, never into a file that an agent reads. Nothing is spent unless you ask for something.</p>
    </>
  );
}

interface KeyFormProps {
  choice: ModelEntry;
  busy: boolean;
  onSave(model: string, key: string, baseURL: string): void;
}

function KeyForm({ choice, busy, onSave }: KeyFormProps) {
  const [name, provider] = [choice.id.slice(choice.id.indexOf(":") + 1), choice.id.slice(0, choice.id.indexOf(":") + 1)];
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const of = (field: string) => String(form.get(field) ?? "").trim();
    onSave(of("model") ? provider + of("model") : choice.id, of("key"), of("base"));
  };
  return (
    <form className="key-form" onSubmit={submit}>
      {provider !== "" && (
        <label className="field">
          <span>Model name</span>
          <input className="input mono" name="model" defaultValue={/^[A-Z]+$/.test(name) ? "" : name} required spellCheck={false} />
        </label>
      )}
      <label className="field">
        <span>Key</span>
        <input className="input mono" name="key" type="password" autoComplete="off" autoFocus spellCheck={false} />
        <small>Leave it empty for a server of your own that asks for none.</small>
      </label>
      {takesAddress(choice.id) && (
        <label className="field">
          <span>Address</span>
          <input className="input mono" name="base" type="url" placeholder="The provider’s own" spellCheck={false} />
          <small>Only for another server, such as http://127.0.0.1:11434/v1 for Ollama.</small>
        </label>
      )}
      <div>
        <Button look="primary" type="submit" disabled={busy}>
          {busy ? "Attaching" : "Attach"}
        </Button>
      </div>
    </form>
  );
}
