// The arithmetic of charts, without any drawing.
import { aggregate, bucket, bucketLabel, locale, periods, type Aggregate, type Every, type Field, type Row } from "@matrixos/sdk";

/** Eight colours that differ in lightness as well as hue, and stand off paper and desk alike; the first is the owner's signal. */
export const palette = ["var(--matrix-primary)", "#D98A00", "#3F7FBF", "#B5508A", "#7A9A1F", "#C2512F", "#6C63B8", "#8A8578"];

export interface Series {
  name: string;
  color: string;
  values: number[];
}

export interface Shape {
  keys: string[];
  labels: string[];
  short: string[];
  series: Series[];
}

export interface ShapeOptions {
  x: string;
  every?: Every;
  y?: string;
  agg?: Aggregate;
  series?: string;
  last?: number;
  fields?: readonly Field[];
}

/** isDates says whether the values are days or time stamps. */
export function isDates(values: unknown[]): boolean {
  const known = values.filter((v) => v !== null && v !== undefined && v !== "");
  return known.length > 0 && known.every((v) => /^\d{4}-\d{2}-\d{2}/.test(String(v)));
}

/** niceStep is the next step of the 1-2-5 series at or above raw. */
export function niceStep(raw: number): number {
  if (!(raw > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const f = raw / power;
  return (f <= 1 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10) * power;
}

/** ticks divides a range that includes zero into about count steps of round size. */
export function ticks(min: number, max: number, count = 4): number[] {
  const lo = Math.min(0, min);
  const hi = Math.max(0, max);
  if (lo === hi) return [0, 1];
  const step = niceStep((hi - lo) / count);
  const first = Math.floor(lo / step + 1e-9);
  const last = Math.ceil(hi / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** shape turns rows into series over the keys of x, one value per key, also where there are no rows. */
export function shape(rows: readonly Row[], o: ShapeOptions): Shape {
  const agg = o.agg ?? (o.y ? "sum" : "count");
  const dates = o.every !== undefined || isDates(rows.map((r) => r[o.x]));
  const every: Every = o.every ?? "day";
  const keyOf = (r: Row) => (dates ? bucket(String(r[o.x] ?? ""), every) : String(r[o.x] ?? "") || "None");
  const buckets = new Map<string, Row[]>();
  for (const r of rows) {
    const key = keyOf(r);
    if (key !== "") buckets.set(key, [...(buckets.get(key) ?? []), r]);
  }
  const keys = dates ? datedKeys([...buckets.keys()], every, o.last ?? (o.every ? 12 : 30)) : namedKeys(buckets, o, agg);
  const names = o.series ? seriesNames(rows, o, agg) : [""];
  const series = names.map((name, i) => ({
    name,
    color: palette[i % palette.length]!,
    values: keys.map((k) => aggregate((buckets.get(k) ?? []).filter((r) => !o.series || nameOf(r, o.series, names) === name), o.y, agg)),
  }));
  return {
    keys,
    labels: keys.map((k) => (dates ? bucketLabel(k, every, locale()) : k)),
    short: keys.map((k) => (dates ? bucketLabel(k, every, locale(), true) : k)),
    series,
  };
}

function datedKeys(present: string[], every: Every, last: number): string[] {
  const sorted = present.sort();
  return sorted.length === 0 ? [] : periods(sorted[0]!, sorted.at(-1)!, every, last);
}

function namedKeys(buckets: Map<string, Row[]>, o: ShapeOptions, agg: Aggregate): string[] {
  const options = o.fields?.find((f) => f.name === o.x)?.options;
  const keys = [...buckets.keys()];
  const size = (k: string) => aggregate(buckets.get(k)!, o.y, agg);
  if (options && options.length > 0 && keys.every((k) => /^\d/.test(k))) keys.sort((a, b) => options.indexOf(a) - options.indexOf(b));
  else keys.sort((a, b) => size(b) - size(a) || a.localeCompare(b));
  return o.last ? keys.slice(0, o.last) : keys;
}

const other = "Other";

function seriesNames(rows: readonly Row[], o: ShapeOptions, agg: Aggregate): string[] {
  const sizes = new Map<string, Row[]>();
  for (const r of rows) {
    const name = String(r[o.series!] ?? "") || "None";
    sizes.set(name, [...(sizes.get(name) ?? []), r]);
  }
  const names = [...sizes.keys()].sort((a, b) => aggregate(sizes.get(b)!, o.y, agg) - aggregate(sizes.get(a)!, o.y, agg));
  return names.length <= palette.length ? names : [...names.slice(0, palette.length - 1), other];
}

function nameOf(r: Row, column: string, names: string[]): string {
  const name = String(r[column] ?? "") || "None";
  return names.includes(name) ? name : other;
}

/** compact writes an axis figure in little room: 1.2K, 3M. */
export function compact(n: number): string {
  return new Intl.NumberFormat(locale(), { notation: Math.abs(n) >= 10000 ? "compact" : "standard", maximumFractionDigits: Math.abs(n) < 10 ? 2 : 1 }).format(n);
}

/** linePath joins points by straight lines: no value is invented between two. */
export function linePath(points: [number, number][]): string {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}

/** slicePath is a ring segment between two shares of a turn. */
export function slicePath(from: number, to: number, outer: number, inner: number): string {
  const end = to - from >= 1 ? from + 0.99999 : to;
  const at = (share: number, radius: number) => `${(Math.sin(share * 2 * Math.PI) * radius).toFixed(2)},${(-Math.cos(share * 2 * Math.PI) * radius).toFixed(2)}`;
  const large = end - from > 0.5 ? 1 : 0;
  return `M${at(from, outer)}A${outer},${outer} 0 ${large} 1 ${at(end, outer)}L${at(end, inner)}A${inner},${inner} 0 ${large} 0 ${at(from, inner)}Z`;
}
