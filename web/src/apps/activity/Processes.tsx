import { CirclePlay, OctagonX } from "lucide-react";
import { perform } from "../../commands/all.ts";
import type { ProgramProps } from "../../desktop/program.ts";
import { api } from "../../session/api.ts";
import { addCost, ended, noCost } from "../../session/chat.ts";
import { attempt, showConversation, useSession } from "../../session/store.ts";
import { Button, Empty } from "../../ui/controls.tsx";
import { useNow } from "../../ui/useNow.ts";
import { ago, costText, count, exact, money, span, tokens } from "../../ui/words.ts";
import { grantText, stateText, toneOf, tree, type Row } from "./process.ts";

type Context = ProgramProps["context"];
const sumOf = (c: Row["together"]) => c.input + c.output + c.cache_read + c.cache_write;

/** Processes is Mission Control: what runs, what rests and why, and what became of the rest. */
export function Processes({ context }: { context: Context }) {
  const processes = useSession((s) => s.processes);
  const stopped = useSession((s) => s.me?.stopped ?? false);
  const all = Object.values(processes).sort((a, b) => a.pid - b.pid);
  const rows = tree(all);
  const resting = all.filter((p) => p.state === "parked" && !p.parent);
  const live = all.filter((p) => !ended(p) && p.state !== "parked");
  const past = tree(all.filter(ended).toSorted((a, b) => b.pid - a.pid).slice(0, 40));
  const today = new Date().toDateString();
  const spent = all.filter((p) => new Date(p.started).toDateString() === today).reduce((sum, p) => addCost(sum, p.cost), noCost);
  return (
    <>
      <header className="activity-head">
        <p className="activity-sum num" role="status">
          <b>{stopped ? "Everything is stopped, schedules too." : live.length === 0 ? "Nothing runs." : `${count(live.length, "process", "processes")} at work.`}</b>
          {resting.length > 0 && ` ${resting.length} ${resting.length === 1 ? "rests" : "rest"}.`} Today: {costText(spent)}, {tokens(sumOf(spent))} tokens.
        </p>
        {stopped ? (
          <Button look="primary" icon={CirclePlay} onClick={() => perform("ask.go-on", context())}>
            Let everything go on
          </Button>
        ) : (
          live.length > 0 && (
            <Button look="loss" icon={OctagonX} onClick={() => perform("ask.stop", context())}>
              Stop everything
            </Button>
          )
        )}
      </header>
      {all.length === 0 && <Empty text="Whatever you ask for runs as a process, and shows here with what it does and costs." />}
      <List caption="Resting" rows={rows.filter((r) => r.process.state === "parked")} context={context} />
      <List caption="At work" rows={rows.filter((r) => !ended(r.process) && r.process.state !== "parked")} context={context} />
      <List caption="Earlier" rows={past} context={context} />
    </>
  );
}

function List({ caption, rows, context }: { caption: string; rows: Row[]; context: Context }) {
  if (rows.length === 0) return null;
  return (
    <section aria-label={caption}>
      <h3>{caption}</h3>
      <ul>
        {rows.map((r) => (
          <Item key={r.process.pid} row={r} context={context} />
        ))}
      </ul>
    </section>
  );
}

function Item({ row: { process: p, depth, helpers, together }, context }: { row: Row; context: Context }) {
  const over = ended(p);
  const now = useNow(over ? 0 : 500);
  const took = Math.max(0, (p.ended ? Date.parse(p.ended) : now) - Date.parse(p.started));
  const most = p.budget?.usd ? ` of ${money(p.budget.usd)}` : "";
  const named = p.task || p.program;
  return (
    <li className="process" style={{ paddingInlineStart: 16 + Math.min(depth, 4) * 20 }}>
      {toneOf(p) === "running" ? <span className="working" /> : <i className={`dot ${toneOf(p)}`} aria-hidden />}
      <div className="process-what">
        <button
          type="button"
          className="process-task"
          onClick={() => {
            void showConversation(p.conversation);
            perform("go.chat", context());
          }}
        >
          {named}
        </button>
        <p className={p.state === "parked" ? "process-state waits" : "process-state"}>
          {stateText(p)}
          <span className="hint num">
            {" "}
            · {p.program} · {over ? span(took) : `for ${span(took)}`} · started{" "}
            <time dateTime={p.started} title={exact(p.started)}>
              {ago(p.started, Math.max(now, Date.parse(p.started)))}
            </time>
          </span>
        </p>
        <p className="hint num">
          {costText(p.cost)}
          {most} · {tokens(sumOf(p.cost))} tokens · {count(p.calls, "step")}
          {helpers > 0 && ` · with ${count(helpers, "helper")} ${costText(together)}`} · {p.model} · process {p.pid}
        </p>
        {p.error && (p.state === "failed" || p.state === "parked") && <p className={p.state === "failed" ? "process-error" : "hint"}>{p.error}</p>}
      </div>
      {!over && (
        <div className="process-acts">
          {p.state === "parked" && !p.parent && (
            <Button aria-label={`${grantText(p)}: ${named}`} onClick={() => void attempt("It does not go on", () => api.goOn(p.pid))}>
              {grantText(p)}
            </Button>
          )}
          {p.state !== "parked" && !p.parent && (
            <Button look="quiet" aria-label={`Let ${named} rest`} onClick={() => void attempt("It does not rest", () => api.signal(p.pid, "stop"))}>
              Rest
            </Button>
          )}
          <Button look="loss" aria-label={`End ${named}`} onClick={() => void attempt("It was not ended", () => api.signal(p.pid, "kill"))}>
            End
          </Button>
        </div>
      )}
    </li>
  );
}
