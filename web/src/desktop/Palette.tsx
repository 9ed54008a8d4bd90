import { Command } from "cmdk";
import { Handshake, MessageSquareText, MessagesSquare } from "lucide-react";
import { useEffect, useState } from "react";
import { commands, perform } from "../commands/all.ts";
import { available, keyText, onMac, type Group } from "../commands/registry.ts";
import { api } from "../session/api.ts";
import { dealsWith, loadDeals, useDeals } from "../session/deals.ts";
import { titleOf, useRooms } from "../session/rooms.ts";
import { ask, showConversation, useSession } from "../session/store.ts";
import { AppIcon } from "../ui/Icon.tsx";
import { nameOf } from "../ui/people.ts";
import { context, desk, show } from "./store.ts";

const groups: Group[] = ["Go to", "Ask", "App", "Window", "Look", "System"];

/** fits orders what is found: the name itself, its beginning, a word of it, a part of it, then the description. */
export function fits(value: string, query: string, keywords: readonly string[] = []): number {
  const [name, q] = [value.toLowerCase(), query.trim().toLowerCase()];
  if (name === q || name === `${q} ${q}`) return 1; // an app's name and slug
  if (name.startsWith(q)) return 0.9;
  if (name.includes(` ${q}`)) return 0.7;
  if (name.includes(q)) return 0.5;
  return keywords.some((k) => ` ${k.toLowerCase()}`.includes(` ${q}`)) ? 0.3 : 0;
}

type FoundRow = Awaited<ReturnType<typeof api.searchRows>>[number];

const pause = 150; // after a key, until entries are looked for

// The entries of apps that have these words; those of the words before until then.
function useEntries(query: string): FoundRow[] {
  const [found, setFound] = useState<FoundRow[]>([]);
  const words = query.trim();
  useEffect(() => {
    if (words.length < 2) return setFound([]);
    let current = true;
    const timer = setTimeout(() => {
      api.searchRows(words.slice(0, 200)).then(
        (rows) => current && setFound(rows),
        () => current && setFound([]), // the rest of the palette works without
      );
    }, pause);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [words]);
  return found;
}

export default function Palette() {
  const apps = useSession((s) => s.apps);
  const [query, setQuery] = useState("");
  const [list] = useState(() => available(commands, context()).filter((c) => c.name !== "go.palette"));
  const entries = useEntries(query);
  const rooms = useRooms((s) => s.rooms);
  const deals = useDeals((s) => s.deals);
  const agreed = query.trim().length < 2 ? [] : dealsWith(deals, query).slice(0, 8);
  useEffect(() => void loadDeals(), []);
  const me = useSession((s) => s.me?.handle ?? "");
  const handle = /^@\S+:\S+$/.exec(query.trim())?.[0];
  const run = (then: () => void) => () => {
    show(null);
    then();
  };
  return (
    <div className="scrim" onPointerDown={(e) => e.target === e.currentTarget && show(null)}>
      <Command className="dialog palette" label="Find anything" loop filter={fits} onKeyDown={(e) => e.key === "Escape" && show(null)}>
        <Command.Input autoFocus placeholder="Find an app or a command, or ask" value={query} onValueChange={setQuery} />
        <Command.List>
          <Command.Group heading="Apps">
            {Object.values(apps)
              .filter((a) => !a.hidden)
              .map((a) => (
                <Command.Item key={a.slug} value={`${a.name} ${a.slug}`} keywords={a.description ? [a.description] : []} onSelect={run(() => desk.openApp(a.slug))}>
                  <AppIcon name={a.icon} />
                  <span>{a.name}</span>
                </Command.Item>
              ))}
          </Command.Group>
          {groups.map((group) => {
            const inGroup = list.filter((c) => c.group === group);
            return inGroup.length === 0 ? null : (
              <Command.Group key={group} heading={group}>
                {inGroup.map((c) => (
                  <Command.Item key={c.name} value={c.label} onSelect={run(() => void c.perform(context()))}>
                    <c.icon className="icon" aria-hidden />
                    <span>{c.label}</span>
                    {c.key && <kbd>{keyText(c.key, onMac)}</kbd>}
                  </Command.Item>
                ))}
              </Command.Group>
            );
          })}
          {rooms.length > 0 && (
            <Command.Group heading="People and rooms">
              {rooms.map((r) => (
                <Command.Item key={r.id} value={`${r.direct ? "Message" : "Open room"} ${titleOf(r, me)}`} onSelect={run(() => perform("messages.open", context(), r.id))}>
                  <MessagesSquare className="icon" aria-hidden />
                  <span>{`${r.direct ? "Message" : "Open room"} ${titleOf(r, me)}`}</span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          {agreed.length > 0 && (
            <Command.Group heading="Agreements" forceMount>
              {agreed.map((d) => (
                <Command.Item key={d.id} forceMount value={`agreement ${d.id}`} onSelect={run(() => perform("messages.agreements", context(), d.id))}>
                  <Handshake className="icon" aria-hidden />
                  <span>{d.title}</span>
                  <small>{nameOf(d.peer)}</small>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          {handle && (
            <Command.Item forceMount value={`message ${handle}`} onSelect={run(() => perform("messages.to", context(), handle))}>
              <MessagesSquare className="icon" aria-hidden />
              <span>Message {handle}</span>
            </Command.Item>
          )}
          {entries.length > 0 && (
            <Command.Group heading="Entries" forceMount>
              {entries.map((e) => (
                <Command.Item key={`${e.app} ${e.table} ${e.id}`} forceMount value={`${e.app} ${e.table} ${e.id}`} onSelect={run(() => desk.openApp(e.app))}>
                  <AppIcon name={apps[e.app]?.icon} />
                  <span>{e.text}</span>
                  <small>{e.name}</small>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          {query.trim().length > 2 && (
            <Command.Item
              forceMount
              value={`ask ${query}`}
              onSelect={run(() => {
                void showConversation(null).then(() => {
                  desk.openProgram("chat");
                  void ask(query.trim());
                });
              })}
            >
              <MessageSquareText className="icon" aria-hidden />
              <span>Ask “{query.trim()}”</span>
            </Command.Item>
          )}
        </Command.List>
      </Command>
    </div>
  );
}
