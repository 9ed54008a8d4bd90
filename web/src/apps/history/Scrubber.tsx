import { ChevronLeft, ChevronRight } from "lucide-react";
import type { Snapshot } from "../../protocol/api.ts";
import type { LandingInfo } from "../../protocol/wire.ts";
import { IconButton } from "../../ui/controls.tsx";
import { exact, whenText } from "../../ui/words.ts";

interface Props {
  head: number;
  at: number; // head is now
  landing?: LandingInfo; // the one at `at`, if it is known already
  names: readonly Snapshot[];
  onMove(id: number): void;
}

/** Scrubber moves through time, change by change; its right end is now. */
export function Scrubber({ head, at, landing, names, onMove }: Props) {
  const now = at >= head;
  const text = now ? "Now" : landing ? `L${at}, ${whenText(landing.time)}` : `L${at}`;
  const left = (id: number) => `${head > 1 ? ((id - 1) / (head - 1)) * 100 : 100}%`;
  return (
    <div className="scrubber" role="group" aria-label="Moment">
      <IconButton icon={ChevronLeft} label="One change back" disabled={at <= 1} onClick={() => onMove(at - 1)} />
      <div className="scrubber-track">
        <input type="range" min={1} max={Math.max(head, 1)} step={1} value={Math.min(at, head)} aria-label="Moment" aria-valuetext={text} onChange={(e) => onMove(Number(e.target.value))} />
        <div className="scrubber-marks" aria-hidden>
          {names.map((n) => (
            <i key={n.name} style={{ left: left(n.landing) }} title={n.name} />
          ))}
        </div>
      </div>
      <IconButton icon={ChevronRight} label="One change forward" disabled={now} onClick={() => onMove(at + 1)} />
      <output className="num" title={landing ? exact(landing.time) : undefined}>
        {text}
      </output>
    </div>
  );
}
