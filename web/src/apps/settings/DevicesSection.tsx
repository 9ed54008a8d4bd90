import { useEffect, useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { onEvent } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { useAttempt } from "./useAttempt.ts";
import { ago, exact } from "../../ui/words.ts";

type Paired = Schemas["PairedDevice"];
type First = Schemas["FirstDevice"];

/** DevicesSection lists the owner's devices that have this home, lets one in, and removes it. */
export function DevicesSection() {
  const { value: now, failure, reload } = useLoad(api.devices);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Schemas["NewDevice"] | null>(null);
  const { refused, attempt } = useAttempt(reload);
  useEffect(() => onEvent((e) => void (e.kind === "settings" && e.data.path === "devices" && reload())), [reload]);
  if (failure) return <Trouble what="Your devices did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!now) return <Skeleton lines={2} />;
  if (now.first) return <OtherDevice name={now.name} first={now.first} />;
  const remove = (d: Paired) => attempt(() => api.removeDevice(d.name));
  const waits = made !== null && !now.devices.some((d) => d.name === made.name && !d.removed);
  return (
    <>
      <p className="hint">Another computer of yours can have this home: the same files, conversations and messages, in step with this one. Your AI answers on this one alone.</p>
      {now.devices.length > 0 && (
        <ul className="models">
          {now.devices.map((d) => (
            <li key={d.id}>
              <div className="model">
                <div>
                  <strong>{d.name}</strong>
                  <p className="hint">{standing(d)}</p>
                </div>
                {!d.removed && (
                  <Button look="loss" aria-label={`Remove ${d.name}`} onClick={() => void remove(d)}>
                    Remove
                  </Button>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
      {now.trouble && <Trouble what="Your other devices do not reach this one." why={now.trouble} />}
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
      {waits && (
        <label className="field">
          <span>Run this on {made.name}</span>
          <input className="input mono" readOnly value={`matrixos up --join ${made.link}`} onFocus={(e) => e.currentTarget.select()} />
          <small>Good once, for ten minutes, with an empty home there. Whoever has it in that time gets everything that you have here.</small>
        </label>
      )}
      {adding ? (
        <DeviceForm
          onDone={(link) => {
            setAdding(false);
            if (link) setMade(link);
            void reload();
          }}
        />
      ) : (
        <div>
          <Button onClick={() => setAdding(true)}>Add a device</Button>
        </div>
      )}
    </>
  );
}

function standing(d: Paired) {
  if (d.removed) return "Removed: it gets nothing from here any more.";
  if (d.online) return "Here now, in step.";
  return d.seen ? <span title={exact(d.seen)}>Here {ago(d.seen)}.</span> : "Not here yet.";
}

/** OtherDevice is how this device stands with the first one. */
function OtherDevice({ name, first }: { name: string; first: First }) {
  return (
    <>
      <div className="model">
        <div>
          <strong>{name}, another device of {first.handle}</strong>
          <p className="hint">{words(first)}</p>
        </div>
      </div>
      {first.state === "stopped" && <Trouble what="It does not meet your first device." why={first.why} />}
      {(first.conflicts ?? []).length > 0 && <Trouble what="Both devices have changed the same files." why={first.conflicts.join(", ")} hint="Both versions are kept. Choose in History, under what waits for you." />}
      <p className="hint">Devices are added and removed on {first.name}. Your AI answers there.</p>
    </>
  );
}

function words(f: First) {
  const met = f.met ? <span title={exact(f.met)}>Last in step {ago(f.met)}.</span> : "Not in step yet.";
  switch (f.state) {
    case "connected":
      return <>Connected with {f.name}. {met}</>;
    case "connecting":
      return <>Connecting with {f.name}. {met}</>;
    case "offline":
      return <>{f.name} is not reached since {ago(f.since)}. Go on here: what changes meets when it is back. {met}</>;
    case "stopped":
      return met;
    case "removed":
      return <>Removed on {f.name}. Your files are still here, and meet no more.</>;
  }
}

function DeviceForm({ onDone }: { onDone(made: Schemas["NewDevice"] | null): void }) {
  const [failure, setFailure] = useState<Refusal | null>(null);
  const save = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const address = String(form.get("address")).trim();
    try {
      onDone(await api.addDevice({ name: String(form.get("name")).trim(), addresses: address ? [address] : undefined }));
    } catch (error) {
      setFailure(refusalOf(error));
    }
  };
  return (
    <form className="key-form" aria-label="Add a device" onSubmit={(e) => void save(e)}>
      <label className="field">
        <span>Name</span>
        <input className="input" name="name" required maxLength={40} autoFocus spellCheck={false} placeholder="laptop" />
      </label>
      <label className="field">
        <span>Address, if not that of this computer in your network</span>
        <input className="input mono" name="address" maxLength={255} spellCheck={false} placeholder="home.example.org:4010" />
        <small>The other device connects to this one, at port 4010.</small>
      </label>
      {failure && <Trouble what="It was not added." why={failure.message} hint={failure.hint} />}
      <div>
        <Button look="primary" type="submit">
          Make a link
        </Button>{" "}
        <Button look="quiet" onClick={() => onDone(null)}>
          Leave it
        </Button>
      </div>
    </form>
  );
}
