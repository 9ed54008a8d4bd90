import { Download } from "lucide-react";
import { useState } from "react";
import { api } from "../../session/api.ts";
import type { Said } from "../../session/rooms.ts";
import { bytes } from "../../ui/words.ts";

export const mediaKinds: ReadonlySet<string> = new Set(["m.image", "m.video", "m.audio", "m.file"]);

interface Info {
  size?: unknown;
  w?: unknown;
  h?: unknown;
}

const figure = (v: unknown) => (typeof v === "number" && v > 0 && v < 1e9 ? v : undefined);

/** Media shows a picture, a sound or a video in place, and anything else as a file to save. */
export function Media({ said, room }: { said: Said; room: string }) {
  const [broken, setBroken] = useState(false);
  const content = said.content as { info?: Info; filename?: unknown } | null;
  const { size, w, h } = content?.info ?? {};
  const name = typeof content?.filename === "string" ? content.filename : said.body;
  const source = api.mediaAddress(room, said.id);
  const caption = name !== said.body ? <p className="said-text">{said.body}</p> : null;
  if (said.kind === "m.image" && !broken) {
    return (
      <figure className="media">
        <a href={source} target="_blank" rel="noopener noreferrer">
          <img src={source} alt={said.body} width={figure(w)} height={figure(h)} loading="lazy" onError={() => setBroken(true)} />
        </a>
        {caption}
      </figure>
    );
  }
  if (said.kind === "m.video" && !broken) return <video className="media" src={source} controls preload="metadata" aria-label={name} onError={() => setBroken(true)} />;
  if (said.kind === "m.audio" && !broken) return <audio className="media" src={source} controls preload="metadata" aria-label={name} onError={() => setBroken(true)} />;
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
