import { memo } from "react";
import type { Context } from "../../commands/registry.ts";
import { openApproval, openQuestion, prose, type Turn } from "../../session/chat.ts";
import { answerQuestion, ask, useSession } from "../../session/store.ts";
import { Button, Trouble } from "../../ui/controls.tsx";
import { Codes } from "../../ui/Codes.tsx";
import { Prose } from "../../ui/Prose.tsx";
import { exact } from "../../ui/words.ts";
import { ActivityTree } from "./ActivityTree.tsx";
import { ApprovalCard } from "./ApprovalCard.tsx";
import { ConflictCard } from "./ConflictCard.tsx";
import { LandingCard } from "./LandingCard.tsx";

interface Props {
  turn: Turn;
  conversation: string;
  newest: boolean;
  context(): Context;
}

/** TurnView is one turn: the owner's line in the margin, the answer, what was done for it, how it ended. */
export const TurnView = memo(function TurnView({ turn, conversation, newest, context }: Props) {
  const text = useSession((s) => prose(turn, s.drafts));
  const question = openQuestion(turn);
  const approval = openApproval(turn);
  const { answer } = turn;
  const retry = () => void ask(turn.ask.text, { conversation });
  return (
    <article className="turn" aria-label={turn.ask.text.slice(0, 80)}>
      <p className="asked" title={exact(turn.time)}>
        {turn.ask.text}
        {turn.ask.from !== "desktop" && <small>from {turn.ask.from}</small>}
      </p>
      <div className="answered">
        {text !== "" && <Prose text={text} writing={!answer} />}
        {answer && !answer.ok && (
          <Trouble what={answer.kind === "canceled" ? "Stopped. Nothing was changed." : "This did not work."} why={answer.kind === "canceled" ? undefined : answer.text} hint={answer.hint}>
            <Button onClick={retry}>Ask again</Button>
            {(answer.kind === "unauthorized" || answer.kind === "unavailable") && (
              <Button look="quiet" onClick={() => context().desk.openProgram("settings", "model")}>
                Check the model
              </Button>
            )}
          </Trouble>
        )}
        <ActivityTree turn={turn} context={context} />
        {turn.questions
          .filter((q) => q.answered)
          .map((q) => (
            <p key={q.id} className="settled">
              <Codes text={q.text} /> <b>{q.answered}</b>
            </p>
          ))}
        {question && (
          <div className="question" role="group" aria-label="A question for you">
            <p>
              <Codes text={question.text} />
            </p>
            <div className="choices">
              {(question.choices ?? []).map((c) => (
                <Button key={c} onClick={() => void answerQuestion(conversation, question.id, c)}>
                  {c}
                </Button>
              ))}
            </div>
            {(question.number || !question.choices?.length) && <AnswerField key={question.id} onAnswer={(a) => void answerQuestion(conversation, question.id, a)} />}
            {question.number ? (
              <p className="leave">
                <small>Question {question.number} of at most 3.</small>
                <Button look="quiet" onClick={() => void answerQuestion(conversation, question.id, "")}>
                  Decide for me
                </Button>
              </p>
            ) : null}
          </div>
        )}
        {turn.approvals
          .filter((a) => a.verdict)
          .map((a) => (
            <p key={a.id} className="settled">
              <Codes text={a.text} /> <b>{a.verdict === "allowed" ? "Allowed" : "Not allowed"}</b>
            </p>
          ))}
        {approval && <ApprovalCard approval={approval} />}
        {turn.conflicts
          .filter((c) => c.state !== "retrying")
          .map((c) => (
            <ConflictCard key={c.id} conflict={c} context={context} />
          ))}
        {turn.landings.map((l) => (
          <LandingCard key={l.id} landing={l} turn={turn} newest={newest} context={context} />
        ))}
      </div>
    </article>
  );
});

function AnswerField({ onAnswer }: { onAnswer(text: string): void }) {
  return (
    <form
      className="answer-field"
      onSubmit={(e) => {
        e.preventDefault();
        const text = String(new FormData(e.currentTarget).get("answer") ?? "").trim();
        if (text) onAnswer(text);
      }}
    >
      <input className="input" name="answer" aria-label="Your answer" placeholder="Or in your own words" autoFocus autoComplete="off" />
      <Button type="submit" look="primary">
        Answer
      </Button>
    </form>
  );
}
