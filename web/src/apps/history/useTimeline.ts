// The landings that the timeline shows: all that the session knows, or those that
// a search has found.
import { useCallback, useEffect, useState } from "react";
import type { LandingInfo } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { attempt, olderLandings, onEvent, useSession } from "../../session/store.ts";

export type Who = "all" | "owner" | "agent";

export interface Search {
  text: string;
  who: Who;
}

const page = 60;
const pause = 200; // while the owner types

export function useTimeline(search: Search) {
  const known = useSession((s) => s.landings);
  const loaded = useSession((s) => s.landingsLoaded);
  const [found, setFound] = useState<{ of: Search; list: LandingInfo[] } | null>(null);
  const [ended, setEnded] = useState<Search | null>(null); // the search of which there is no more
  const searching = search.text.trim() !== "" || search.who !== "all";

  useEffect(() => {
    if (!searching) return;
    let here = true;
    const look = () =>
      attempt("The search did not work", () => api.findLandings(page, { text: search.text.trim(), by: search.who })).then((list) => {
        if (!here || !list) return;
        setFound({ of: search, list });
        setEnded(list.length < page ? search : null);
      });
    const timer = setTimeout(look, pause);
    const off = onEvent((e) => {
      if (e.kind === "landing") void look();
    });
    return () => {
      here = false;
      clearTimeout(timer);
      off();
    };
  }, [search, searching]);

  const list = searching ? (found?.list ?? []) : known; // an older search stays until the new one has found
  const oldest = list.at(-1)?.id ?? 1;
  const more = useCallback(async () => {
    if (!searching) {
      const any = await attempt("Older changes did not load", olderLandings);
      if (any === false) setEnded(search);
      return;
    }
    const next = await attempt("Older changes did not load", () => api.findLandings(page, { text: search.text.trim(), by: search.who, before: oldest }));
    if (!next) return;
    setFound((f) => (f ? { ...f, list: [...f.list, ...next] } : f));
    if (next.length < page) setEnded(search);
  }, [searching, search, oldest]);

  return { list, loaded: searching ? found !== null : loaded, searching, more: ended !== search && oldest > 1 && list.length > 0 ? more : null };
}
