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
