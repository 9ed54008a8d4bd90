import { useCallback, useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Prose } from "../../ui/Prose.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { count } from "../../ui/words.ts";
import { Acts, Made } from "./Made.tsx";

/** Skills lists what agents can look up before a task, and shows it. */
export function Skills({ context }: ProgramProps) {
  const { value: skills, failure, reload } = useLoad(api.skills);
  if (failure) return <Trouble what="The skills did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!skills) return <Skeleton lines={6} />;
  if (skills.length === 0) return <Empty text="There are no skills yet. Ask for one in words, such as “Learn how I like my weekly report”." />;
  return (
    <div className="pane">
      <ul className="entries">
        {skills.map((s) => (
          <li className="entry" key={s.path}>
            <div className="entry-what">
              <strong>{s.name}</strong>
              {s.description && <p className="entry-text">{s.description}</p>}
              {s.problem ? <p className="loss">It is not used: {s.problem}</p> : <Reading path={s.path} more={(s.files ?? []).length} />}
              {s.made && <Made made={s.made} />}
            </div>
            {s.made && <Acts name={s.name} path={s.path} made={s.made} context={context} onGone={reload} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

// The text is read when somebody opens it.
function Reading({ path, more }: { path: string; more: number }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Read it{more > 0 && `, and ${count(more, "file")} beside it`}</summary>
      {open && <Text path={path} />}
    </details>
  );
}

function Text({ path }: { path: string }) {
  const { value, failure } = useLoad(useCallback(() => api.file(path), [path]));
  if (failure) return <p className="loss">{failure.message}</p>;
  return value ? <Prose text={bodyOf(value.content)} /> : <Skeleton lines={3} />;
}

/** bodyOf is a text without its front matter. */
export function bodyOf(text: string): string {
  const end = text.startsWith("---\n") ? text.indexOf("\n---\n", 3) : -1;
  return end < 0 ? text : text.slice(end + 5).trim();
}
