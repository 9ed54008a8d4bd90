import { useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { attempt } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";

type Bound = Schemas["BoundKey"];

/** hostsOf reads hosts as people list them. */
export function hostsOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}

const read = () => Promise.all([api.bindings(), api.keyring()]).then(([keys, keyring]) => ({ keys, status: keyring.status }));

/** KeysSection lists keys by name; a value goes in and is never shown. */
export function KeysSection() {
  const { value, failure, reload } = useLoad(read);
  const [open, setOpen] = useState<string | null>(null); // the key whose hosts are edited; "" adds one
  if (failure) return <Trouble what="The keys did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!value) return <Skeleton lines={3} />;
  const act = async (failed: string, run: () => Promise<unknown>) => {
    const done = await attempt(failed, () => run().then(() => true));
    if (done) setOpen(null);
    await reload();
  };
  const add = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const name = String(form.get("name")).trim();
    const hosts = hostsOf(String(form.get("hosts")));
    void act("The key was not kept", async () => {
      await api.setKey(name, String(form.get("value")).trim());
      if (hosts.length > 0) await api.bindKey(name, hosts);
    });
  };
  return (
    <>
      <p className="hint">Keyring: {value.status.replace(/\.$/, "")}. Values are never shown, not to you and not to an agent. A command may use a key only at the hosts that you name.</p>
      {value.keys.length > 0 && (
        <ul className="models">
          {value.keys.map((k) => (
            <KeyRow key={k.name} bound={k} open={open === k.name} onOpen={(on) => setOpen(on ? k.name : null)} act={act} />
          ))}
        </ul>
      )}
      {open === "" ? (
        <form className="key-form" onSubmit={add} aria-label="Add a key">
          <label className="field">
            <span>Name</span>
            <input className="input mono" name="name" required maxLength={100} autoFocus spellCheck={false} placeholder="github" />
          </label>
          <label className="field">
            <span>Key</span>
            <input className="input mono" name="value" type="password" autoComplete="off" required spellCheck={false} />
          </label>
          <Hosts />
          <div>
            <Button look="primary" type="submit">
              Keep it
            </Button>{" "}
            <Button look="quiet" onClick={() => setOpen(null)}>
              Leave it
            </Button>
          </div>
        </form>
      ) : (
        <div>
          <Button onClick={() => setOpen("")}>Add a key</Button>
        </div>
      )}
    </>
  );
}

interface RowProps {
  bound: Bound;
  open: boolean;
  onOpen(on: boolean): void;
  act(failed: string, run: () => Promise<unknown>): Promise<void>;
}

function KeyRow({ bound: k, open, onOpen, act }: RowProps) {
  const save = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const hosts = hostsOf(String(new FormData(e.currentTarget).get("hosts")));
    void act("Its hosts are as they were", () => api.bindKey(k.name, hosts));
  };
  return (
    <li>
      <div className="model">
        <div>
          <strong className="mono">{k.name}</strong>
          <p className="hint">{k.hosts.length === 0 ? "Commands may not use it." : `Commands may use it at ${k.hosts.join(", ")}.`}</p>
        </div>
        <Button aria-expanded={open} aria-label={`Where ${k.name} may go`} onClick={() => onOpen(!open)}>
          Where it may go
        </Button>
        <Button look="loss" aria-label={`Remove ${k.name}`} onClick={() => void act("It is still there", () => api.deleteKey(k.name))}>
          Remove
        </Button>
      </div>
      {open && (
        <form className="key-form" onSubmit={save}>
          <Hosts value={k.hosts} />
          <div>
            <Button look="primary" type="submit">
              Save
            </Button>
          </div>
        </form>
      )}
    </li>
  );
}

function Hosts({ value = [] }: { value?: string[] }) {
  return (
    <label className="field">
      <span>Hosts</span>
      <input className="input mono" name="hosts" defaultValue={value.join(" ")} spellCheck={false} placeholder="api.github.com" />
      <small>With a space between them. Without one, only Matrix OS itself uses the key.</small>
    </label>
  );
}
