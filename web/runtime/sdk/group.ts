import { bucket, bucketLabel, nextBucket } from "./dates.ts";
import { locale } from "./format.ts";
import type { Aggregate, Every, Row } from "./types.ts";

/** sumBy adds up a column; what is no number counts nothing. */
export function sumBy(rows: readonly Partial<Row>[], column: string): number {
  let sum = 0;
  for (const row of rows) {
    const n = Number(row[column]);
    if (Number.isFinite(n)) sum += n;
  }
  return Math.round(sum * 1e9) / 1e9; // 0.1 + 0.2 is 0.3 on a bill
}

/** aggregate folds a column of rows into one figure. */
export function aggregate(rows: readonly Partial<Row>[], column: string | undefined, how: Aggregate): number {
  if (how === "count" || !column) return rows.length;
  if (how === "sum") return sumBy(rows, column);
  const values = rows.map((r) => r[column]).filter((v) => v !== null && v !== undefined && v !== "").map(Number).filter(Number.isFinite);
  if (values.length === 0) return 0;
  if (how === "avg") return values.reduce((a, b) => a + b, 0) / values.length;
  return how === "min" ? Math.min(...values) : Math.max(...values);
}

export interface Group<R> {
  key: string;
  label: string;
  rows: R[];
}

/**
 * groupRows puts rows with the same value of a column together, in the order in
 * which the values first occur; with every, dates are grouped by their period.
 */
export function groupRows<R extends Partial<Row>>(rows: readonly R[], column: string, every?: Every): Group<R>[] {
  const groups = new Map<string, Group<R>>();
  for (const row of rows) {
    const value = row[column];
    const keys = every ? [bucket(String(value ?? ""), every)] : Array.isArray(value) && value.length > 0 ? value.map(String) : [text(value)];
    for (const key of keys) {
      let g = groups.get(key);
      if (!g) {
        const label = every ? bucketLabel(key, every, locale()) : key || "None";
        groups.set(key, (g = { key, label, rows: [] }));
      }
      g.rows.push(row);
    }
  }
  return [...groups.values()];
}

function text(value: unknown): string {
  if (value === null || value === undefined || Array.isArray(value)) return "";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return String(value);
}

/** periods lists the buckets from first to last, also those without rows, at most limit, the newest. */
export function periods(first: string, last: string, every: Every, limit: number): string[] {
  const out: string[] = [];
  for (let key = first; key <= last && out.length < 5000; key = nextBucket(key, every)) out.push(key);
  return out.slice(-limit);
}
