import { AppWindow, Check, ChevronRight, X } from "lucide-react";
import { useEffect, useState } from "react";
import type { PID } from "../../protocol/wire.ts";
import { perform } from "../../commands/all.ts";
import type { Context } from "../../commands/registry.ts";
import { costOf, ended, previewOf, stepsOf, type Item, type Step, type Turn } from "../../session/chat.ts";
import { useSession } from "../../session/store.ts";
import { Codes } from "../../ui/Codes.tsx";
import { Button } from "../../ui/controls.tsx";
import { costText, count, span } from "../../ui/words.ts";

/** ActivityTree is what the processes do for a turn, live; one line when all is done. */
export function ActivityTree({ turn, context }: { turn: Turn; context(): Context }) {
  const [open, setOpen] = useState(false);
  const done = turn.answer !== undefined;
  const steps = stepsOf(turn);
  const root = turn.root;
  if (root === undefined || (done && steps === 0)) return null;
  const cost = costText(costOf(turn));
  return (
    <div className={`activity ${done ? "done" : ""}`}>
      {done ? (
        <button type="button" className="activity-line" aria-expanded={open} onClick={() => setOpen(!open)}>
          <ChevronRight className="icon small" aria-hidden />
          <span className="num">
            {count(steps, "step")} · {span(turn.answer?.millis ?? 0)} · {cost}
          </span>
        </button>
      ) : (
        <p className="activity-line live">
          <span className="working" />
          <span className="num">
            {steps > 0 ? `${count(steps, "step")} · ` : ""}
            <Elapsed since={turn.time} /> · {cost}
          </span>
          <Previews turn={turn} context={context} />
        </p>
      )}
      {(!done || open) && <Branch turn={turn} pid={root} depth={0} />}
    </div>
  );
}

// An app that is being made can be looked at before it lands.
function Previews({ turn, context }: { turn: Turn; context(): Context }) {
  const apps = useSession((s) => s.apps);
  const live = Object.values(turn.works).filter((w) => w.process !== undefined && !ended(w.process));
  const shown = live.flatMap((w) => {
    const slug = previewOf(w, (s) => apps[s] !== undefined);
    return slug ? [{ slug, pid: w.pid }] : [];
  });
  return shown.map(({ slug, pid }) => (
    <Button key={pid} className="activity-preview" look="quiet" icon={AppWindow} title="As it is now, not landed yet" onClick={() => perform("app.preview", context(), `${slug}@${pid}`)}>
      Preview {apps[slug]?.name ?? slug}
    </Button>
  ));
}

function Elapsed({ since }: { since: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return <>{span(Math.max(0, now - Date.parse(since)))}</>;
}

function Branch({ turn, pid, depth }: { turn: Turn; pid: PID; depth: number }) {
  const work = turn.works[pid];
  if (!work) return null;
  const state = work.process?.state ?? "running";
  const over = turn.answer !== undefined || (work.process !== undefined && ended(work.process));
  return (
    <ol className={`branch ${depth > 0 ? "child" : ""}`}>
      {depth > 0 && (
        <li className="branch-head">
          <i className={`dot ${state === "failed" ? "failed" : work.process?.program === "healer" ? "healer" : "agent"}`} aria-hidden />
          <b>{work.process?.program ?? "process"}</b>
          <span className="num">{costText(work.process?.cost ?? work.spent)}</span>
          {state === "waiting" && work.process?.waiting_for && <span>waiting for {work.process.waiting_for}</span>}
        </li>
      )}
      {work.items.map((item, i) => (
        <li key={i}>{renderItem[item.kind](item as never, turn, depth, over)}</li>
      ))}
      {!over && <Now pid={pid} />}
    </ol>
  );
}

// What each kind of item looks like.
const renderItem: { [K in Item["kind"]]: (item: Extract<Item, { kind: K }>, turn: Turn, depth: number, over: boolean) => React.ReactNode } = {
  step: (item, _turn, _depth, over) => <StepLine step={item} over={over} />,
  remark: (item) => <p className="remark">{item.text}</p>,
  child: (item, turn, depth) => (depth > 6 ? null : <Branch turn={turn} pid={item.pid} depth={depth + 1} />),
};

function StepLine({ step, over }: { step: Step; over: boolean }) {
  const [open, setOpen] = useState(false);
  const { result } = step;
  const detail = result?.text.trim() ?? "";
  return (
    <div className={`step ${result?.failed ? "failed" : ""}`}>
      <button type="button" className="step-line" aria-expanded={detail ? open : undefined} disabled={detail === ""} onClick={() => setOpen(!open)}>
        {result ? result.failed ? <X className="icon small" aria-label="failed" /> : <Check className="icon small" aria-hidden /> : over ? <span className="step-gap" /> : <span className="working" />}
        <span className="step-title">
          <Codes text={step.title || step.name} />
        </span>
        {result && result.millis >= 100 && <span className="num step-time">{span(result.millis)}</span>}
      </button>
      {open && <pre className="step-detail">{detail}</pre>}
    </div>
  );
}

/** Now is what a process is thinking or writing at this moment, in one quiet line. */
function Now({ pid }: { pid: PID }) {
  const draft = useSession((s) => s.drafts[pid]);
  if (draft?.retry && draft.text === "" && draft.thinking === "") {
    return (
      <li className="now waiting">
        The model did not answer ({draft.retry.reason}). Trying again, attempt {draft.retry.attempt + 1}.
      </li>
    );
  }
  if (draft?.writing) {
    return <li className="now">Writing, {draft.writing.split("\n").length} lines so far</li>;
  }
  const thought = draft?.thinking.trim().split("\n").at(-1) ?? "";
  return thought === "" ? null : <li className="now thinking">{thought}</li>;
}
