import { ArrowLeft } from "lucide-react";
import { attend, nameOf, showRoom, type Room } from "../../session/rooms.ts";
import { Button, IconButton } from "../../ui/controls.tsx";
import { Face } from "./Face.tsx";

/** Invited asks whether to join a room. */
export function Invited({ room, onBack }: { room: Room; onBack(): void }) {
  const by = room.inviter ?? "";
  const accept = async () => {
    if (await attend(room.id, { act: "join" }, "You did not get in")) showRoom(room.id);
  };
  return (
    <div className="about-messages">
      <IconButton className="room-back" icon={ArrowLeft} label="All rooms" onClick={onBack} />
      <Face handle={by} />
      <h2>{room.direct ? `${nameOf(by)} wants to write to you` : `${nameOf(by)} invites you to a room`}</h2>
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
