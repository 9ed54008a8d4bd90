import { showConversation, useSession } from "../../session/store.ts";
import { ago, exact } from "../../ui/words.ts";

export function Conversations({ onChoose }: { onChoose(): void }) {
  const summaries = useSession((s) => s.summaries);
  const active = useSession((s) => s.active);
  const list = summaries.toSorted((a, b) => Date.parse(b.updated) - Date.parse(a.updated));
  return (
    <nav className="conversations" aria-label="Conversations">
      <h3>Conversations</h3>
      {list.length === 0 && <p className="hint">What you ask for is kept here.</p>}
      <ul>
        {list.map((c) => (
          <li key={c.id}>
            <button
              type="button"
              aria-current={c.id === active ? "true" : undefined}
              onClick={() => {
                void showConversation(c.id);
                onChoose();
              }}
            >
              <span>{c.title || "Untitled"}</span>
              <time dateTime={c.updated} title={exact(c.updated)}>
                {ago(c.updated)}
              </time>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
