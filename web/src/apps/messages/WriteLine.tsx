import { ArrowUp, Paperclip, X } from "lucide-react";
import { useEffect, useRef, useState, type ClipboardEvent, type DragEvent, type KeyboardEvent } from "react";
import { api } from "../../session/api.ts";
import { attach, titleOf, write, type Room, type Said } from "../../session/rooms.ts";
import { nameOf } from "../../ui/people.ts";
import { IconButton } from "../../ui/controls.tsx";
import { gist } from "./fold.ts";

/** About is what the next words are about: an answer to something, or new words for it. */
export interface About {
  kind: "reply" | "edit";
  said: Said;
  text: string;
}

interface Props {
  room: Room;
  me: string;
  thread?: string;
  about: About | null;
  onAbout(a: About | null): void;
  onUp?(): void; // arrow up in an empty line
}

const drafts = new Map<string, string>(); // what was begun in each room, while the page is open
const typingEvery = 10_000;

/** WriteLine is where the owner writes in a room. */
export function WriteLine({ room, me, thread, about, onAbout, onUp }: Props) {
  const place = room.id + (thread ?? "");
  const [text, setText] = useState(drafts.get(place) ?? "");
  const [sending, setSending] = useState(0);
  const [over, setOver] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const typed = useTyping(room.id);

  const [seen, setSeen] = useState(about);
  if (about !== seen) {
    setSeen(about);
    if (about?.kind === "edit") setText(about.text);
    else if (seen?.kind === "edit") setText(drafts.get(place) ?? "");
  }
  useEffect(() => field.current?.focus({ preventScroll: true }), [about, place]);

  const change = (next: string) => {
    setText(next);
    if (about?.kind !== "edit") drafts.set(place, next);
    typed(next !== "");
  };
  const send = async () => {
    const line = text.trim();
    if (line === "") return;
    change("");
    onAbout(null);
    typed(false);
    const done = await write(room.id, about?.kind === "edit" ? { text: line, edits: about.said.id } : { text: line, thread, reply_to: about?.said.id });
    if (!done) change(line); // it is still there to be sent again
  };
  const sendFiles = async (files: Iterable<File>) => {
    for (const file of files) {
      setSending((n) => n + 1);
      await attach(room.id, file, thread);
      setSending((n) => n - 1);
    }
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    if (e.key === "Enter" && !e.shiftKey) void send();
    else if (e.key === "Escape" && about) onAbout(null);
    else if (e.key === "ArrowUp" && text === "" && onUp) onUp();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const onPaste = (e: ClipboardEvent) => {
    if (e.clipboardData.files.length === 0) return;
    e.preventDefault();
    void sendFiles([...e.clipboardData.files]);
  };
  const onDrop = (e: DragEvent) => {
    e.preventDefault();
    setOver(false);
    void sendFiles([...e.dataTransfer.files]);
  };
  const label = thread ? "Answer in the thread" : `Write to ${titleOf(room, me)}`;
  return (
    <form
      className={`write-line ${over ? "over" : ""}`}
      onSubmit={(e) => (e.preventDefault(), void send())}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      {about && (
        <p className="write-about">
          <span>
            {about.kind === "edit" ? "Editing: " : `Answering ${nameOf(about.said.sender)}: `}
            {gist({ kind: about.said.kind, body: about.text })}
          </span>
          <IconButton icon={X} label="Stop" onClick={() => onAbout(null)} />
        </p>
      )}
      {sending > 0 && (
        <p className="write-about" role="status">
          <span className="working" /> <span>Sending a file</span>
        </p>
      )}
      <div className="composer">
        <IconButton icon={Paperclip} label="Attach files" onClick={() => picker.current?.click()} />
        <input ref={picker} type="file" multiple hidden onChange={(e) => (void sendFiles([...(e.target.files ?? [])]), (e.target.value = ""))} />
        <div className="composer-grow" data-text={text + "\u200b"}>
          <textarea ref={field} aria-label={label} placeholder={label} rows={1} maxLength={50_000} value={text} enterKeyHint="send" onChange={(e) => change(e.target.value)} onKeyDown={onKeyDown} onPaste={onPaste} />
        </div>
        <button type="submit" className="composer-send" aria-label="Send" title="Send" disabled={text.trim() === ""}>
          <ArrowUp aria-hidden />
        </button>
      </div>
    </form>
  );
}

// Tells the room now and then that the owner writes, and that they stopped.
function useTyping(room: string): (on: boolean) => void {
  const told = useRef(0);
  const say = (on: boolean) => {
    const now = Date.now();
    if (on ? now - told.current < typingEvery : told.current === 0) return;
    told.current = on ? now : 0;
    api.attendRoom(room, { act: on ? "typing" : "still" }).catch(() => undefined); // only a courtesy
  };
  useEffect(
    () => () => {
      if (told.current) api.attendRoom(room, { act: "still" }).catch(() => undefined);
    },
    [room],
  );
  return say;
}
