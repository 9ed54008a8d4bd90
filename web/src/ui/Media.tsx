import { Download } from "lucide-react";
import { useRef, useState } from "react";
import { fitted } from "./picture.ts";
import { Picture } from "./Picture.tsx";
import { bytes } from "./words.ts";
import "./people.css";

export const mediaKinds: ReadonlySet<string> = new Set(["m.image", "m.video", "m.audio", "m.file"]);

interface Info {
  size?: unknown;
  w?: unknown;
  h?: unknown;
  thumbnail_file?: unknown;
  thumbnail_url?: unknown;
}

const figure = (v: unknown) => (typeof v === "number" && v > 0 && v < 1e9 ? v : undefined);

interface Props {
  kind: string;
  body: string;
  content: unknown; // as Matrix has it
  source: string; // where the file is; with ?thumbnail, a small picture of it
}

/** Media shows a picture, a sound or a video in place, and anything else as a file to save. */
export function Media({ kind, body, content: raw, source }: Props) {
  const [broken, setBroken] = useState(false);
  const content = raw as { info?: Info; filename?: unknown } | null;
  const info = content?.info ?? {};
  const size = figure(info.size);
  const name = typeof content?.filename === "string" ? content.filename : body;
  const caption = name !== body ? <p className="said-text">{body}</p> : null;
  if (kind === "m.image" && !broken) {
    return (
      <figure className="media">
        <Thumbnail source={source} name={name} text={body} info={info} onBroken={() => setBroken(true)} />
        {caption}
      </figure>
    );
  }
  if (kind === "m.video" && !broken) {
    const poster = info.thumbnail_file || info.thumbnail_url ? `${source}?thumbnail` : undefined;
    return <video className="media" src={source} poster={poster} controls preload={poster ? "none" : "metadata"} aria-label={name} onError={() => setBroken(true)} />;
  }
  if (kind === "m.audio" && !broken) return <audio className="media" src={source} controls preload="metadata" aria-label={name} onError={() => setBroken(true)} />;
  return (
    <>
      <a className="media-file" href={`${source}?download`} download={name}>
        <Download className="icon" aria-hidden />
        <span>{name}</span>
        <small>{size ? bytes(size) : ""}</small>
      </a>
      {caption}
    </>
  );
}

// A small picture, which opens the whole one.
function Thumbnail({ source, name, text, info, onBroken }: { source: string; name: string; text: string; info: Info; onBroken(): void }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const box = fitted(figure(info.w), figure(info.h)); // it takes its room before it is there
  return (
    <>
      <button ref={button} type="button" className="media-open" aria-label={`Show ${text}`} onClick={() => setOpen(true)}>
        <img src={`${source}?thumbnail`} alt={text} style={box ? { width: box.width, aspectRatio: `${box.width} / ${box.height}` } : undefined} loading="lazy" onError={onBroken} />
      </button>
      {open && (
        <Picture
          source={source}
          name={name}
          text={text}
          onClose={() => {
            setOpen(false);
            button.current?.focus();
          }}
        />
      )}
    </>
  );
}
