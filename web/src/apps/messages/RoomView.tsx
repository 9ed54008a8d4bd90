import { ArrowLeft, Bot, Info, Lock } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api } from "../../session/api.ts";
import { loadOlder, loadTalk, peopleIn, readUpTo, showThread, titleOf, useRooms, type Room, type Said } from "../../session/rooms.ts";
import { nameOf } from "../../ui/people.ts";
import { Button, IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import { fold, typingText } from "./fold.ts";
import { useRoomDeals } from "./RoomDeals.tsx";
import { RoomDetails } from "./RoomDetails.tsx";
import { Thread } from "./Thread.tsx";
import { Timeline } from "./Timeline.tsx";
import { WriteLine, type About } from "./WriteLine.tsx";

export function RoomView({ room, me, onBack }: { room: Room; me: string; onBack(): void }) {
  const talk = useRooms((s) => s.talks[room.id]);
  const trouble = useRooms((s) => s.troubles[room.id]);
  const thread = useRooms((s) => s.thread);
  const [details, setDetails] = useState(false);
  const [about, setAbout] = useState<About | null>(null);
  useEffect(() => {
    if (!useRooms.getState().talks[room.id]) void loadTalk(room.id);
  }, [room.id]);
  const lines = useMemo(() => (talk ? fold(talk.messages, me, talk.read) : []), [talk, me]);
  const deals = useRoomDeals(room, me, lines, Boolean(talk?.before));
  useRead(room, talk?.messages.at(-1));
  const editLast = useCallback(() => {
    const mine = lines.findLast((l) => l.said.sender === me && !l.gone && l.said.kind === "m.text");
    if (mine) setAbout({ kind: "edit", said: mine.said, text: mine.text });
  }, [lines, me]);
  const beside = thread !== null || details;
  return (
    <div className={`room ${beside ? "with-side" : ""}`}>
      <div className="room-main">
        <Head room={room} me={me} onBack={onBack} onDetails={() => (showThread(null), setDetails((d) => !d || thread !== null))} />
        {trouble && !talk && (
          <Trouble what="This room did not open." why={trouble.message} hint={trouble.hint}>
            <Button onClick={() => void loadTalk(room.id)}>Try again</Button>
          </Trouble>
        )}
        {!talk && !trouble && <Skeleton lines={6} />}
        {talk && (
          <Timeline
            room={room}
            me={me}
            lines={lines}
            unsent={talk.unsent}
            beside={deals}
            onOlder={talk.before ? () => loadOlder(room.id) : null}
            onAbout={setAbout}
            onThread={(id) => {
              setDetails(false);
              showThread(id);
            }}
          />
        )}
        <Typing room={room.id} me={me} />
        {talk && !room.space && <WriteLine room={room} me={me} about={about} onAbout={setAbout} onUp={editLast} />}
      </div>
      {thread ? (
        <Thread room={room} me={me} root={thread} talk={talk} onClose={() => showThread(null)} />
      ) : (
        details && <RoomDetails room={room} me={me} onClose={() => setDetails(false)} onLeft={onBack} />
      )}
    </div>
  );
}

// What is on screen, in a page that has the owner's attention, is read.
function useRead(room: Room, newest: Said | undefined): void {
  const id = newest?.id;
  const { unread } = room;
  useEffect(() => {
    if (!id || unread === 0) return;
    const look = () => {
      if (document.visibilityState === "visible") readUpTo(room.id, id);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [room.id, id, unread]);
}

function Typing({ room, me }: { room: string; me: string }) {
  const typing = useRooms((s) => s.typing[room]);
  const text = typingText((typing ?? []).filter((h) => h !== me).map(nameOf));
  return (
    <p className="typing" role="status">
      {text}
    </p>
  );
}

function Head({ room, me, onBack, onDetails }: { room: Room; me: string; onBack(): void; onDetails(): void }) {
  const other = room.direct ? room.members.find((m) => m !== me) : undefined;
  const presence = usePresence(other);
  const sub = room.ai ? "Your AI. What you write here is asked, as on the desk." : room.topic || (other ? (presence ? `${other} · ${presence}` : other) : peopleIn(room));
  return (
    <header className="room-head">
      <IconButton className="room-back" icon={ArrowLeft} label="All rooms" onClick={onBack} />
      <div className="room-title">
        <h2>
          {titleOf(room, me)}
          {room.encrypted && (
            <span className="sealed" title="Encrypted from end to end">
              <Lock className="icon tiny" aria-hidden /> <span>Encrypted</span>
            </span>
          )}
        </h2>
        <p>{sub}</p>
      </div>
      {room.has_ai && !room.ai && (
        <span className="ai-here" title={`Your AI is here. It answers when you begin with “AI,”.`}>
          <Bot className="icon small" aria-hidden />
          Your AI is here: begin with “AI,”
        </span>
      )}
      <IconButton icon={Info} label="Details" onClick={onDetails} />
    </header>
  );
}

const every = 60_000;

// Whether somebody is there, in words; empty if that is not known.
function usePresence(of: string | undefined): string {
  const [state, setState] = useState("");
  useEffect(() => {
    if (!of) return;
    let here = true;
    const look = () => {
      if (document.hidden) return;
      api.presence(of).then(
        (p) => here && setState(p.state === "online" ? "here now" : p.state === "unknown" ? "" : "away"),
        () => here && setState(""), // a courtesy; the room itself says when the server is gone
      );
    };
    look();
    const timer = setInterval(look, every);
    return () => {
      here = false;
      clearInterval(timer);
    };
  }, [of]);
  return of ? state : "";
}
