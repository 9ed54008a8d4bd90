import { MessageSquarePlus, PanelLeft } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { api } from "../../session/api.ts";
import { ask, attempt, showConversation, useSession } from "../../session/store.ts";
import { Composer } from "../../ui/Composer.tsx";
import { IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useFollow } from "../../ui/useFollow.ts";
import { Conversations } from "./Conversations.tsx";
import { TurnView } from "./TurnView.tsx";
import "./activity.css";
import "./chat.css";

const openers = [
  "Track my expenses with amount, category and date, and show a chart per month",
  "Remind me to water the plants every Saturday at 9",
  "What can you do?",
];

const narrow = 560; // as in chat.css: here the list stands in the text's place

export default function Chat({ arg, context }: ProgramProps) {
  const active = useSession((s) => s.active);
  const talk = useSession((s) => (s.active === null ? undefined : s.talks[s.active]));
  const pending = useSession((s) => s.pending);
  const failure = useSession((s) => s.askFailure);
  const model = useSession((s) => s.me?.model.label ?? "");
  const [list, setList] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const turns = talk?.doc.turns ?? [];
  const last = turns.at(-1);
  const running = last !== undefined && !last.answer;
  const asked = pending && pending.conversation === active ? pending.text : null;
  const { scroller, content } = useFollow(`${active}/${turns.length}/${asked ?? ""}`);

  useEffect(() => {
    if (active !== null) void showConversation(active);
  }, [active]);

  const stop = () => {
    if (last?.root) void attempt("It was not stopped", () => api.signal(last.root ?? 0, "interrupt"));
  };
  const empty = active === null && !asked;

  return (
    <div ref={root} className={`chat ${list ? "with-list" : ""}`}>
      <div className="chat-tools">
        <IconButton icon={PanelLeft} label={list ? "Hide conversations" : "Conversations"} aria-expanded={list} onClick={() => setList(!list)} />
        <IconButton icon={MessageSquarePlus} label="New conversation" onClick={() => void showConversation(null)} />
      </div>
      {list && <Conversations onChoose={() => (root.current?.clientWidth ?? 0) <= narrow && setList(false)} />}
      <div className="chat-main">
        <div className="chat-scroll" ref={scroller} tabIndex={-1}>
          <div className="chat-document" ref={content} role="log" aria-label="Conversation" aria-busy={running}>
            {active !== null && !talk?.loaded && turns.length === 0 && !failure && !asked && <Skeleton lines={5} />}
            {turns.map((t, i) => (
              <TurnView key={t.request || i} turn={t} conversation={active ?? ""} newest={i === turns.length - 1} context={context} />
            ))}
            {asked && (
              <article className="turn">
                <p className="asked">{asked}</p>
                <div className="answered">
                  <p className="quiet-line">
                    <span className="working" /> Sending
                  </p>
                </div>
              </article>
            )}
            {failure && <Trouble what="That did not arrive." why={failure.message} hint={failure.hint} />}
            {empty && !failure && (
              <div className="chat-empty">
                <p>Describe what you need. It becomes an app, a file or an answer, and stays yours.</p>
                <ul>
                  {openers.map((text) => (
                    <li key={text}>
                      <button type="button" onClick={() => void ask(text)}>
                        {text}
                      </button>
                    </li>
                  ))}
                </ul>
              </div>
            )}
          </div>
        </div>
        <div className="chat-foot">
          <Composer focus label="Ask" placeholder={running ? "Add to it, or stop it" : turns.length ? "Ask for a change, or anything else" : "Describe an app, or ask anything"} seed={arg} running={running} onStop={stop} onAsk={(text) => void ask(text)} />
          <p className="chat-model">
            {model}
            <button type="button" onClick={() => context().desk.openProgram("settings", "model")}>
              Change
            </button>
          </p>
        </div>
      </div>
    </div>
  );
}
