// The days of a month view.
import { addDays, isoDay, parseDay } from "@matrixos/sdk";

/** weekStart is the first day of the week of a locale: 0 for Sunday, 1 for Monday. */
export function weekStart(locale: string): number {
  try {
    const l = new Intl.Locale(locale) as any;
    const info = l.getWeekInfo?.() ?? l.weekInfo;
    if (info?.firstDay) return info.firstDay % 7;
  } catch {
    return 1; // a locale that the browser does not know
  }
  return 1;
}

/** monthDays lists the days of whole weeks that cover the month of day. */
export function monthDays(day: string, firstDay: number): string[] {
  const d = parseDay(day)!;
  const first = new Date(d.getFullYear(), d.getMonth(), 1);
  const last = new Date(d.getFullYear(), d.getMonth() + 1, 0);
  const start = addDays(isoDay(first), -((first.getDay() - firstDay + 7) % 7));
  const length = ((first.getDay() - firstDay + 7) % 7) + last.getDate();
  return Array.from({ length: Math.ceil(length / 7) * 7 }, (_, i) => addDays(start, i));
}

const steps: Record<string, [months: number, days: number]> = { daily: [0, 1], weekly: [0, 7], fortnightly: [0, 14], monthly: [1, 0], yearly: [12, 0] };

/**
 * occurrences lists the days between from and to on which what began on first comes
 * again: daily, weekly, fortnightly, monthly or yearly. A month that lacks the day,
 * such as the 31st, is passed over. Anything else does not repeat.
 */
export function occurrences(first: string, repeat: unknown, from: string, to: string): string[] {
  const start = parseDay(first);
  const step = steps[String(repeat ?? "").toLowerCase()];
  if (!start || first > to) return [];
  if (!step) return first >= from ? [first] : [];
  const [months, days] = step;
  const out: string[] = [];
  const since = parseDay(from)!;
  const elapsed = months ? (since.getFullYear() - start.getFullYear()) * 12 + since.getMonth() - start.getMonth() : Math.round((since.getTime() - start.getTime()) / 864e5);
  for (let n = Math.max(0, Math.floor(elapsed / (months || days)) - 1); ; n++) {
    const d = new Date(start.getFullYear(), start.getMonth() + n * months, start.getDate() + n * days);
    const day = isoDay(d);
    if (day > to) return out;
    if (day >= from && (!months || d.getDate() === start.getDate())) out.push(day);
  }
}

/**
 * dayRoom is how high a day of a month is drawn in a window, so that its weeks fit if they can,
 * and how many lines it has under its number. 190 is what stands above the days, about.
 */
export function dayRoom(window: number, weeks: number): { height: number; lines: number } {
  const height = Math.round(Math.max(74, Math.min(140, (window - 190) / weeks)));
  return { height, lines: Math.floor((height - 34) / 20) };
}
