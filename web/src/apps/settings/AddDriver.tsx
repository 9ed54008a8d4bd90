import { useState, type FormEvent } from "react";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { Button, Segmented, Trouble } from "../../ui/controls.tsx";
import { fileOf } from "./drivers.ts";

type Kind = "program" | "address";

/** AddDriver attaches a server: its name, what it is, and what it gets. */
export function AddDriver({ taken, onDone }: { taken: string[]; onDone(): void }) {
  const [kind, setKind] = useState<Kind>("program");
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const of = (field: string) => String(form.get(field) ?? "").trim();
    setBusy(true);
    try {
      if (taken.includes(of("name"))) throw new Error(`A server named ${of("name")} is attached already. Choose another name.`);
      await api.addDriver(of("name"), fileOf(kind, of));
      onDone();
    } catch (error) {
      setFailure(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <form className="key-form" aria-label="Attach a server" onSubmit={(e) => void save(e)}>
      <div>
        <Segmented<Kind> label="What it is" value={kind} options={[{ value: "program", label: "A program" }, { value: "address", label: "An address" }]} onChange={setKind} />
      </div>
      <Line label="Name" name="name" required pattern="[a-z0-9]+(-[a-z0-9]+)*" title="a-z, 0-9 and -" maxLength={64} placeholder="files" />
      {kind === "address" ? (
        <Line label="Address" name="url" type="url" required placeholder="https://mcp.example.org/mcp" hint="What its tools are given goes there." />
      ) : (
        <>
          <Line label="Command" name="command" required placeholder="npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /srv/photos" hint="With npx, the package is installed once, without its scripts, and then runs without a network." />
          <Lines label="Folders that it may read" name="reads" hint="One a line; ~/ is the home." />
          <Lines label="Folders that it may read and change" name="writes" hint="What it changes there, Undo does not take back." />
          <Line label="Hosts that it may reach" name="network" placeholder="none" hint="With a space between them; *.example.org means all below it." />
        </>
      )}
      {failure && <Trouble what="It was not attached." why={failure.message} hint={failure.hint} />}
      <div>
        <Button look="primary" type="submit" disabled={busy}>
          {busy ? "Attaching" : "Attach"}
        </Button>{" "}
        <Button look="quiet" onClick={onDone}>
          Leave it
        </Button>
      </div>
    </form>
  );
}

function Line({ label, hint, ...input }: React.InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      <input className="input mono" spellCheck={false} autoComplete="off" {...input} />
      {hint && <small>{hint}</small>}
    </label>
  );
}

function Lines({ label, hint, name }: { label: string; hint: string; name: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      <textarea className="input mono" name={name} rows={1} spellCheck={false} />
      <small>{hint}</small>
    </label>
  );
}
