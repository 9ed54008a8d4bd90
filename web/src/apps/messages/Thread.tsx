import { X } from "lucide-react";
import { useMemo, useState } from "react";
import { loadOlder, type Room, type Talk } from "../../session/rooms.ts";
import { IconButton } from "../../ui/controls.tsx";
import { fold } from "./fold.ts";
import { Timeline } from "./Timeline.tsx";
import { WriteLine, type About } from "./WriteLine.tsx";

/** Thread stands beside the room: one message, and what was answered to it. */
export function Thread({ room, me, root, talk, onClose }: { room: Room; me: string; root: string; talk: Talk | undefined; onClose(): void }) {
  const [about, setAbout] = useState<About | null>(null);
  const lines = useMemo(() => (talk ? fold(talk.messages, me, {}, root) : []), [talk, me, root]);
  const whole = lines[0]?.said.id === root;
  return (
    <aside className="room-beside" aria-label="Thread">
      <header className="room-head">
        <div className="room-title">
          <h2>Thread</h2>
        </div>
        <IconButton icon={X} label="Close the thread" onClick={onClose} />
      </header>
      <Timeline room={room} me={me} lines={lines} unsent={[]} onOlder={talk?.before && !whole ? () => loadOlder(room.id) : null} onAbout={setAbout} onThread={null} />
      <WriteLine key={root} room={room} me={me} thread={root} about={about} onAbout={setAbout} />
    </aside>
  );
}
