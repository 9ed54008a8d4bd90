import { useState, type FormEvent } from "react";
import { nameOf } from "../../ui/people.ts";
import type { Reaction } from "./fold.ts";

const few = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

/** firstOf is the first character as people count them. */
export const firstOf = (text: string): string => [...new Intl.Segmenter().segment(text.trim())][0]?.segment ?? "";

interface Props {
  list: readonly Reaction[];
  picking: boolean;
  onReact(key: string): void;
  onClose(): void;
}

/** Reactions are those that there are, and a few to choose from, or any. */
export function Reactions({ list, picking, onReact, onClose }: Props) {
  const [own, setOwn] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const key = firstOf(own);
    if (key) onReact(key);
    setOwn("");
  };
  return (
    <div className="reactions">
      {list.map((r) => (
        <button key={r.key} type="button" className="reaction" aria-pressed={r.mine !== null} aria-label={`${r.key}, ${r.by.map(nameOf).join(", ")}`} title={r.by.map(nameOf).join(", ")} onClick={() => onReact(r.key)}>
          {r.key} <span className="num">{r.by.length}</span>
        </button>
      ))}
      {picking && (
        <form className="picker" onSubmit={submit} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), onClose())} aria-label="Choose a reaction">
          {few.map((key, i) => (
            <button key={key} type="button" autoFocus={i === 0} aria-label={`React with ${key}`} onClick={() => onReact(key)}>
              {key}
            </button>
          ))}
          <input className="input" aria-label="Any other emoji" placeholder="Any" maxLength={20} value={own} onChange={(e) => setOwn(e.target.value)} />
        </form>
      )}
    </div>
  );
}
