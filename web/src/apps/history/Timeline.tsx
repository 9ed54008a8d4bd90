import { Bookmark, HardDrive, Search as SearchIcon } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Snapshot } from "../../protocol/api.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { useSession } from "../../session/store.ts";
import { Button, Empty, IconButton, Segmented, Skeleton } from "../../ui/controls.tsx";
import { ago, costText, count, exact } from "../../ui/words.ts";
import { byDay, who, type Group, type Place } from "./moments.ts";
import { useTimeline, type Search } from "./useTimeline.ts";
import { Waiting } from "./Waiting.tsx";

interface Props {
  place: Place;
  names: readonly Snapshot[];
  onChoose(place: Place): void;
}

interface RowsProps {
  chosen: number | null;
  names: readonly Snapshot[];
  onChoose(id: number): void;
}

const everybody = [
  { value: "all", label: "Everybody" },
  { value: "owner", label: "You" },
  { value: "agent", label: "Agents" },
] as const;

/** Timeline lists the changes of the home, newest first; arrow keys go through them. */
export function Timeline({ place, names, onChoose }: Props) {
  const chosen = typeof place === "number" ? place : null;
  const [search, setSearch] = useState<Search>({ text: "", who: "all" });
  const { list, loaded, searching, more } = useTimeline(search);
  const box = useRef<HTMLElement>(null);

  useEffect(() => {
    box.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [place]);

  const onKeyDown = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!by || !(e.target as HTMLElement).closest("li")) return;
    const next = list[list.findIndex((l) => l.id === chosen) + by];
    if (!next) return;
    e.preventDefault();
    onChoose(next.id);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>('[aria-current="true"]')?.focus());
  };

  return (
    <nav ref={box} className="history-list" aria-label="Changes" onKeyDown={onKeyDown}>
      <div className="history-search">
        <div className="history-find">
          <label>
            <SearchIcon className="icon small" aria-hidden />
            <input type="search" placeholder="A file, an app, a word" aria-label="Search changes" value={search.text} onChange={(e) => setSearch({ ...search, text: e.target.value })} />
          </label>
          <IconButton icon={HardDrive} label="Storage and backup" aria-pressed={place === "storage"} onClick={() => onChoose("storage")} />
        </div>
        <Segmented label="Made by" value={search.who} options={everybody} onChange={(value) => setSearch({ ...search, who: value })} />
      </div>
      <Waiting place={place} onChoose={onChoose} />
      {!loaded && <Skeleton lines={8} />}
      {loaded && searching && list.length === 0 && <Empty text="No change is like that." />}
      {byDay(list).map((day) => (
        <section key={day.name}>
          <h3>{day.name}</h3>
          {day.groups.map((g) => (
            <Together key={g.landings[0]?.id} group={g} chosen={chosen} names={names} onChoose={onChoose} />
          ))}
        </section>
      ))}
      {more && (
        <Button look="quiet" onClick={() => void more()}>
          Older changes
        </Button>
      )}
    </nav>
  );
}

// Changes of one request stand under what was asked for.
function Together({ group, chosen, names, onChoose }: RowsProps & { group: Group }) {
  const asked = useSession((s) => {
    if (!group.request || group.landings.length < 2) return undefined;
    return Object.values(s.talks).flatMap((t) => t.doc.turns).find((t) => t.request === group.request)?.ask.text;
  });
  return (
    <>
      {asked && (
        <p className="history-asked" title={asked}>
          {asked}
        </p>
      )}
      <ul className={asked ? "together" : ""}>
        {group.landings.map((l) => (
          <li key={l.id}>
            <Row landing={l} current={l.id === chosen} names={names.filter((n) => n.landing === l.id)} onChoose={onChoose} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Row({ landing: l, current, names, onChoose }: { landing: LandingInfo; current: boolean; names: readonly Snapshot[]; onChoose(id: number): void }) {
  const cost = l.provenance.cost && l.provenance.cost.usd > 0 ? ` · ${costText(l.provenance.cost)}` : "";
  return (
    <button type="button" className={l.undone_by ? "undone" : ""} aria-current={current ? "true" : undefined} onClick={() => onChoose(l.id)}>
      <i className={`dot ${l.kind}`} aria-hidden />
      <span className="history-title">{l.title}</span>
      <span className="history-who num">
        {who(l)} · {count(l.changes?.length ?? 0, "file")}
        {cost}
        {l.undone_by ? " · undone" : ""}
      </span>
      <time className="num" dateTime={l.time} title={exact(l.time)}>
        {ago(l.time)}
      </time>
      {names.length > 0 && (
        <span className="history-names">
          {names.map((n) => (
            <span key={n.name} className="snapshot-name">
              <Bookmark className="icon small" aria-hidden />
              {n.name}
            </span>
          ))}
        </span>
      )}
    </button>
  );
}
