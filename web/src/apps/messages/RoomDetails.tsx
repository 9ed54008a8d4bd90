import { Ban, Bell, BellOff, Bot, LogOut, UserPlus, X } from "lucide-react";
import { useState, type FormEvent } from "react";
import { block } from "../../session/people.ts";
import { attend, peopleIn, titleOf, useRooms, type Room } from "../../session/rooms.ts";
import { nameOf, personOf, wholeHandle } from "../../ui/people.ts";
import { Button, IconButton } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";

/** aiOf is the handle of somebody's AI. */
const aiOf = (me: string) => me.replace(":", "_ai:");

/** RoomDetails says who is in a room, and what can be done about it. */
export function RoomDetails({ room, me, onClose, onLeft }: { room: Room; me: string; onClose(): void; onLeft(): void }) {
  const spaces = useRooms((s) => s.rooms).filter((r) => r.space && r.state === "joined");
  const [leaving, setLeaving] = useState(false);
  const invite = (person: string) => attend(room.id, { act: "invite", person }, `${person} was not invited`);
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = e.currentTarget;
    const person = String(new FormData(form).get("person")).trim();
    void invite(wholeHandle(person, me)).then((done) => done && form.reset());
  };
  const leave = async () => {
    if (await attend(room.id, { act: "leave" }, "You are still in it")) onLeft();
  };
  return (
    <aside className="room-beside" aria-label="Details">
      <header className="room-head">
        <div className="room-title">
          <h2>Details</h2>
        </div>
        <IconButton icon={X} label="Close the details" onClick={onClose} />
      </header>
      <div className="details">
        <p className="hint">{room.encrypted ? "Encrypted from end to end: only the members read it." : "Not encrypted: the members’ homeservers can read it."}</p>
        <h3>{peopleIn(room)}</h3>
        <ul className="members">
          {room.members.map((m) => (
            <li key={m}>
              <Face handle={m} small />
              <span>
                {m === me ? "You" : nameOf(m)}
                {m === aiOf(me) && ", your AI"}
                {room.invited?.includes(m) && <small> invited, not here yet</small>}
              </span>
              {personOf(m) !== me && <IconButton icon={Ban} label={`Block ${nameOf(m)}`} onClick={() => void block(m)} />}
              <code>{m}</code>
            </li>
          ))}
        </ul>
        {!room.ai && (
          <form className="invite" onSubmit={submit} aria-label="Invite somebody">
            <input className="input mono" name="person" required aria-label="Handle to invite" placeholder="@ben:example.org" spellCheck={false} autoCapitalize="off" />
            <Button type="submit" icon={UserPlus}>
              Invite
            </Button>
          </form>
        )}
        {!room.has_ai && (
          <div>
            <Button icon={Bot} onClick={() => void invite(aiOf(me))}>
              Invite your AI
            </Button>
            <p className="hint">It reads what is said from then on, and answers when somebody begins with its name. Others may ask it only what your contacts file allows.</p>
          </div>
        )}
        {spaces.map((s) => {
          const inside = s.children?.includes(room.id) ?? false;
          return (
            <label key={s.id} className="check">
              <input type="checkbox" checked={inside} onChange={() => void attend(room.id, { act: inside ? "ungroup" : "group", space: s.id }, "It stayed where it was")} /> In the space {titleOf(s, me)}
            </label>
          );
        })}
        <div className="actions">
          <Button icon={room.muted ? Bell : BellOff} onClick={() => void attend(room.id, { act: room.muted ? "unmute" : "mute" }, "It was not changed")}>
            {room.muted ? "Unmute" : "Mute"}
          </Button>
          {leaving ? (
            <>
              <Button look="loss" icon={LogOut} onClick={() => void leave()}>
                Leave for good
              </Button>
              <Button look="quiet" onClick={() => setLeaving(false)}>
                Stay
              </Button>
            </>
          ) : (
            <Button look="loss" icon={LogOut} onClick={() => setLeaving(true)}>
              Leave
            </Button>
          )}
        </div>
      </div>
    </aside>
  );
}
