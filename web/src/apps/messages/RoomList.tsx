import { BellOff, Bot, Lock, Search, SquarePen } from "lucide-react";
import { useEffect, useState, type KeyboardEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { inviterOf, talkTo, titleOf, type Room } from "../../session/rooms.ts";
import { useReach } from "../../session/reach.ts";
import { nameOf } from "../../ui/people.ts";
import { attempt } from "../../session/store.ts";
import { IconButton } from "../../ui/controls.tsx";
import { ago, count, exact } from "../../ui/words.ts";
import { Face } from "../../ui/Face.tsx";
import { AgreementsItem } from "./Agreements.tsx";
import { gist, handleIn } from "./fold.ts";
import { ordered, sections } from "./order.ts";

interface Props {
  rooms: readonly Room[];
  me: string;
  open: string | null;
  agreements: boolean; // they are shown
  onOpen(id: string): void;
  onFound(room: string, event: string): void;
  onNew(): void;
  onSettings(): void;
}

const pause = 200; // while the owner types

export function RoomList({ rooms: all, me, open, agreements, onOpen, onFound, onNew, onSettings }: Props) {
  const [query, setQuery] = useState("");
  const rooms = all.filter((r) => !r.app || r.state === "invited"); // what an app shares is in the app
  const found = useFound(query);
  const reach = useReach(me);
  const words = query.trim().toLowerCase();
  const who = handleIn(query);
  const matching = ordered(rooms).filter((r) => !r.space && (titleOf(r, me).toLowerCase().includes(words) || r.members.some((m) => m !== me && m.includes(words))));
  const item = (r: Room) => <RoomButton key={r.id} room={r} me={me} open={r.id === open} onOpen={() => onOpen(r.id)} />;
  return (
    <>
      <div className="rooms-head">
        <label className="rooms-search">
          <Search className="icon small" aria-hidden />
          <input type="search" className="input" aria-label="Find people, rooms and words" placeholder="Find people, rooms, words" value={query} onChange={(e) => setQuery(e.target.value)} />
        </label>
        <IconButton icon={SquarePen} label="New chat or room" onClick={onNew} />
      </div>
      <div className="rooms-scroll" onKeyDown={walk}>
        {words === "" ? (
          <>
            <AgreementsItem open={agreements} />
            {sections(rooms, me).map((s) => (
              <section key={s.id} aria-label={s.title}>
                <h3>{s.title}</h3>
                <ul>{s.rooms.map(item)}</ul>
              </section>
            ))}
            {rooms.length === 0 && <p className="hint rooms-note">Nobody has written yet.</p>}
            {reach === "home" && (
              <p className="hint rooms-note">
                Only this home knows <code>{me}</code>.{" "}
                <button type="button" className="link" onClick={onSettings}>
                  Claim a handle
                </button>
              </p>
            )}
          </>
        ) : (
          <>
            {who && (
              <button type="button" className="room-item" onClick={() => void talkTo(who).then(() => setQuery(""))}>
                <Face handle={who} />
                <span className="room-words">
                  <strong>Write to {who}</strong>
                </span>
              </button>
            )}
            <ul>{matching.map(item)}</ul>
            <section aria-label="Messages found" aria-live="polite">
              <h3>{count(found.length, "message")}</h3>
              <ul>
                {found.map((f) => (
                  <li key={f.message.id}>
                    <button type="button" className="room-item" onClick={() => onFound(f.room, f.message.id)}>
                      <Face handle={f.message.sender} />
                      <span className="room-words">
                        <strong>{nameOf(f.message.sender)}</strong>
                        <span className="room-gist">{gist(f.message)}</span>
                      </span>
                      <time dateTime={f.message.time} title={exact(f.message.time)}>
                        {ago(f.message.time)}
                      </time>
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          </>
        )}
      </div>
    </>
  );
}

// Arrows walk through the list.
function walk(e: KeyboardEvent<HTMLDivElement>): void {
  if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
  const all = [...e.currentTarget.querySelectorAll<HTMLElement>(".room-item")];
  const here = all.indexOf(document.activeElement as HTMLElement);
  e.preventDefault();
  all[Math.max(0, Math.min(all.length - 1, here + (e.key === "ArrowDown" ? 1 : -1)))]?.focus();
}

// The messages that have these words; those of the words before until then.
function useFound(query: string): Schemas["FoundMessage"][] {
  const [found, setFound] = useState<Schemas["FoundMessage"][]>([]);
  const words = query.trim();
  useEffect(() => {
    if (words.length < 2) return;
    let current = true;
    const timer = setTimeout(() => {
      void attempt("The search did not work", () => api.searchMessages(words.slice(0, 200))).then((list) => current && list && setFound(list));
    }, pause);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [words]);
  return words.length < 2 ? [] : found;
}

// An invitation in a line, under what the room is called.
function askedText(r: Room): string {
  if (r.app) return `${inviterOf(r.inviter)} invites you to ${r.app.name}`;
  if (r.direct) return "Wants to write to you";
  return r.name ? `${inviterOf(r.inviter)} invites you` : "Invites you to a room";
}

function RoomButton({ room: r, me, open, onOpen }: { room: Room; me: string; open: boolean; onOpen(): void }) {
  const asked = r.state === "invited";
  const title = asked && r.app?.title ? r.app.title : titleOf(r, me);
  const face = asked ? (r.inviter ?? r.id) : r.direct || r.ai ? (r.members.find((m) => m !== me) ?? "") : r.id;
  const last = asked ? askedText(r) : r.newest ? `${r.newest.sender === me ? "You: " : r.direct || r.ai ? "" : `${nameOf(r.newest.sender)}: `}${gist(r.newest)}` : "";
  return (
    <li>
      <button type="button" className={`room-item ${r.unread > 0 ? "unread" : ""}`} aria-current={open ? "true" : undefined} onClick={onOpen}>
        <Face handle={face} text={title} />
        <span className="room-words">
          <strong>
            {title}
            {r.ai && <Bot className="icon small agent" aria-label="Your AI" />}
            {r.encrypted && <Lock className="icon tiny" aria-label="Encrypted" />}
            {r.muted && <BellOff className="icon tiny" aria-label="Muted" />}
          </strong>
          <span className="room-gist">{last}</span>
        </span>
        <span className="room-side">
          {r.newest && (
            <time dateTime={r.newest.time} title={exact(r.newest.time)}>
              {ago(r.newest.time).replace(" ago", "")}
            </time>
          )}
          {(r.unread > 0 || r.state === "invited") && (
            <span className={`count ${r.muted ? "quiet" : ""}`} aria-label={r.state === "invited" ? "An invitation" : `${r.unread} unread`}>
              {r.state === "invited" ? "!" : r.unread > 99 ? "99+" : r.unread}
            </span>
          )}
        </span>
      </button>
    </li>
  );
}
