import { ArrowLeft } from "lucide-react";
import { useState, type FormEvent } from "react";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { loadRooms } from "../../session/rooms.ts";
import { Button, IconButton, Segmented, Trouble } from "../../ui/controls.tsx";

type Kind = "chat" | "group" | "space";

const kinds: readonly { value: Kind; label: string }[] = [
  { value: "chat", label: "Chat" },
  { value: "group", label: "Group" },
  { value: "space", label: "Space" },
];

/** NewRoom starts a chat with somebody, or makes a group or a space. */
export function NewRoom({ me, onClose, onMade }: { me: string; onClose(): void; onMade(id: string): void }) {
  const [kind, setKind] = useState<Kind>("chat");
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const domain = me.split(":").slice(1).join(":");
  const submit = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = new FormData(e.currentTarget);
    const people = String(data.get("people") ?? "").split(/[\s,;]+/).filter(Boolean).map((p) => (p.includes(":") ? p : `@${p.replace(/^@/, "")}:${domain}`));
    setBusy(true);
    setRefused(null);
    try {
      const made = await api.makeRoom({ name: kind === "chat" ? undefined : String(data.get("name") ?? "").trim(), people: kind === "space" ? [] : people, space: kind === "space" });
      await loadRooms();
      onMade(made.room);
    } catch (error) {
      setRefused(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <form className="new-room" onSubmit={(e) => void submit(e)} aria-label="New chat or room">
      <header className="room-head">
        <IconButton icon={ArrowLeft} label="Back" onClick={onClose} />
        <h2>New</h2>
      </header>
      <div className="new-room-fields">
        <Segmented<Kind> label="What to start" value={kind} options={kinds} onChange={setKind} />
        {kind !== "chat" && (
          <label className="field">
            <span>Name</span>
            <input className="input" name="name" required maxLength={200} autoFocus />
          </label>
        )}
        {kind !== "space" && (
          <label className="field">
            <span>{kind === "chat" ? "With whom" : "Who is in it"}</span>
            <input className="input mono" name="people" required={kind === "chat"} spellCheck={false} autoCapitalize="off" placeholder={`@ben:${domain}`} autoFocus={kind === "chat"} />
            <small>{kind === "chat" ? "Their handle. A name alone is somebody of your own homeserver." : "Handles, with spaces between them. You can invite more people later, and your AI."}</small>
          </label>
        )}
        {kind === "space" && <p className="hint">A space groups rooms. Put a room into it from the room’s details.</p>}
        {refused && <Trouble what="It was not made." why={refused.message} hint={refused.hint} />}
        <div>
          <Button look="primary" type="submit" disabled={busy}>
            {kind === "chat" ? "Start the chat" : kind === "group" ? "Make the group" : "Make the space"}
          </Button>
        </div>
      </div>
    </form>
  );
}
