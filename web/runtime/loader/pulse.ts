// Says that the window answers when the shell asks, and what memory it takes. Taken
// before the app runs, which may change what it finds.
import type { Link } from "./port.ts";

interface Measuring {
  measureUserAgentSpecificMemory?(): Promise<{ bytes: number }>;
}

/** tellPulse answers the shell; an app that is stuck does not. */
export function tellPulse(link: Link): void {
  // Only where it shares its process with nobody can what it does be told from what others do.
  const alone = globalThis.crossOriginIsolated === true;
  const weigh = alone ? (performance as Measuring).measureUserAgentSpecificMemory?.bind(performance) : undefined;
  link.on("pulse", ({ n }) => link.note({ type: "pulse", n, alone }));
  link.on("weigh", () => weigh?.().then(({ bytes }) => link.note({ type: "weight", bytes }), () => undefined)); // a browser may refuse; then nothing is known
}
