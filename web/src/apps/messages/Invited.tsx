import { ArrowLeft } from "lucide-react";
import { desk } from "../../desktop/store.ts";
import { api } from "../../session/api.ts";
import { attend, invitationOf, showRoom, type Room } from "../../session/rooms.ts";
import { attempt, useSession } from "../../session/store.ts";
import { nameOf } from "../../ui/people.ts";
import { Button, IconButton } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";

/** Invited asks whether to join a room. */
export function Invited({ room, onBack }: { room: Room; onBack(): void }) {
  return room.app ? <ToApp room={room} app={room.app} onBack={onBack} /> : <ToRoom room={room} onBack={onBack} />;
}

// An app shares in the room: whoever accepts allows it to share, and it opens.
function ToApp({ room, app, onBack }: { room: Room; app: NonNullable<Room["app"]>; onBack(): void }) {
  const installed = useSession((s) => s.apps[app.slug]);
  const by = room.inviter ?? "";
  const name = installed?.name ?? app.name;
  const accept = async () => {
    if (!installed && !(await attempt(`${name} was not added`, () => api.addApp(app.slug).then(() => true)))) return;
    if (!(await attempt(`${name} may not share`, () => api.grant(app.slug, "room", true).then(() => true)))) return;
    if (!(await attend(room.id, { act: "join" }, "You did not get in"))) return;
    desk.openApp(app.slug);
    onBack();
  };
  return (
    <div className="about-messages">
      <IconButton className="room-back" icon={ArrowLeft} label="All rooms" onClick={onBack} />
      <Face handle={by} />
      <h2>{invitationOf(room, installed?.name)}</h2>
      <p>
        <code>{by}</code>. What you do in it they see, and so does everybody else in it, under your handle. {name} may then share with others, until you take that back in the launcher.
      </p>
      {!installed && <p>You do not have {app.name}. If it is one that comes with Matrix OS, accepting adds it; else ask {nameOf(by)} for it.</p>}
      <div className="actions">
        <Button look="primary" onClick={() => void accept()}>
          {installed ? "Accept and open" : `Accept and add ${app.name}`}
        </Button>
        <Button onClick={() => void attend(room.id, { act: "leave" }, "It was not declined").then(onBack)}>Decline</Button>
      </div>
    </div>
  );
}

function ToRoom({ room, onBack }: { room: Room; onBack(): void }) {
  const by = room.inviter ?? "";
  const accept = async () => {
    if (await attend(room.id, { act: "join" }, "You did not get in")) showRoom(room.id);
  };
  return (
    <div className="about-messages">
      <IconButton className="room-back" icon={ArrowLeft} label="All rooms" onClick={onBack} />
      <Face handle={by} />
      <h2>{invitationOf(room)}</h2>
      <p>
        <code>{by}</code>. They see that you join, and what you write there.
      </p>
      <div className="actions">
        <Button look="primary" onClick={() => void accept()}>
          Accept
        </Button>
        <Button onClick={() => void attend(room.id, { act: "leave" }, "It was not declined").then(onBack)}>Decline</Button>
      </div>
    </div>
  );
}
