import type { CSSProperties } from "react";
import { hueOf, nameOf } from "./people.ts";
import "./people.css";

/** Face stands for somebody: the first letter of their name, in their colour. */
export function Face({ handle, text, small }: { handle: string; text?: string; small?: boolean }) {
  const letter = [...(text ?? nameOf(handle))][0]?.toUpperCase() ?? "?";
  return (
    <span className={`face ${small ? "small" : ""}`} style={{ "--hue": hueOf(handle) } as CSSProperties} aria-hidden>
      {letter}
    </span>
  );
}
