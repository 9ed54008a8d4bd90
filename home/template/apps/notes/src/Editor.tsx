import type { Row } from "@matrixos/sdk";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { continueList, nameOf, words } from "./note";

const pause = 500; // milliseconds without a key, until what was written is saved

/** Editor writes one note; what is typed is saved a moment later, and at once when it is left. */
export function Editor({ note, onSave, tools }: { note: Row; onSave: (body: string) => Promise<void>; tools: ReactNode }) {
  const [draft, setDraft] = useState<string | null>(null); // null: as it is saved
  const [failure, setFailure] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const text = draft ?? String(note.body ?? "");

  const flush = () => {
    clearTimeout(timer.current);
    const body = pending.current;
    if (body === null) return;
    pending.current = null;
    onSave(body).then(
      () => {
        setFailure("");
        setDraft((now) => (now === body ? null : now));
      },
      (e: Error) => {
        if (pending.current === null) pending.current = body; // kept, and tried again with the next key
        setFailure(`This is not saved yet: ${e.message}`);
      },
    );
  };
  const latest = useRef(flush);
  useEffect(() => {
    latest.current = flush;
  });
  useEffect(() => {
    const leave = () => latest.current();
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", leave);
    if (area.current?.value === "") area.current.focus();
    return () => {
      removeEventListener("pagehide", leave);
      document.removeEventListener("visibilitychange", leave);
      leave();
    };
  }, []);
  const write = (body: string) => {
    setDraft(body);
    pending.current = body;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(), pause);
  };
  const keys = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    const el = e.currentTarget;
    if (e.key !== "Enter" || e.shiftKey || e.nativeEvent.isComposing || el.selectionStart !== el.selectionEnd) return;
    const start = el.value.lastIndexOf("\n", el.selectionStart - 1) + 1;
    const more = continueList(el.value.slice(start, el.selectionStart));
    if (!more) return;
    e.preventDefault();
    el.setRangeText(more.insert, el.selectionStart - more.remove, el.selectionStart, "end");
    write(el.value);
  };
  const count = words(text);
  return (
    <section className="note" aria-label={nameOf(text)}>
      <div className="note-tools">{tools}</div>
      <textarea ref={area} aria-label="Note" placeholder="Write…" value={text} onChange={(e) => write(e.target.value)} onBlur={() => latest.current()} onKeyDown={keys} spellCheck />
      <p className="mx-small mx-quiet note-foot" role="status">{failure || `${count} ${count === 1 ? "word" : "words"}${draft === null ? "" : ", saving"}`}</p>
    </section>
  );
}
