// The way from work to break and back, as a value: a window that is closed misses nothing.
export type Phase = "work" | "short" | "long";

export interface Lengths {
  work: number; // minutes
  short: number;
  long: number;
  rounds: number; // stretches of work until the long break
}

export interface Cycle {
  phase: Phase;
  done: number; // stretches of work since the last long break
  ends: number | null; // when the phase is over, while it runs; milliseconds
  left: number; // what is left of it, while it stands; milliseconds
}

export const usual: Lengths = { work: 25, short: 5, long: 15, rounds: 4 };
const minute = 60_000;

export const begin = (l: Lengths): Cycle => ({ phase: "work", done: 0, ends: null, left: l.work * minute });

export const leftOf = (c: Cycle, now: number): number => (c.ends === null ? c.left : Math.max(0, c.ends - now));

export const start = (c: Cycle, now: number): Cycle => (c.ends === null ? { ...c, ends: now + c.left } : c);

export const pause = (c: Cycle, now: number): Cycle => ({ ...c, left: leftOf(c, now), ends: null });

/** next is the phase that follows; skipped work does not count. It waits to be started. */
export function next(c: Cycle, l: Lengths, skipped = false): Cycle {
  if (c.phase !== "work") return { phase: "work", done: c.phase === "long" ? 0 : c.done, ends: null, left: l.work * minute };
  const done = c.done + (skipped ? 0 : 1);
  const phase = done >= l.rounds ? "long" : "short";
  return { phase, done, ends: null, left: l[phase] * minute };
}

/** resize gives a phase that has not begun its new length. */
export function resize(c: Cycle, before: Lengths, l: Lengths): Cycle {
  return c.ends === null && c.left === before[c.phase] * minute ? { ...c, left: l[c.phase] * minute } : c;
}

/** face writes milliseconds as 24:59; a second that has begun counts. */
export function face(ms: number): string {
  const s = Math.ceil(ms / 1000);
  return `${String(Math.floor(s / 60)).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
}
