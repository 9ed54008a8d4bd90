import { useState } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { Face } from "../../ui/Face.tsx";
import { nameOf } from "../../ui/people.ts";

interface Props {
  handle: string;
  picture: boolean;
  shown: Schemas["ProfileShown"];
}

/** Card is what somebody says about themselves. It is text and links, whoever wrote it. */
export function Card({ handle, picture, shown }: Props) {
  const [broken, setBroken] = useState(false);
  return (
    <div className="card">
      {picture && !broken ? <img className="card-picture" src={api.pictureAddress(handle)} alt="" onError={() => setBroken(true)} /> : <Face handle={handle} text={shown.name || undefined} />}
      <div>
        <h2>{shown.name || nameOf(handle)}</h2>
        <code>{handle}</code>
        {shown.about && <p className="card-about">{shown.about}</p>}
        {(shown.links ?? []).length > 0 && (
          <ul className="card-links">
            {(shown.links ?? []).map((l) => (
              <li key={l.url}>
                <a href={l.url} target="_blank" rel="noopener noreferrer nofollow" title={l.url}>
                  {l.title || l.url}
                </a>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
