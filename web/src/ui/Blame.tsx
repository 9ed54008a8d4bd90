import type { Cause, Explanation } from "../protocol/api.ts";
import { ago, exact } from "./words.ts";

const limit = 5000;

interface Props {
  explanation: Explanation;
  who(cause: Cause): string;
  onChoose(landing: number): void;
}

/** Blame shows each line of a text beside the change that wrote it. */
export function Blame({ explanation, who, onChoose }: Props) {
  const causes = new Map(explanation.causes?.map((c) => [c.landing, c]));
  const all = explanation.lines ?? [];
  const lines = all.slice(0, limit);
  return (
    <div className="blame" tabIndex={0} role="region" aria-label={`Why ${explanation.path} is as it is`}>
      <table>
        <tbody>
          {lines.map((l, i) => {
            const cause = causes.get(l.landing);
            const first = lines[i - 1]?.landing !== l.landing;
            return (
              <tr key={l.number} className={first ? "first" : ""}>
                <th scope="row">
                  {first && cause && (
                    <button type="button" title={[cause.request ? `“${cause.request}”` : cause.title, l.from && `then called ${l.from}`, exact(cause.time)].filter(Boolean).join(" · ")} onClick={() => onChoose(l.landing)}>
                      <i className={`dot ${cause.kind}`} aria-hidden />
                      <span className="blame-who">{who(cause)}</span>
                      <span className="blame-title">{cause.title}</span>
                      <time className="num" dateTime={cause.time}>
                        {ago(cause.time)}
                      </time>
                    </button>
                  )}
                </th>
                <td className="num">{l.number}</td>
                <td className={cause?.kind === "agent" ? "by-agent" : ""}>{l.text}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {all.length > limit && <p className="hint">The first {limit} lines are shown.</p>}
    </div>
  );
}
