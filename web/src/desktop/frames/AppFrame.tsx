import { memo, useCallback, useEffect, useState } from "react";
import { perform } from "../../commands/all.ts";
import type { HealCase, Slug } from "../../protocol/wire.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { api } from "../../session/api.ts";
import { ended } from "../../session/chat.ts";
import { refusalOf } from "../../session/http.ts";
import { unwell } from "../../session/state.ts";
import { useSession } from "../../session/store.ts";
import { sentence, whenText } from "../../ui/words.ts";
import { context, desk, endPreview } from "../store.ts";
import type { Guise } from "./guise.ts";
import { IllNote } from "./IllNote.tsx";
import { Recorder } from "./Recorder.tsx";
import { useLoads } from "./useLoads.ts";

const sandbox = "allow-scripts allow-forms allow-downloads";

export const AppFrame = memo(function AppFrame({ slug, guise, onTitle, onClose }: { slug: Slug; guise?: Guise; onTitle(title: string): void; onClose(): void }) {
  const title = useCallback((t: string) => onTitle(t), [onTitle]);
  const { app, loads, failure, fault, wish, ill, attach, start, startAnew, patient, dismissFault } = useLoads(slug, title, guise);
  const broken = !guise && app && !app.ok ? app.diagnostics?.find((d) => d.severity === "error") : undefined;
  const sick = useSession((s) => (guise ? undefined : unwell(s.heals, slug)));
  const name = app?.name ?? slug;

  return (
    <div className={`app-frame ${guise ? "guised" : ""}`}>
      {guise && <Mark slug={slug} guise={guise} data={loads.at(-1)?.launch.data} />}
      {!guise && <Recorder slug={slug} name={name} afresh={() => desk.reloadApp(slug)} />}
      {loads.map((load) => (
        <iframe
          key={load.id}
          ref={(el) => attach(load, el)}
          title={load.ready ? name : `${name}, loading`}
          sandbox={sandbox}
          referrerPolicy="no-referrer"
          className={load.ready ? "shown" : ""}
          aria-hidden={!load.ready}
        />
      ))}
      {loads.every((l) => !l.ready) && !failure && (
        <div className="app-waiting" aria-label={`${name} is starting`} role="status">
          <Skeleton lines={6} />
        </div>
      )}
      <div className="app-notes">
        {ill && <IllNote ill={ill} name={name} slug={slug} guised={!!guise} onAnew={startAnew} onWait={patient} onClose={onClose} />}
        {failure && !(wish && failure.kind === "needs approval") && (
          <Trouble what={`${name} did not start.`} why={failure.message} hint={failure.hint}>
            <Button onClick={() => void start()}>Try again</Button>
            <Button look="quiet" onClick={() => desk.openProgram("files", app?.folder ?? `apps/${slug}`)}>
              Show its files
            </Button>
          </Trouble>
        )}
        {broken && (
          <Trouble
            what={loads.some((l) => l.ready && l.compiled) ? "The newest change does not compile; you see the last good build." : `${name} does not compile.`}
            why={[broken.file && `${broken.file}${broken.line ? `:${broken.line}` : ""}`, broken.text].filter(Boolean).join(" — ")}
            hint={broken.hint}
          >
            {app?.packages?.length ? <Packages names={app.packages} /> : null}
            <Button look="primary" onClick={() => perform("app.repair", context(), slug)}>
              Ask to repair
            </Button>
            <Button look="quiet" onClick={() => desk.openProgram("files", broken.file ?? `apps/${slug}`)}>
              Open the file
            </Button>
          </Trouble>
        )}
        {!broken && sick && <Sick one={sick} name={name} slug={slug} />}
        {!broken && !sick && fault && (
          <Trouble what={`Something in ${name} went wrong.`} why={fault.message}>
            <Button look="primary" onClick={() => perform("app.repair", context(), slug)}>
              Ask to repair
            </Button>
            <Button look="quiet" onClick={dismissFault}>
              Dismiss
            </Button>
          </Trouble>
        )}
        {wish && (
          <div className="wish" role="alertdialog" aria-label={`${name} wants to ask`}>
            <p>
              <strong>
                {name} {wish.lead}
              </strong>{" "}
              {wish.text}
            </p>
            <div className="actions">
              <Button look="primary" onClick={() => wish.decide(true)}>
                {wish.yes}
              </Button>
              <Button look="quiet" onClick={() => wish.decide(false)}>
                Don’t
              </Button>
            </div>
          </div>
        )}
      </div>
    </div>
  );
});

// Where the data is at fault, the app is not: nobody is asked to write it anew.
const isOfData = (one: HealCase) => one.detector === "data" && !one.culprit;

function sickText(one: HealCase, name: string): string {
  const what = isOfData(one) ? `Something is wrong with what ${name} keeps` : `${name} does not work as it should`;
  return one.state === "proposed" ? `${what}; a repair is ready.` : `${what}, and could not be mended.`;
}

// What the healer found, and the ways out.
function Sick({ one, name, slug }: { one: HealCase; name: string; slug: Slug }) {
  const ofData = isOfData(one);
  const deciding = useSession((s) => s.deciding[one.id]);
  return (
    <Trouble
      what={sickText(one, name)}
      why={one.why}
      hint={one.state === "proposed" ? undefined : sentence(one.ways?.join("; or "))}
    >
      {one.state === "proposed" ? (
        <Button look="primary" disabled={!!deciding} onClick={() => perform("heal.accept", context(), String(one.id))}>
          {deciding === "repair" ? "Trying the repair…" : one.path.endsWith(".sqlite") ? "Bring the copy back" : "Repair it"}
        </Button>
      ) : ofData ? null : (
        <Button look="primary" onClick={() => perform("app.repair", context(), slug)}>
          Ask to repair
        </Button>
      )}
      <Button look="quiet" onClick={() => desk.openProgram("activity", "repairs")}>
        {one.state === "proposed" ? "Show what it does" : "Show what was seen"}
      </Button>
      <Button look="quiet" disabled={!!deciding} onClick={() => perform("heal.leave", context(), String(one.id))}>
        Leave it as it is
      </Button>
    </Trouble>
  );
}

// What an app lacks of npm comes when the owner says yes, once for each name.
function Packages({ names }: { names: string[] }) {
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState("");
  const install = () => {
    setBusy(true);
    setWhy("");
    api
      .allowPackages(names, true)
      .catch((error: unknown) => setWhy(refusalOf(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <>
      <Button look="primary" disabled={busy} onClick={install}>
        {busy ? "Installing…" : `Install ${names.join(", ")} from npm`}
      </Button>
      {why && <p role="alert">{why}</p>}
    </>
  );
}

// The line on top of a window that does not show the app as it is.
function Mark({ slug, guise, data }: { slug: Slug; guise: Guise; data?: "then" | "now" }) {
  const landing = useSession((s) => s.landings.find((l) => l.id === guise.at));
  const over = useSession((s) => guise.pid !== undefined && (s.processes[guise.pid] ? ended(s.processes[guise.pid]!) : false));
  useEffect(() => {
    if (over && guise.pid !== undefined) endPreview(slug, guise.pid);
  }, [over, slug, guise.pid]);
  if (guise.pid !== undefined)
    return (
      <p className="guise-mark" role="note">
        <b>Preview.</b> It is still being made; what you enter here is thrown away.
      </p>
    );
  return (
    <p className="guise-mark" role="note">
      <b>As it was{landing ? ` ${whenText(landing.time)}` : ` at L${guise.at}`}.</b> To look at only{data === "now" ? "; its data are today’s" : data === "then" ? ", with its data of that time" : ""}.
    </p>
  );
}
