import { OctagonX } from "lucide-react";
import { useEffect, useState } from "react";
import { perform } from "../../commands/all.ts";
import type { ProgramProps } from "../../desktop/program.ts";
import type { Process } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { addCost, ended, noCost } from "../../session/chat.ts";
import { attempt, showConversation, useSession } from "../../session/store.ts";
import { Button, Empty } from "../../ui/controls.tsx";
import { ago, costText, count, exact, span, tokens } from "../../ui/words.ts";
import "./activity.css";

/** stateText says where a process stands, in words. */
export function stateText(p: Process): string {
  if (p.state === "waiting") return p.waiting_for ? `waiting for ${p.waiting_for}` : "waiting";
  if (p.state === "parked") return "parked";
  return p.state;
}

const tone = (p: Process) => (p.state === "failed" ? "failed" : p.state === "waiting" || p.state === "parked" ? "waiting" : ended(p) ? "" : "running");

/** tree orders processes so that children follow their parents, with their depth. */
export function tree(list: readonly Process[]): { process: Process; depth: number }[] {
  const known = new Set(list.map((p) => p.pid));
  const out: { process: Process; depth: number }[] = [];
  const walk = (parent: number | undefined, depth: number) => {
    for (const p of list) {
      const up = p.parent && known.has(p.parent) ? p.parent : undefined;
      if (up !== parent || depth > 12) continue;
      out.push({ process: p, depth });
      walk(p.pid, depth + 1);
    }
  };
  walk(undefined, 0);
  return out;
}

export default function ActivityView({ context }: ProgramProps) {
  const processes = useSession((s) => s.processes);
  const all = Object.values(processes).sort((a, b) => b.pid - a.pid);
  const live = all.filter((p) => !ended(p));
  const past = all.filter(ended).slice(0, 40);
  const today = new Date().toDateString();
  const spent = all.filter((p) => new Date(p.started).toDateString() === today).reduce((sum, p) => addCost(sum, p.cost), noCost);

  return (
    <div className="activity-view">
      <header>
        <p className="activity-sum num">
          <b>{live.length === 0 ? "Nothing runs." : `${count(live.length, "process", "processes")} running.`}</b> Today: {costText(spent)}, {tokens(spent.input + spent.output + spent.cache_read + spent.cache_write)} tokens.
        </p>
        {live.length > 0 && (
          <Button look="loss" icon={OctagonX} onClick={() => perform("ask.stop", context())}>
            Stop all
          </Button>
        )}
      </header>
      {all.length === 0 && <Empty text="Whatever you ask for runs as a process, and shows here with what it does and costs." />}
      {live.length > 0 && <Table caption="Running" rows={tree(live.toSorted((a, b) => a.pid - b.pid))} context={context} />}
      {past.length > 0 && <Table caption="Earlier" rows={tree(past)} context={context} />}
    </div>
  );
}

interface TableProps {
  caption: string;
  rows: { process: Process; depth: number }[];
  context: ProgramProps["context"];
}

function Table({ caption, rows, context }: TableProps) {
  return (
    <section>
      <h3>{caption}</h3>
      <ul className="process-list">
        {rows.map(({ process: p, depth }) => (
          <Row key={p.pid} process={p} depth={depth} context={context} />
        ))}
      </ul>
    </section>
  );
}

function Row({ process: p, depth, context }: { process: Process; depth: number; context: ProgramProps["context"] }) {
  const over = ended(p);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [over]);
  const took = Math.max(0, (p.ended ? Date.parse(p.ended) : now) - Date.parse(p.started));
  return (
    <li className="process" style={{ paddingInlineStart: 16 + Math.min(depth, 4) * 20 }}>
      {over || p.state === "waiting" || p.state === "parked" ? <i className={`dot ${tone(p)}`} aria-hidden /> : <span className="working" />}
      <div className="process-what">
        <button
          type="button"
          className="process-task"
          onClick={() => {
            void showConversation(p.conversation);
            perform("go.chat", context());
          }}
        >
          {p.task || p.program}
        </button>
        <p className="hint num">
          {p.program} · {stateText(p)} · {count(p.calls, "step")} · {span(took)} · {costText(p.cost)} ·{" "}
          <time dateTime={p.started} title={exact(p.started)}>
            {ago(p.started, Math.max(now, Date.parse(p.started)))}
          </time>
        </p>
        {p.error && p.state === "failed" && <p className="process-error">{p.error}</p>}
      </div>
      <span className="mono process-pid">{p.pid}</span>
      {!over && (
        <Button look="loss" onClick={() => void attempt("It was not stopped", () => api.signal(p.pid, "kill"))}>
          Stop
        </Button>
      )}
    </li>
  );
}
