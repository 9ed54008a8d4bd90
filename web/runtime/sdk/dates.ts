import type { Every } from "./types.ts";

const pad = (n: number, width = 2) => String(n).padStart(width, "0");

/** isoDay writes a local date as YYYY-MM-DD. */
export function isoDay(d: Date): string {
  return `${pad(d.getFullYear(), 4)}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
}

/** today is the owner's date, YYYY-MM-DD. */
export function today(): string {
  return isoDay(new Date());
}

/** parseDay reads YYYY-MM-DD (or a full time stamp) as a local date; null if it is none. */
export function parseDay(text: unknown): Date | null {
  if (text instanceof Date) return Number.isNaN(text.getTime()) ? null : text;
  if (typeof text !== "string") return null;
  const m = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text);
  if (m) {
    const d = new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3] ?? 1));
    return d.getMonth() === Number(m[2]) - 1 ? d : null;
  }
  if (!/^\d{4}-\d{2}-\d{2}[T ]/.test(text)) return null;
  const d = new Date(text.replace(" ", "T"));
  return Number.isNaN(d.getTime()) ? null : d;
}

/** addDays moves a day by n days, over months and daylight saving. */
export function addDays(day: string, n: number): string {
  const d = parseDay(day);
  if (!d) return day;
  return isoDay(new Date(d.getFullYear(), d.getMonth(), d.getDate() + n));
}

/**
 * bucket names the period that a date lies in: the day, the Monday of its week,
 * "2026-11" or "2026". What is no date falls into "".
 */
export function bucket(date: string, every: Every): string {
  const d = parseDay(date);
  if (!d) return "";
  switch (every) {
    case "day":
      return isoDay(d);
    case "week":
      return isoDay(new Date(d.getFullYear(), d.getMonth(), d.getDate() - ((d.getDay() + 6) % 7)));
    case "month":
      return isoDay(d).slice(0, 7);
    case "year":
      return isoDay(d).slice(0, 4);
  }
}

/** nextBucket is the period after key. */
export function nextBucket(key: string, every: Every): string {
  const d = parseDay(every === "year" ? `${key}-01` : key);
  if (!d) return key;
  const [y, m, day] = [d.getFullYear(), d.getMonth(), d.getDate()];
  switch (every) {
    case "day":
      return isoDay(new Date(y, m, day + 1));
    case "week":
      return isoDay(new Date(y, m, day + 7));
    case "month":
      return isoDay(new Date(y, m + 1, 1)).slice(0, 7);
    case "year":
      return pad(y + 1, 4);
  }
}

/** bucketLabel names a period for people, short when space is short. */
export function bucketLabel(key: string, every: Every, locale?: string, short = false): string {
  if (every === "year" || key === "") return key || "No date";
  const d = parseDay(key);
  if (!d) return key;
  const sameYear = d.getFullYear() === new Date().getFullYear();
  const form: Intl.DateTimeFormatOptions =
    every === "month"
      ? short
        ? { month: "short" }
        : { month: "long", year: "numeric" }
      : { day: "numeric", month: "short", ...(sameYear || short ? {} : { year: "numeric" }) };
  const text = new Intl.DateTimeFormat(locale, form).format(d);
  return every === "week" && !short ? `Week of ${text}` : text;
}
