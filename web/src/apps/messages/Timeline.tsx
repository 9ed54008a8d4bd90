import { CircleAlert, Clock } from "lucide-react";
import { Fragment, useEffect, useState, type ReactNode } from "react";
import { useRooms, type Room, type Unsent } from "../../session/rooms.ts";
import { Button } from "../../ui/controls.tsx";
import { useFollow } from "../../ui/useFollow.ts";
import { dayOf, exact } from "../../ui/words.ts";
import { Face } from "../../ui/Face.tsx";
import type { Line } from "./fold.ts";
import { SaidView } from "./SaidView.tsx";
import type { About } from "./WriteLine.tsx";

interface Props {
  room: Room;
  me: string;
  lines: readonly Line[];
  unsent: readonly Unsent[];
  beside?: (event: string) => ReactNode; // what stands after a line; after "", before the first
  onOlder: (() => Promise<void>) | null;
  onAbout(a: About): void;
  onThread: ((id: string) => void) | null;
}

/** Timeline shows what was said, and stays at the end while the owner reads there. */
export function Timeline({ room, me, lines, unsent, beside, onOlder, onAbout, onThread }: Props) {
  const { scroller, content, following } = useFollow(room.id);
  const [loading, setLoading] = useState(false);
  const hit = useRooms((s) => s.hit);
  useEffect(() => {
    const line = hit && content.current?.querySelector<HTMLElement>(`[data-event="${CSS.escape(hit.event)}"]`);
    if (!line) return;
    following.current = false;
    line.scrollIntoView({ block: "center" });
    line.focus({ preventScroll: true });
  }, [hit, content, following]);
  // Older messages come in above; what the owner reads stays where it is.
  const older = async () => {
    const box = scroller.current;
    if (!onOlder || !box) return;
    const below = box.scrollHeight - box.scrollTop;
    setLoading(true);
    following.current = false;
    await onOlder();
    setLoading(false);
    requestAnimationFrame(() => {
      box.scrollTop = box.scrollHeight - below;
    });
  };
  const first = beside?.("");
  const waiting = unsent.filter((u) => !lines.some((l) => l.said.once === u.once));
  return (
    <div className="timeline" ref={scroller}>
      <div className="timeline-lines" ref={content} role="log" aria-label="Messages" aria-live="polite">
        {onOlder && (
          <div className="older">
            <Button look="quiet" disabled={loading} onClick={() => void older()}>
              {loading ? "Loading" : "Older messages"}
            </Button>
          </div>
        )}
        {first}
        {lines.length === 0 && waiting.length === 0 && !first && <p className="hint timeline-empty">{room.ai ? "Ask your AI something." : "Nothing has been said here yet."}</p>}
        {lines.map((l) => (
          <Fragment key={l.said.id}>
            {l.day && (
              <p className="day" role="separator">
                <span>{dayOf(l.day)}</span>
              </p>
            )}
            <SaidView line={l} hit={hit?.event === l.said.id} room={room} me={me} onAbout={onAbout} onThread={onThread} />
            {beside?.(l.said.id)}
          </Fragment>
        ))}
        {waiting.map((u) => (
          <article key={u.once} className={`said waiting ${u.why ? "refused" : ""}`}>
            <Face handle={me} />
            <div className="said-main">
              <p className="said-text">{u.body}</p>
              <small title={exact(u.time)}>
                {u.why ? <CircleAlert className="icon tiny" aria-hidden /> : <Clock className="icon tiny" aria-hidden />}
                {u.why ? `It was not sent: ${u.why}` : "On its way"}
              </small>
            </div>
          </article>
        ))}
      </div>
    </div>
  );
}
