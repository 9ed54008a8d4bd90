import { ArrowUp, Mic, Square } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useDictation } from "./useDictation.ts";

interface Props {
  label: string;
  placeholder: string;
  focus?: boolean;
  big?: boolean;
  running?: boolean; // shows Stop instead of Ask
  seed?: string; // put into the field when it changes
  onAsk(text: string): void;
  onStop?(): void;
}

/** Composer is the line in which the owner asks; it grows with what is written. */
export function Composer({ label, placeholder, focus, big, running, seed, onAsk, onStop }: Props) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (focus) field.current?.focus({ preventScroll: true });
  }, [focus]);

  const [lastSeed, setLastSeed] = useState(seed);
  if (seed !== lastSeed) {
    setLastSeed(seed);
    if (seed) setText(seed);
  }

  const { listening, toggle: dictate } = useDictation(setText);

  const send = () => {
    const line = text.trim();
    if (line === "") return;
    setText("");
    onAsk(line);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || e.shiftKey || e.nativeEvent.isComposing) return;
    e.preventDefault();
    send();
  };
  return (
    <form
      className={`composer ${big ? "big" : ""}`}
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <div className="composer-grow" data-text={text + "\u200b"}>
        <textarea ref={field} aria-label={label} placeholder={placeholder} rows={1} value={text} enterKeyHint="send" onChange={(e) => setText(e.target.value)} onKeyDown={onKeyDown} />
      </div>
      {dictate && (
        <button
          type="button"
          className={`composer-mic ${listening ? "listening" : ""}`}
          aria-label={listening ? "Stop listening" : "Dictate"}
          aria-pressed={listening}
          title={listening ? "Stop listening" : "Dictate. Your browser listens; some send the sound to their maker."}
          onClick={dictate}
        >
          <Mic aria-hidden />
        </button>
      )}
      {running && text.trim() === "" ? (
        <button type="button" className="composer-send stop" aria-label="Stop" title="Stop" onClick={onStop}>
          <Square aria-hidden />
        </button>
      ) : (
        <button type="submit" className="composer-send" aria-label="Ask" title="Ask" disabled={text.trim() === ""}>
          <ArrowUp aria-hidden />
        </button>
      )}
    </form>
  );
}
