import { ArrowLeft, Handshake } from "lucide-react";
import { useEffect, useRef } from "react";
import { perform } from "../../commands/all.ts";
import { context } from "../../desktop/store.ts";
import { loadDeals, useDeals } from "../../session/deals.ts";
import { useRooms } from "../../session/rooms.ts";
import { Button, Empty, IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import { DealCard } from "./DealCard.tsx";
import { gistOf, toneOf, waits, type Tone } from "./dealWords.ts";

const sections: readonly { title: string; tones: readonly Tone[] }[] = [
  { title: "Wait for you", tones: ["waiting"] },
  { title: "Wait for others", tones: ["open"] },
  { title: "Settled", tones: ["agreed", "over"] },
];

/** Agreements are all that the owner's AI agrees on with those of others, whatever room it was in. */
export function Agreements({ me, onBack }: { me: string; onBack(): void }) {
  const { deals, loaded, failure } = useDeals();
  const hit = useRooms((s) => s.hit?.event);
  const page = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const card = hit && loaded && page.current?.querySelector<HTMLElement>(`[data-deal="${CSS.escape(hit)}"]`);
    if (!card) return; // it comes with the list
    card.scrollIntoView({ block: "start" });
    card.focus({ preventScroll: true });
    useRooms.setState({ hit: null });
  }, [hit, loaded, deals]);
  return (
    <div className="agreements" ref={page}>
      <header className="room-head">
        <IconButton className="room-back" icon={ArrowLeft} label="All rooms" onClick={onBack} />
        <div className="room-title">
          <h2>Agreements</h2>
          <p>What your AI settles with those of others. Every step is signed.</p>
        </div>
      </header>
      <div className="agreements-scroll">
        {failure && (
          <Trouble what="Your agreements did not load." why={failure.message} hint={failure.hint}>
            <Button onClick={() => void loadDeals()}>Try again</Button>
          </Trouble>
        )}
        {!loaded && !failure && <Skeleton lines={6} />}
        {loaded && deals.length === 0 && (
          <Empty text="Nothing is agreed, and nobody waits. Your AI finds times, asks questions and hands over tasks: “Find half an hour with @anna:example.org next week”.">
            <Button look="primary" onClick={() => perform("go.chat", context())}>
              Ask your AI
            </Button>
          </Empty>
        )}
        {sections.map(({ title, tones }) => {
          const list = deals.filter((d) => tones.includes(toneOf(d)));
          return list.length === 0 ? null : (
            <section key={title} aria-label={title}>
              <h3 className="agreements-part">{title}</h3>
              {list.map((d) => (
                <DealCard key={d.id} deal={d} me={me} chat />
              ))}
            </section>
          );
        })}
      </div>
    </div>
  );
}

/** AgreementsItem leads to them from the list of rooms, and says how many wait. */
export function AgreementsItem({ open }: { open: boolean }) {
  const deals = useDeals((s) => s.deals);
  const waiting = deals.filter(waits).length;
  return (
    <button type="button" className={`room-item ${waiting > 0 ? "unread" : ""}`} aria-current={open ? "true" : undefined} onClick={() => perform("messages.agreements", context())}>
      <span className="room-glyph" aria-hidden>
        <Handshake className="icon" />
      </span>
      <span className="room-words">
        <strong>Agreements</strong>
        <span className="room-gist">{gistOf(deals)}</span>
      </span>
      {waiting > 0 && (
        <span className="room-side">
          <span className="count" aria-label={`${waiting} for you to answer`}>
            {waiting}
          </span>
        </span>
      )}
    </button>
  );
}
