// How long a habit has held.
import { addDays, bucket } from "@matrixos/sdk";

/**
 * streak counts back from today: days in a row for a daily habit (7 times a week),
 * else weeks in a row in which it was done often enough. What is not over yet, today
 * or this week, does not break it.
 */
export function streak(days: ReadonlySet<string>, perWeek: number, today: string): { length: number; unit: "day" | "week" } {
  if (perWeek >= 7) {
    let day = days.has(today) ? today : addDays(today, -1);
    let length = 0;
    for (; days.has(day); day = addDays(day, -1)) length++;
    return { length, unit: "day" };
  }
  const weeks = new Map<string, number>();
  for (const d of days) weeks.set(bucket(d, "week"), (weeks.get(bucket(d, "week")) ?? 0) + 1);
  const enough = (week: string) => (weeks.get(week) ?? 0) >= perWeek;
  let week = bucket(today, "week");
  let length = 0;
  if (!enough(week)) week = addDays(week, -7);
  for (; enough(week); week = addDays(week, -7)) length++;
  return { length, unit: "week" };
}

/** share is how much of what was meant to be done in the last 30 days was done, in percent; since is when the habit began. */
export function share(days: ReadonlySet<string>, perWeek: number, today: string, since: string): number {
  let done = 0;
  let all = 0;
  for (let i = 0; i < 30; i++) {
    const day = addDays(today, -i);
    if (day < since && !days.has(day)) continue;
    if (i === 0 && !days.has(day)) continue; // today is not over
    all++;
    if (days.has(day)) done++;
  }
  const meant = (all * perWeek) / 7;
  return meant === 0 ? 0 : Math.min(100, Math.round((done / meant) * 100));
}
