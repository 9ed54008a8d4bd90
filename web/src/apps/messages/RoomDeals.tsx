import { useMemo, type ReactNode } from "react";
import { useDeals } from "../../session/deals.ts";
import type { Room } from "../../session/rooms.ts";
import { DealCard } from "./DealCard.tsx";
import { placed } from "./dealWords.ts";
import type { Line } from "./fold.ts";

/** useRoomDeals are the agreements of a room, by the line after which they stand. */
export function useRoomDeals(room: Room, me: string, lines: readonly Line[], more: boolean): (event: string) => ReactNode {
  const deals = useDeals((s) => s.deals);
  const at = useMemo(() => placed(deals, lines, room, me, more), [deals, lines, room, me, more]);
  return (event) =>
    at.get(event)?.map((d) => (
      <div key={d.id} className="timeline-deal">
        <DealCard deal={d} me={me} />
      </div>
    ));
}
