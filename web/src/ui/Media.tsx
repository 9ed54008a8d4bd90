import { Download } from "lucide-react";
import { useState } from "react";
import { bytes } from "./words.ts";
import "./people.css";

export const mediaKinds: ReadonlySet<string> = new Set(["m.image", "m.video", "m.audio", "m.file"]);

interface Info {
  size?: unknown;
  w?: unknown;
  h?: unknown;
}

const figure = (v: unknown) => (typeof v === "number" && v > 0 && v < 1e9 ? v : undefined);

interface Props {
  kind: string;
  body: string;
  content: unknown; // as Matrix has it
  source: string; // where the file is
}

/** Media shows a picture, a sound or a video in place, and anything else as a file to save. */
export function Media({ kind, body, content: raw, source }: Props) {
  const [broken, setBroken] = useState(false);
  const content = raw as { info?: Info; filename?: unknown } | null;
  const { size, w, h } = content?.info ?? {};
  const name = typeof content?.filename === "string" ? content.filename : body;
  const caption = name !== body ? <p className="said-text">{body}</p> : null;
  if (kind === "m.image" && !broken) {
    return (
      <figure className="media">
        <a href={source} target="_blank" rel="noopener noreferrer">
          <img src={source} alt={body} width={figure(w)} height={figure(h)} loading="lazy" onError={() => setBroken(true)} />
        </a>
        {caption}
      </figure>
    );
  }
  if (kind === "m.video" && !broken) return <video className="media" src={source} controls preload="metadata" aria-label={name} onError={() => setBroken(true)} />;
  if (kind === "m.audio" && !broken) return <audio className="media" src={source} controls preload="metadata" aria-label={name} onError={() => setBroken(true)} />;
  return (
    <>
      <a className="media-file" href={`${source}?download`} download={name}>
        <Download className="icon" aria-hidden />
        <span>{name}</span>
        <small>{figure(size) ? bytes(figure(size)!) : ""}</small>
      </a>
      {caption}
    </>
  );
}
