import type { ProgramProps } from "../../desktop/program.ts";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { count, money } from "../../ui/words.ts";
import { Acts, Made } from "./Made.tsx";

type Agent = Schemas["Agent"];

/** limitText says what one run of a program may use at the most. */
export function limitText(a: Pick<Agent, "budget" | "max_turns">): string {
  const { usd, minutes, calls, files } = a.budget;
  const parts = [
    usd ? money(usd) : "",
    minutes ? count(minutes, "minute") : "",
    a.max_turns ? count(a.max_turns, "turn") : "",
    calls ? count(calls, "tool call") : "",
    files ? `${count(files, "file")} changed` : "",
  ].filter(Boolean);
  return parts.length === 0 ? "no limit of its own" : `at most ${parts.join(", ")}`;
}

/** Agents lists the programs, with what each may do. */
export function Agents({ context }: ProgramProps) {
  const { value: agents, failure, reload } = useLoad(api.agents);
  if (failure) return <Trouble what="The agents did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!agents) return <Skeleton lines={8} />;
  if (agents.length === 0) return <Empty text="There are no agents. Each is a file in agents; undo brings back what was removed." />;
  return (
    <div className="pane">
      <p className="hint">Each is a file in your home that you may read and change. What an agent writes by itself is used only after its own trial.</p>
      <ul className="entries">
        {agents.map((a) => (
          <li className="entry" key={a.path}>
            <div className="entry-what">
              <strong>{a.name}</strong>
              {a.description && <p className="entry-text">{a.description}</p>}
              {a.problem && <p className="loss">It is not used: {a.problem}</p>}
              <p className="hint">
                {a.model || "the model you chose"}; {limitText(a)}.
              </p>
              <details>
                <summary>
                  {count((a.tools ?? []).length, "tool")}, changes {a.writes?.length ? a.writes.join(", ") : "nothing"}
                </summary>
                <p className="entry-tools mono">{(a.tools ?? []).join(" · ") || "none"}</p>
              </details>
              <Made made={a.made} />
            </div>
            <Acts name={a.name} path={a.path} made={a.made} context={context} onGone={reload} />
          </li>
        ))}
      </ul>
    </div>
  );
}
