import { waiting } from "../../session/state.ts";
import { useSession } from "../../session/store.ts";
import { ago, count, exact } from "../../ui/words.ts";
import type { Place } from "./moments.ts";

/** Waiting lists refused work that the owner is to decide. */
export function Waiting({ place, onChoose }: { place: Place; onChoose(place: Place): void }) {
  const conflicts = useSession((s) => s.conflicts);
  const list = waiting(conflicts);
  if (list.length === 0) return null;
  return (
    <section className="history-waiting">
      <h3>For you to decide</h3>
      <ul>
        {list.map((c) => (
          <li key={c.id}>
            <button type="button" aria-current={typeof place === "object" && place?.conflict === c.id ? "true" : undefined} onClick={() => onChoose({ conflict: c.id })}>
              <i className="dot waiting" aria-hidden />
              <span className="history-title">{c.title}</span>
              <span className="history-who num">
                {c.provenance.remote ? "another device" : (c.provenance.program ?? "agent")} · {count(c.files?.length ?? 0, "file")} in conflict
              </span>
              <time className="num" dateTime={c.time} title={exact(c.time)}>
                {ago(c.time)}
              </time>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
