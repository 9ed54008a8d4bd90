import { isoDay, parseDay } from "./dates.ts";
import type { Field, Row } from "./types.ts";

/** locale is the owner's, as the browser tells it. */
export function locale(): string {
  return globalThis.navigator?.language || "en";
}

// A formatter takes many times as long to make as to use, and lists use one for each row.
const kept = new Map<string, unknown>();

function keep<F extends new (locale: string, options: any) => any>(Format: F, options: NonNullable<ConstructorParameters<F>[1]>): InstanceType<F> {
  const key = `${Format.name} ${locale()} ${new Date().getTimezoneOffset()} ${JSON.stringify(options)}`; // a device may travel
  let made = kept.get(key) as InstanceType<F> | undefined;
  if (!made) kept.set(key, (made = new Format(locale(), options)));
  return made!;
}

const homeCurrency: Record<string, string> = { US: "USD", GB: "GBP", CH: "CHF", JP: "JPY", CA: "CAD", AU: "AUD", IN: "INR", SE: "SEK", NO: "NOK", DK: "DKK", PL: "PLN", BR: "BRL", CN: "CNY" };

/** currencyOf is the field's currency, else the one of the owner's region, else EUR. */
export function currencyOf(field?: Field): string {
  if (field?.currency) return field.currency;
  return homeCurrency[locale().split("-")[1]?.toUpperCase() ?? ""] ?? "EUR";
}

/** isNumeric says whether a field's values are figures: right-aligned, summed, charted. */
export function isNumeric(field: Field): boolean {
  return ["number", "money", "percent", "duration", "rating"].includes(field.type ?? "text");
}

/** labelOf is what people read for a field: its label, or its name in words. */
export function labelOf(field: Field): string {
  if (field.label) return field.label;
  const words = field.name.replace(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function money(n: number, field: Field): string {
  const currency = currencyOf(field);
  try {
    return keep(Intl.NumberFormat, { style: "currency", currency }).format(n);
  } catch {
    return `${number(n, 2)} ${currency}`; // a currency that is not ISO 4217
  }
}

function number(n: number, digits = 2): string {
  return keep(Intl.NumberFormat, { maximumFractionDigits: digits }).format(n);
}

/** formatDuration writes minutes as "1 h 20 min". */
export function formatDuration(minutes: number): string {
  const sign = minutes < 0 ? "−" : "";
  const all = Math.round(Math.abs(minutes));
  const h = Math.floor(all / 60);
  const m = all % 60;
  if (h === 0) return `${sign}${m} min`;
  return m === 0 ? `${sign}${h} h` : `${sign}${h} h ${m} min`;
}

/** formatDay writes a date near today in words, else as the owner's locale does. */
export function formatDay(d: Date, now = new Date()): string {
  const days = Math.round((startOfDay(d) - startOfDay(now)) / 864e5);
  if (Math.abs(days) <= 1) {
    const words = keep(Intl.RelativeTimeFormat, { numeric: "auto" }).format(days, "day");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }
  const year = d.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return keep(Intl.DateTimeFormat, { day: "numeric", month: "short", ...year }).format(d);
}

function startOfDay(d: Date): number {
  return Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
}

function clock(d: Date): string {
  return keep(Intl.DateTimeFormat, { hour: "numeric", minute: "2-digit" }).format(d);
}

function formatNumeric(n: number, field: Field): string {
  switch (field.type) {
    case "money":
      return money(n, field);
    case "percent":
      return `${number(n, 1)} %`;
    case "duration":
      return formatDuration(n);
    case "rating": {
      const max = field.max ?? 5;
      const full = Math.max(0, Math.min(max, Math.round(n)));
      return "★".repeat(full) + "☆".repeat(max - full);
    }
    default:
      return field.unit ? `${number(n)} ${field.unit}` : number(n);
  }
}

/** formatValue writes a value of a field for people; nothing becomes "". */
export function formatValue(value: any, field: Field): string {
  if (value === null || value === undefined || value === "") return "";
  if (field.type === "check") return value ? "Yes" : "No";
  if (Array.isArray(value)) return value.join(", ");
  if (isNumeric(field) || (typeof value === "number" && !field.type)) {
    const n = Number(value);
    return Number.isFinite(n) ? formatNumeric(n, field) : String(value);
  }
  if (field.type === "date" || field.type === "datetime") {
    const d = parseDay(value);
    if (!d) return String(value);
    return field.type === "date" ? formatDay(d) : `${formatDay(d)}, ${clock(d)}`;
  }
  if (field.type === "time") {
    const m = /^(\d{1,2}):(\d{2})/.exec(String(value));
    return m ? clock(new Date(2000, 0, 1, Number(m[1]), Number(m[2]))) : String(value);
  }
  if (field.type === "link") return String(value).replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** exactValue is the unabridged form of a value, for titles and hover. */
export function exactValue(value: any, field: Field): string {
  const d = field.type === "date" || field.type === "datetime" ? parseDay(value) : null;
  if (!d) return formatValue(value, field);
  return keep(Intl.DateTimeFormat, { dateStyle: "full", ...(field.type === "datetime" ? { timeStyle: "short" } : {}) }).format(d);
}

/** defaultValue is what a new form holds for a field. */
export function defaultValue(field: Field, now = new Date()): any {
  const d = field.default;
  if (d === "today") return isoDay(now);
  if (d === "now") {
    const time = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
    if (field.type === "time") return time;
    return field.type === "date" ? isoDay(now) : `${isoDay(now)}T${time}`;
  }
  if (d !== undefined) return d;
  return field.type === "check" ? false : null;
}

/** sortRows orders rows by "column" or "-column"; rows without a value come last. */
export function sortRows<R extends Partial<Row>>(rows: readonly R[], by: string | undefined): R[] {
  const out = [...rows];
  if (!by) return out;
  const down = by.startsWith("-");
  const column = down ? by.slice(1) : by;
  const collator = keep(Intl.Collator, { numeric: true, sensitivity: "base" });
  return out.sort((a, b) => {
    const [x, y] = [a[column], b[column]];
    const [noX, noY] = [x === null || x === undefined || x === "", y === null || y === undefined || y === ""];
    if (noX || noY) return Number(noX) - Number(noY);
    const order = typeof x === "number" && typeof y === "number" ? x - y : typeof x === "boolean" ? Number(x) - Number(y) : collator.compare(String(x), String(y));
    return down ? -order : order;
  });
}

/** searchRows keeps the rows in whose fields every word of text occurs. */
export function searchRows<R extends Partial<Row>>(rows: readonly R[], text: string, fields: readonly Field[]): R[] {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const hay = fields.map((f) => `${formatValue(row[f.name], f)} ${row[f.name] ?? ""}`).join(" ").toLocaleLowerCase();
    return words.every((w) => hay.includes(w));
  });
}
