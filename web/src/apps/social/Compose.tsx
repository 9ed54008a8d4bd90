import { Paperclip, X } from "lucide-react";
import { useRef, useState, type KeyboardEvent } from "react";
import { publish, useSocial } from "../../session/social.ts";
import { Button, IconButton } from "../../ui/controls.tsx";
import { circleHint, circleTitle } from "./words.ts";

let draft = ""; // what was begun, while the page is open

/** Compose is where the owner writes a post, and says for whom it is. */
export function Compose() {
  const circles = useSocial((s) => s.circles);
  const names = circles.length > 0 ? circles.map((c) => c.name) : ["public", "friends", "family"];
  const [text, setText] = useState(draft);
  const [circle, setCircle] = useState("public");
  const [file, setFile] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const change = (next: string) => {
    draft = next;
    setText(next);
  };
  const send = async () => {
    if (busy || (text.trim() === "" && !file)) return;
    setBusy(true);
    const done = await publish(circle, text.trim(), file);
    setBusy(false);
    if (!done) return;
    change("");
    setFile(null);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      void send();
    }
  };
  return (
    <form className="compose" aria-label="New post" onSubmit={(e) => (e.preventDefault(), void send())}>
      <textarea className="input" aria-label="What to post" placeholder="What would you like to say?" rows={3} maxLength={20_000} value={text} onChange={(e) => change(e.target.value)} onKeyDown={onKeyDown} />
      {file && (
        <p className="compose-file">
          <span>{file.name}</span>
          <IconButton icon={X} label={`Leave ${file.name} out`} onClick={() => setFile(null)} />
        </p>
      )}
      <div className="compose-foot">
        <label className="compose-for">
          <span>For</span>
          <select className="input" value={circle} onChange={(e) => setCircle(e.target.value)}>
            {names.map((name) => (
              <option key={name} value={name}>
                {circleTitle(name)}
              </option>
            ))}
          </select>
        </label>
        <small className="hint">{circleHint(circle)}</small>
        <IconButton icon={Paperclip} label="Attach a picture or file" onClick={() => picker.current?.click()} />
        <input ref={picker} type="file" hidden onChange={(e) => (setFile(e.target.files?.[0] ?? null), (e.target.value = ""))} />
        <Button look="primary" type="submit" disabled={busy || (text.trim() === "" && !file)}>
          {busy ? "Posting" : "Post"}
        </Button>
      </div>
    </form>
  );
}
