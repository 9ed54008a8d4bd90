// An app window may show the app in another guise than the home's: as it was at a
// landing, or as a process at work has it now. Both end with their window.
import type { PID } from "../../protocol/wire.ts";

export type Guise = { at: number; pid?: undefined } | { pid: PID; at?: undefined };

/** guiseTitle is what such a window is called. */
export function guiseTitle(name: string, g: Guise): string {
  return g.at === undefined ? `${name}, preview` : `${name}, as of L${g.at}`;
}
