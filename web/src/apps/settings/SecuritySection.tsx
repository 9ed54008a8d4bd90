import { useEffect, useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { onEvent } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { useAttempt } from "./useAttempt.ts";

type Security = Schemas["SecurityInfo"];
type Verification = Security["verifications"][number];
type Act = Schemas["VerifyBody"]["act"];

/** SecuritySection shows the owner's devices, if the homeserver runs: looking at Settings does not start it. */
export function SecuritySection() {
  const { value: handle, failure } = useLoad(api.handle);
  const [wanted, setWanted] = useState(false);
  if (failure) return null; // the section above says why
  if (wanted || handle?.phase === "running") return <Devices />;
  if (!handle) return <Skeleton lines={2} />;
  return (
    <>
      <p className="hint">Other Matrix clients of yours, their verification, and the backup of your keys. Looking at them starts the homeserver.</p>
      <div>
        <Button onClick={() => setWanted(true)}>Show my devices</Button>
      </div>
    </>
  );
}

/** Devices are the owner's devices and their keys, and comparisons of emoji. */
function Devices() {
  const { value: now, failure, reload } = useLoad(api.security);
  const [recovery, setRecovery] = useState<string | null>(null);
  const { refused, attempt } = useAttempt(reload);
  useEffect(() => onEvent((e) => void (e.kind === "settings" && e.data.path === "system/handle.json" && reload())), [reload]);
  if (failure) return <Trouble what="Your devices did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!now) return <Skeleton lines={2} />;
  const step = (act: Act, id?: string) => void attempt(() => api.verify({ act, id }));
  const recover = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = e.currentTarget;
    void attempt(() => api.recover(String(new FormData(form).get("key")).trim()).then(() => form.reset()));
  };
  const open = now.verifications.filter((v) => v.stage !== "done" && v.stage !== "cancelled");
  const last = now.verifications.at(-1);
  return (
    <>
      {now.verifications.map((v) => (v === last || open.includes(v) ? <Comparison key={v.id} v={v} onStep={(act) => step(act, v.id)} /> : null))}
      {now.changed.map((who) => (
        <div key={who} className="model">
          <div>
            <strong className="mono">{who}</strong>
            <p className="hint">Their identity has changed: they have set up Matrix anew, or somebody writes in their name. Your AI takes nothing that they write as a request until you accept it.</p>
          </div>
          <Button onClick={() => void attempt(() => api.acceptIdentity(who))}>Accept it</Button>
        </div>
      ))}
      <ul className="models">
        {now.devices.map((d) => (
          <li key={d.id} className="model">
            <div>
              <strong>{d.id === now.device ? "This home" : d.name || d.id}</strong>
              <p className="hint">
                <span className="mono">{d.id}</span>. {d.verified ? "Verified." : d.encrypts ? "Not verified: your AI takes encrypted messages from there as somebody else’s." : "Reads nothing that is encrypted."}
              </p>
            </div>
          </li>
        ))}
      </ul>
      <p className="hint">{backup(now)}</p>
      {recovery && (
        <label className="field">
          <span>Your recovery key</span>
          <input className="input mono" readOnly value={recovery} onFocus={(e) => e.currentTarget.select()} />
          <small>It is not shown again, and those before it have ended. Write it down: who has it reads your messages.</small>
        </label>
      )}
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
      <div className="key-acts">
        {open.length === 0 && <Button onClick={() => step("begin")}>Verify another device</Button>}{" "}
        {now.identity === "here" && <Button onClick={() => void attempt(async () => setRecovery((await api.makeRecoveryKey()).key))}>Make a recovery key</Button>}
      </div>
      {(now.identity !== "here" || now.backup.foreign) && (
        <form className="key-form" aria-label="Recovery key" onSubmit={recover}>
          <label className="field">
            <span>Recovery key</span>
            <input className="input mono" name="key" required maxLength={200} autoComplete="off" spellCheck={false} />
            <small>Another client has made your identity. With its recovery key this home is verified, and reads what was said before.</small>
          </label>
          <div>
            <Button type="submit">Recover</Button>
          </div>
        </form>
      )}
    </>
  );
}

/** Comparison is one comparison of emoji, with the owner's next steps. */
function Comparison({ v, onStep }: { v: Verification; onStep(act: Act): void }) {
  const who = v.device ? `${v.with}, device ${v.device}` : v.with;
  return (
    <div className="comparison" role="group" aria-label={`Verification with ${who}`}>
      <p>{words(v, who)}</p>
      {v.stage === "compare" && (
        <>
          <ol className="emoji" aria-label="Emoji to compare">
            {v.emoji.map((e, i) => (
              <li key={i}>
                <span aria-hidden>{e.symbol}</span>
                <small>{e.name}</small>
              </li>
            ))}
          </ol>
          <p className="hint">In numbers: {v.numbers.join(" ")}</p>
        </>
      )}
      <div>
        {v.stage === "asked" && <Button onClick={() => onStep("accept")}>Compare emoji</Button>} {v.stage === "ready" && <Button onClick={() => onStep("start")}>Show the emoji</Button>}{" "}
        {v.stage === "compare" && (
          <>
            <Button onClick={() => onStep("match")}>They are the same</Button>{" "}
            <Button look="loss" onClick={() => onStep("differ")}>
              They differ
            </Button>
          </>
        )}{" "}
        {v.stage !== "compare" && v.stage !== "done" && v.stage !== "cancelled" && <Button onClick={() => onStep("cancel")}>Cancel</Button>}
      </div>
    </div>
  );
}

function words(v: Verification, who: string): string {
  switch (v.stage) {
    case "asked":
      return `${who} wants to compare emoji. Go on only if you have that device before you, or the person on the telephone.`;
    case "waiting":
      return `Accept it on the other side: ${who}.`;
    case "ready":
      return `${who} is there. Go on over there, or show the emoji here.`;
    case "compare":
      return `Does ${who} show the same emoji, in the same order?`;
    case "confirmed":
      return `You have said that they are the same. Say so on the other side, too: ${who}.`;
    case "done":
      return `${who} is verified.`;
    case "cancelled":
      return `The verification with ${who} came to nothing: ${v.why || "no reason was given"}.`;
  }
}

function backup(s: Security): string {
  if (s.backup.foreign) return "Another client keeps the backup of your keys.";
  if (!s.backup.version) return "The backup of your keys has not begun yet.";
  return `${s.backup.keys === 1 ? "One key is" : `${s.backup.keys} keys are`} backed up on the homeserver, encrypted. With a recovery key another client reads what was said before.`;
}
