import { ArrowLeft } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import type { Snapshot } from "../../protocol/api.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { attempt, useSession } from "../../session/store.ts";
import { Empty, IconButton, Segmented } from "../../ui/controls.tsx";
import { ConflictView } from "./ConflictView.tsx";
import { LandingView } from "./LandingView.tsx";
import { Moment } from "./Moment.tsx";
import { placeOf } from "./moments.ts";
import { Scrubber } from "./Scrubber.tsx";
import { StorageView } from "./StorageView.tsx";
import { Timeline } from "./Timeline.tsx";
import "./conflict.css";
import "./storage.css";
import "./history.css"; // its narrow layout overrides the others

type Face = "change" | "then";

/** HistoryView is time travel: the changes of the home, and the home as it was at any of them. */
export default function HistoryView({ arg, context }: ProgramProps) {
  const head = useSession((s) => s.landings[0]?.id ?? 0);
  const loaded = useSession((s) => s.landingsLoaded);
  const [place, setPlace] = useState(() => placeOf(arg));
  const chosen = typeof place === "number" ? place : null;
  const [seenArg, setSeenArg] = useState(arg);
  const [face, setFace] = useState<Face>("change");
  const [names, setNames] = useState<readonly Snapshot[]>([]);
  if (arg !== seenArg) {
    setSeenArg(arg);
    if (arg) {
      setPlace(placeOf(arg));
      setFace("change");
    }
  }
  const readNames = useCallback(() => void attempt("The names of moments did not load", () => api.snapshots()).then((list) => list && setNames(list)), []);
  useEffect(readNames, [readNames]);
  const landing = useLanding(chosen ?? head);

  if (loaded && head === 0) return <Empty text="Nothing has changed in your home yet. Each change will stand here, with who made it, why and at what cost." />;
  const move = (id: number) => {
    setPlace(Math.min(Math.max(id, 1), head));
    setFace("then");
  };
  const back = <IconButton className="history-back" icon={ArrowLeft} label="All changes" onClick={() => setPlace(null)} />;
  return (
    <div className={`history ${place !== null ? "detail" : ""}`}>
      <Scrubber head={head} at={chosen ?? head} landing={landing} names={names} onMove={move} />
      <Timeline place={place} names={names} onChoose={setPlace} />
      <div className="history-detail">
        {place !== null && typeof place !== "number" ? (
          <>
            <div className="history-face aside">{back}</div>
            {place === "storage" ? <StorageView context={context} /> : <ConflictView key={place.conflict} id={place.conflict} onSettled={setPlace} />}
          </>
        ) : chosen !== null ? (
          <>
            <div className="history-face">
              {back}
              <Segmented<Face>
                label="Show"
                value={face}
                options={[
                  { value: "change", label: "What changed" },
                  { value: "then", label: "The home then" },
                ]}
                onChange={setFace}
              />
            </div>
            {face === "change" ? <LandingView key={chosen} id={chosen} /> : <Moment id={chosen} landing={landing} names={names} onNames={readNames} context={context} />}
          </>
        ) : (
          <Empty text="Choose a change to see what it did, or move through time above." />
        )}
      </div>
    </div>
  );
}

// The landing at a place of the slider may be older than what the session has read.
function useLanding(id: number): LandingInfo | undefined {
  const known = useSession((s) => s.landings.find((l) => l.id === id));
  const [read, setRead] = useState<LandingInfo | undefined>(undefined);
  useEffect(() => {
    if (known || id < 1) return;
    let here = true;
    api.findLandings(1, { before: id + 1 }).then(
      ([l]) => here && setRead(l),
      () => undefined, // the place is then shown by its number alone
    );
    return () => {
      here = false;
    };
  }, [id, known]);
  return known ?? (read?.id === id ? read : undefined);
}
