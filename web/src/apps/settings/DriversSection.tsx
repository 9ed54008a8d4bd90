import { Plug } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { attempt, onEvent } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { AddDriver } from "./AddDriver.tsx";
import { mayText, shortName, sightText, stateText, toolsText, type Driver } from "./drivers.ts";

/** DriversSection lists the attached servers: how they are, what they may do, and what waits for a yes. */
export function DriversSection() {
  const { value: list, failure, reload } = useLoad(api.drivers);
  const [adding, setAdding] = useState(false);
  useEffect(() => onEvent((e) => {
    if (e.kind === "driver") void reload();
  }), [reload]);
  if (failure) return <Trouble what="What is attached did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!list) return <Skeleton lines={3} />;
  const done = () => {
    setAdding(false);
    void reload();
  };
  return (
    <>
      <p className="hint">
        {list.length === 0
          ? "Nothing is attached. A server of the Model Context Protocol gives agents more tools: a folder outside the home, a calendar, a ticket system. It runs confined and sees only what you name."
          : "Servers of the Model Context Protocol. What they say counts as text from outside, their own descriptions too."}
      </p>
      {list.length > 0 && (
        <ul className="models drivers">
          {list.map((d) => (
            <DriverRow key={d.name} driver={d} reload={reload} />
          ))}
        </ul>
      )}
      {adding ? (
        <AddDriver taken={list.map((d) => d.name)} onDone={done} />
      ) : (
        <div>
          <Button icon={Plug} look={list.length === 0 ? "primary" : "plain"} onClick={() => setAdding(true)}>
            Attach a server
          </Button>
        </div>
      )}
    </>
  );
}

/** signIn opens the service's own sign-in in another window; it comes back to the gateway. */
async function signIn(name: string) {
  const page = window.open("about:blank", "_blank"); // now, while the click counts
  try {
    const { url } = await api.signInDriver(name);
    if (page) {
      page.opener = null;
      page.location.href = url;
    }
  } catch (error) {
    page?.close();
    throw error;
  }
}

function DriverRow({ driver: d, reload }: { driver: Driver; reload(): Promise<void> }) {
  const [busy, setBusy] = useState("");
  const act = async (doing: string, failed: string, run: () => Promise<unknown>) => {
    setBusy(doing);
    await attempt(failed, run);
    setBusy("");
    await reload();
  };
  const { text, tone } = stateText(d);
  const tools = d.tools ?? [];
  return (
    <li>
      <div className="model">
        <div className="driver-what">
          <strong>{d.name}</strong>
          <p className={`driver-state ${tone}`}>{text}.</p>
          {d.why && d.state !== "blocked" && <p className="hint">{d.why}</p>}
          {d.runs && <p className="hint mono">{d.runs}</p>}
          {d.runs && <p className="hint">{sightText(d)}</p>}
        </div>
        <div className="driver-acts">
          {d.sign_in && (
            <Button look="primary" disabled={busy !== ""} aria-label={`Sign in at ${d.name}`} onClick={() => void act("signin", "The sign-in did not begin", () => signIn(d.name))}>
              Sign in
            </Button>
          )}
          {d.state !== "off" && d.state !== "fault" && (
            <Button disabled={busy !== ""} aria-label={`Restart ${d.name}`} onClick={() => void act("restart", `${d.name} did not start`, () => api.restartDriver(d.name))}>
              {busy === "restart" ? "Restarting" : "Restart"}
            </Button>
          )}
          <Button look="loss" disabled={busy !== ""} aria-label={`Detach ${d.name}`} onClick={() => void act("detach", `${d.name} is still attached`, () => api.removeDriver(d.name))}>
            Detach
          </Button>
        </div>
      </div>
      {d.change && <Changed driver={d} busy={busy !== ""} onApprove={(hash) => void act("approve", "It was not let in", () => api.approveDriver(d.name, hash))} />}
      {(tools.length > 0 || d.refused) && (
        <details className="driver-tools">
          <summary>{toolsText(d)}</summary>
          <ul>
            {tools.map((t) => (
              <li key={t.name}>
                <code>{shortName(t.name)}</code> <em>{mayText[t.may]}</em>
                {t.description && <p>{t.description}</p>}
              </li>
            ))}
            {d.refused?.map((r) => (
              <li key={r}>
                <em className="loss">not let in</em> {r}
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

/** Changed shows what a server says differently than when its owner let it in. */
function Changed({ driver: d, busy, onApprove }: { driver: Driver; busy: boolean; onApprove(hash: string): void }) {
  const change = d.change;
  if (!change) return null;
  return (
    <div className="driver-change">
      <ul className="mono" role="region" aria-label={`What ${d.name} has changed`} tabIndex={0}>
        {(change.lines ?? []).map((line, i) => (
          <li key={i} className={line.startsWith("+") ? "add" : "del"}>
            {line}
          </li>
        ))}
      </ul>
      <div>
        <Button look="primary" disabled={busy} aria-label={`Let in the changed tools of ${d.name}`} onClick={() => onApprove(change.hash)}>
          Let it in
        </Button>
        <span className="hint">Read it as you would a stranger’s words. If you do not know why it changed, detach the server.</span>
      </div>
    </div>
  );
}
