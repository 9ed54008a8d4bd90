import type { Approval } from "../../session/chat.ts";
import { answerApproval } from "../../session/store.ts";
import { Button } from "../../ui/controls.tsx";

/** ApprovalCard asks for the owner's word on one effect: what, why it is asked, and exactly what would be done. */
export function ApprovalCard({ approval }: { approval: Approval }) {
  const answer = (allow: boolean, always = false) => () => void answerApproval(approval.id, allow, always);
  return (
    <div className="question approval" role="group" aria-label="This needs your approval">
      <p>
        <b>{approval.text}</b>
      </p>
      <p className="quiet">You are asked because {approval.why}.</p>
      <details>
        <summary>Exactly what would be done</summary>
        <pre>{typeof approval.args === "string" ? approval.args : JSON.stringify(approval.args, null, 2)}</pre>
      </details>
      <div className="choices">
        <Button onClick={answer(true)}>Allow once</Button>
        <Button look="quiet" onClick={answer(false)}>
          Don’t allow
        </Button>
        <Button look="quiet" onClick={answer(true, true)}>
          Always allow {approval.target}
        </Button>
      </div>
    </div>
  );
}
