import { addDays, today } from "@matrixos/sdk";

export interface Habit {
  id: string;
  name: string;
  days: string[]; // the days it was done, YYYY-MM-DD
}

/** The days in a row up to today; a day that is not over yet breaks nothing. */
export function current(days: string[], now = today()): number {
  const done = new Set(days);
  let day = done.has(now) ? now : addDays(now, -1);
  let count = 0;
  for (; done.has(day); day = addDays(day, -1)) count++;
  return count;
}

/** The most days in a row there ever were. */
export function best(days: string[]): number {
  let most = 0;
  let run = 0;
  let before = "";
  for (const day of [...new Set(days)].sort()) {
    run = before !== "" && addDays(before, 1) === day ? run + 1 : 1;
    most = Math.max(most, run);
    before = day;
  }
  return most;
}

/** The last seven days, oldest first. */
export function week(now = today()): string[] {
  return [6, 5, 4, 3, 2, 1, 0].map((back) => addDays(now, -back));
}
