import { useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { Button, Segmented, Trouble } from "../../ui/controls.tsx";

type NewJob = Schemas["JobBody"];
type Kind = "message" | "ask";
type Rhythm = "once" | "hour" | "day" | "week" | "month" | "cron";

const rhythms: readonly [Rhythm, string][] = [["once", "Once"], ["hour", "Every hour"], ["day", "Every day"], ["week", "Every week"], ["month", "Every month"], ["cron", "By a cron expression"]];
const days: readonly [string, string][] = [["mon", "Monday"], ["tue", "Tuesday"], ["wed", "Wednesday"], ["thu", "Thursday"], ["fri", "Friday"], ["sat", "Saturday"], ["sun", "Sunday"]];

/** jobOf makes a job of what stands in the form. */
export function jobOf(kind: Kind, rhythm: Rhythm, of: (field: string) => string): NewJob {
  const job: NewJob = { [kind]: of("text"), missed: (of("missed") || undefined) as NewJob["missed"] };
  if (kind === "ask" && of("usd")) job.usd = Number(of("usd"));
  const clock = of("clock") || "09:00";
  switch (rhythm) {
    case "once":
      return { ...job, at: new Date(of("at")).toISOString() };
    case "hour":
      return { ...job, every: "hour" };
    case "day":
      return { ...job, every: `day ${clock}` };
    case "week":
      return { ...job, every: `week ${of("weekday")} ${clock}` };
    case "month":
      return { ...job, every: `month ${of("monthday")} ${clock}` };
    case "cron":
      return { ...job, cron: of("cron") };
  }
}

/** JobForm puts a reminder or a request on the schedule. */
export function JobForm({ onDone }: { onDone(added: boolean): void }) {
  const [kind, setKind] = useState<Kind>("message");
  const [rhythm, setRhythm] = useState<Rhythm>("once");
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    setBusy(true);
    try {
      await api.addJob(jobOf(kind, rhythm, (field) => String(form.get(field) ?? "").trim()));
      onDone(true);
    } catch (error) {
      setFailure(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <form className="pane-form" aria-label="Add to the schedule" onSubmit={(e) => void save(e)}>
      <Segmented<Kind> label="What it is" value={kind} options={[{ value: "message", label: "Remind me" }, { value: "ask", label: "Have it done" }]} onChange={setKind} />
      <label className="field">
        <span>{kind === "message" ? "What to remind you of" : "What an agent is to do"}</span>
        <textarea className="input" name="text" rows={kind === "message" ? 1 : 3} required maxLength={kind === "message" ? 2000 : 8000} autoFocus />
      </label>
      <div className="line-form">
        <Choice name="rhythm" label="When" options={rhythms} value={rhythm} onChange={(v) => setRhythm(v as Rhythm)} />
        {rhythm === "week" && <Choice name="weekday" label="Day" options={days} />}
        {rhythm === "month" && <Field name="monthday" label="Day of the month" type="number" min={1} max={31} defaultValue={1} />}
        {rhythm === "once" && <Field name="at" label="Time" type="datetime-local" />}
        {(rhythm === "day" || rhythm === "week" || rhythm === "month") && <Field name="clock" label="Time" type="time" defaultValue="09:00" />}
        {rhythm === "cron" && <Field name="cron" label="Minute, hour, day, month, weekday" placeholder="30 7 * * 1-5" />}
        <Choice name="missed" label="If that time is missed" options={[["", "The usual"], ["skip", "Leave it out"], ["once", "Make up for it once"], ["all", "Make up for each"]]} />
        {kind === "ask" && <Field name="usd" label="May cost, in dollars" type="number" min={0.01} max={100} step="any" required={false} placeholder="the usual" />}
      </div>
      {failure && <Trouble what="It was not scheduled." why={failure.message} hint={failure.hint} />}
      <div className="actions">
        <Button look="primary" type="submit" disabled={busy}>
          Schedule it
        </Button>
        <Button look="quiet" onClick={() => onDone(false)}>
          Leave it
        </Button>
      </div>
    </form>
  );
}

function Field({ label, ...input }: React.InputHTMLAttributes<HTMLInputElement> & { label: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      <input className="input num" required {...input} />
    </label>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  options: readonly (readonly [string, string])[];
  value?: string;
  onChange?(value: string): void;
}

function Choice({ name, label, options, value, onChange }: ChoiceProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <select className="input" name={name} value={value} onChange={onChange && ((e) => onChange(e.target.value))}>
        {options.map(([of, text]) => (
          <option key={of} value={of}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
