import { Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { attempt, notify, onEvent } from "../../session/store.ts";
import { Button, Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { exact } from "../../ui/words.ts";
import { JobForm } from "./JobForm.tsx";
import { dueText, missedText, resultText, rhythmText, type Job } from "./schedule.ts";

/** ScheduleView lists reminders and scheduled requests, and how they went. */
export function ScheduleView() {
  const { value: jobs, failure, reload } = useLoad(api.jobs);
  const [adding, setAdding] = useState(false);
  useEffect(() => onEvent((e) => {
    if (e.kind === "landing" || e.kind === "notice" || (e.kind === "process" && e.seq > 0)) void reload();
  }), [reload]);
  if (failure) return <Trouble what="The schedule did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!jobs) return <Skeleton lines={6} />;
  const add = (
    <Button icon={Plus} look={jobs.length === 0 ? "primary" : "plain"} onClick={() => setAdding(true)}>
      Add to the schedule
    </Button>
  );
  return (
    <div className="pane">
      {adding ? (
        <JobForm
          onDone={(added) => {
            setAdding(false);
            if (added) void reload();
          }}
        />
      ) : jobs.length === 0 ? (
        <Empty text="Nothing is scheduled. A reminder tells you something at its time; a request is done by an agent then.">{add}</Empty>
      ) : (
        <header className="pane-head">{add}</header>
      )}
      <ul className="entries">
        {jobs.map((j) => (
          <Entry key={j.id} job={j} reload={reload} />
        ))}
      </ul>
    </div>
  );
}

function Entry({ job: j, reload }: { job: Job; reload(): Promise<void> }) {
  const what = j.message || j.name;
  const result = resultText(j);
  const act = (failed: string, run: () => Promise<unknown>) => void attempt(failed, run).then(reload);
  const paused = j.paused_because;
  return (
    <li className="entry">
      <div className="entry-what">
        <strong>{what}</strong>
        {j.ask && j.ask !== what && <p className="entry-text">{j.ask}</p>}
        <p>
          {j.problem ? (
            <span className="loss">It cannot run: {j.problem}</span>
          ) : paused ? (
            <span className="waits">Paused: {paused}.</span>
          ) : j.next ? (
            <>
              Next <time dateTime={j.next} title={exact(j.next)}>{dueText(j.next)}</time>
            </>
          ) : (
            "Not due again"
          )}
        </p>
        <p className="hint">
          {j.ask ? "A request" : "A reminder"}, {rhythmText(j)}; {missedText(j)}.
        </p>
        {result && <p className={j.result === "failed" ? "loss" : j.result === "rests" ? "waits" : "hint"}>{result}</p>}
      </div>
      <div className="entry-acts">
        <Button aria-label={`Run now: ${what}`} disabled={j.result === "running"} onClick={() => act("It does not run", () => api.runJob(j.id))}>
          Run now
        </Button>
        {paused ? (
          <Button look="quiet" aria-label={`Resume: ${what}`} onClick={() => act("It stays paused", () => api.resumeJob(j.id))}>
            Resume
          </Button>
        ) : (
          <Button look="quiet" aria-label={`Pause: ${what}`} onClick={() => act("It was not paused", () => api.pauseJob(j.id))}>
            Pause
          </Button>
        )}
        <Button
          look="loss"
          aria-label={`Delete: ${what}`}
          onClick={() =>
            act("It is still there", async () => {
              await api.removeJob(j.id);
              notify({ level: "info", title: `“${what}” is off the schedule`, action: { label: "Show history", command: "go.history" } });
            })
          }
        >
          Delete
        </Button>
      </div>
    </li>
  );
}
