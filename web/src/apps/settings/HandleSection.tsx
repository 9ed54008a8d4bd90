import { useState, type FormEvent, type ReactNode } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { useAttempt } from "./useAttempt.ts";

type Handle = Schemas["HandleReply"];
type SignIn = Schemas["PasswordReply"];
type Check = Schemas["HandleCheck"];

/** HandleSection shows who the owner is on the Matrix network, and how the homeserver is. */
export function HandleSection() {
  const { value: handle, failure, reload } = useLoad(api.handle);
  const [made, setMade] = useState<SignIn | null>(null);
  const [checks, setChecks] = useState<Check[] | null>(null);
  const { refused, attempt } = useAttempt(reload);
  if (failure) return <Trouble what="Your handle did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!handle) return <Skeleton lines={2} />;
  return (
    <>
      <dl className="about">
        <div>
          <dt>You</dt>
          <dd className="mono">{handle.handle}</dd>
        </div>
        <div>
          <dt>Your AI</dt>
          <dd className="mono">{handle.ai}</dd>
        </div>
        <div>
          <dt>Homeserver</dt>
          <dd>{homeserver(handle)}</dd>
        </div>
        <div>
          <dt>Matrix clients sign in at</dt>
          <dd className="mono">{handle.url}</dd>
        </div>
        {handle.people.length > 0 && (
          <div>
            <dt>Also here</dt>
            <dd className="mono">{handle.people.join(" ")}</dd>
          </div>
        )}
      </dl>
      {handle.trouble && <Trouble what="Others cannot reach you." why={handle.trouble} />}
      {made?.password && (
        <label className="field">
          <span>The password of {made.handle}</span>
          <input className="input mono" readOnly value={made.password} onFocus={(e) => e.currentTarget.select()} />
          <small>It is not shown again. Any Matrix client signs in with it at {made.url}.</small>
        </label>
      )}
      {checks?.map((c) => (
        <p key={c.name} className="hint">
          <strong>{c.ok ? "In order" : "Missing"}: {c.name}.</strong> {c.text}. {c.hint}
        </p>
      ))}
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
      <div>
        <Button onClick={() => void attempt(async () => setMade(await api.handlePassword({})))}>Make a password</Button>{" "}
        {!handle.local && <Button onClick={() => void attempt(async () => setChecks(await api.checkHandle()))}>Check how others reach me</Button>}
      </div>
      <NameForm label="Add a person" placeholder="@ben" act="Add" onSubmit={(name) => attempt(async () => setMade(await api.handlePassword({ name, new: true })))}>
        They get an account on your homeserver, for any Matrix client or a home of their own.
      </NameForm>
      {handle.local && handle.driver !== "external" && (
        <NameForm label="Claim a handle" placeholder="@you:example.org" act="Claim it for good" onSubmit={(name) => attempt(async () => void (await api.claimHandle(name)))}>
          With a handle of your own domain, people on other homeservers reach you. It cannot be changed later: rooms, messages and other people’s lists carry it. Whoever has the domain later can speak in your name. What was written as {handle.handle} does not move over. How the
          network reaches this machine is set with <code>matrixos handle claim</code>.
        </NameForm>
      )}
    </>
  );
}

/** homeserver says in a line how the homeserver is. */
function homeserver(h: Handle): string {
  const again = h.restarts > 0 ? ` It was started again ${h.restarts === 1 ? "once" : `${h.restarts} times`}.` : "";
  switch (h.phase) {
    case "idle":
      return "Starts when it is needed.";
    case "starting":
      return "Is starting.";
    case "running":
      return `Is running${h.listen ? `; others reach it at ${h.listen}` : ""}.${again}`;
    case "failing":
      return `Has ended, and is tried again: ${h.why ?? "it did not say why"}.${again}`;
    case "stopped":
      return "Is stopped.";
  }
}

function NameForm({ label, placeholder, act, onSubmit, children }: { label: string; placeholder: string; act: string; onSubmit(name: string): Promise<void>; children: ReactNode }) {
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = e.currentTarget;
    void onSubmit(String(new FormData(form).get("name")).trim()).then(() => form.reset());
  };
  return (
    <form className="key-form" aria-label={label} onSubmit={submit}>
      <label className="field">
        <span>{label}</span>
        <input className="input mono" name="name" required maxLength={255} spellCheck={false} placeholder={placeholder} />
        <small>{children}</small>
      </label>
      <div>
        <Button type="submit">{act}</Button>
      </div>
    </form>
  );
}
