import { MessagesSquare } from "lucide-react";
import { useEffect, useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { loadDeals } from "../../session/deals.ts";
import { useReach } from "../../session/reach.ts";
import { loadRooms, showHit, showRoom, useRooms } from "../../session/rooms.ts";
import { useSession } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Agreements } from "./Agreements.tsx";
import { Invited } from "./Invited.tsx";
import { NewRoom } from "./NewRoom.tsx";
import { RoomList } from "./RoomList.tsx";
import { RoomView } from "./RoomView.tsx";
import "./messages.css";
import "./timeline.css";

export default function MessagesView({ context }: ProgramProps) {
  const { rooms, loaded, failure, open, agreements } = useRooms();
  const me = useSession((s) => s.me?.handle ?? "");
  const [making, setMaking] = useState(false);
  useEffect(() => {
    void loadRooms();
    void loadDeals();
  }, []);
  // Nobody looks at a room whose window is closed.
  useEffect(() => () => useRooms.setState({ open: null, agreements: false, thread: null }), []);
  const room = rooms.find((r) => r.id === open);
  const settings = () => context().desk.openProgram("settings", "handle");
  const away = () => {
    setMaking(false);
    showRoom(null);
  };
  const start = () => {
    useRooms.setState({ agreements: false });
    setMaking(true);
  };
  return (
    <div className={`messages ${room || making || agreements ? "with-room" : ""}`}>
      <aside className="rooms" aria-label="Rooms and people">
        {failure && !loaded && (
          <Trouble what="Your rooms did not load." why={failure.message} hint={failure.hint}>
            <Button onClick={() => void loadRooms()}>Try again</Button>
          </Trouble>
        )}
        {!loaded && !failure && <Skeleton lines={8} />}
        {loaded && (
          <RoomList
            rooms={rooms}
            me={me}
            open={making && !agreements ? null : open}
            agreements={agreements}
            onOpen={(id) => {
              setMaking(false);
              showRoom(id);
            }}
            onFound={(id, event) => {
              setMaking(false);
              void showHit(id, event);
            }}
            onNew={start}
            onSettings={settings}
          />
        )}
      </aside>
      <main className="room-place">
        {agreements ? (
          <Agreements me={me} onBack={away} />
        ) : making ? (
          <NewRoom me={me} onClose={() => setMaking(false)} onMade={(id) => (setMaking(false), showRoom(id))} />
        ) : room?.state === "invited" ? (
          <Invited room={room} onBack={away} />
        ) : room ? (
          <RoomView key={room.id} room={room} me={me} onBack={away} />
        ) : (
          <About me={me} onNew={start} onSettings={settings} />
        )}
      </main>
    </div>
  );
}

/** About says what Messages is, while nothing is open. */
function About({ me, onNew, onSettings }: { me: string; onNew(): void; onSettings(): void }) {
  const reach = useReach(me);
  return (
    <div className="about-messages">
      <MessagesSquare className="icon" aria-hidden />
      <h2>Messages</h2>
      <p>Write to people and to your AI over Matrix, from here or from any Matrix client. Chats between people are encrypted from end to end.</p>
      {reach === "home" ? (
        <p>
          You are <code>{me}</code>, known only in this home: you can write to your AI and to people whom you add here. Claim a handle of your own domain, and people on other servers reach you.
        </p>
      ) : reach === "server" ? (
        <p>
          You are <code>{me}</code>, on a homeserver that is not this home’s: you can write to whoever has an account there.
        </p>
      ) : (
        <p>
          {reach === null ? "You are" : "People reach you as"} <code>{me}</code>.
        </p>
      )}
      <div className="actions">
        <Button look="primary" onClick={onNew}>
          Start a chat
        </Button>
        <Button onClick={onSettings}>{reach === "home" ? "Claim a handle" : "Your handle"}</Button>
      </div>
    </div>
  );
}
