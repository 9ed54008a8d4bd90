import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { block } from "../../session/people.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";

/** BlockedSection lists whom the owner has blocked, and takes that back. */
export function BlockedSection() {
  const { value: list, failure, reload } = useLoad(api.blocked);
  if (failure) return <Trouble what="The list did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!list) return <Skeleton lines={1} />;
  if (list.length === 0) return <p className="hint">Nobody. You block people in Messages or in Social, at what they have said.</p>;
  return (
    <>
      {list.map((who) => (
        <div key={who} className="setting">
          <code>{who}</code>
          <Button onClick={() => void block(who, false).then(reload)}>Unblock</Button>
        </div>
      ))}
      <p className="hint">
        Neither you nor your AI hears of them, and they are kept out of your feeds. Kept in <code>system/contacts.json</code>.
      </p>
    </>
  );
}
