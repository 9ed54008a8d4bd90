// Times in other places, and stretches of time in words.

/** offset is how many minutes a zone is ahead of UTC at a moment. */
export function offset(zone: string, at: Date): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at);
  const n = (type: string) => Number(parts.find((p) => p.type === type)!.value);
  return Math.round((Date.UTC(n("year"), n("month") - 1, n("day"), n("hour"), n("minute"), n("second")) - at.getTime()) / 60_000);
}

/** ahead says how a zone stands to another: "3 h ahead", "5 h 30 min behind", "same time". */
export function ahead(zone: string, from: string, at: Date): string {
  const minutes = offset(zone, at) - offset(from, at);
  if (minutes === 0) return "same time";
  const [h, m] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${[h && `${h} h`, m && `${m} min`].filter(Boolean).join(" ")} ${minutes > 0 ? "ahead" : "behind"}`;
}

/** nameOf is the place that a zone is called after: "America/New_York" is New York. */
export const nameOf = (zone: string): string => zone.split("/").at(-1)!.replaceAll("_", " ");

/** lap writes milliseconds as 1:02:03.45. */
export function lap(ms: number): string {
  const c = Math.floor(ms / 10);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(c / 360_000), Math.floor(c / 6000) % 60, Math.floor(c / 100) % 60];
  return `${h > 0 ? `${h}:${two(m)}` : m}:${two(s)}.${two(c % 100)}`;
}

/** rest writes what a timer has left as 1:02:03; a second that has begun counts. */
export function rest(ms: number): string {
  const s = Math.ceil(ms / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}
