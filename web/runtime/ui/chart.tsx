// Charts: direct labels, zero baselines, and the same figures as a table for who cannot see them.
import { formatValue, useRows, type Aggregate, type Every, type Field, type Query, type Row } from "@matrixos/sdk";
import { useState, type CSSProperties, type PointerEvent } from "react";
import { useWidth } from "./base.tsx";
import { Failure, Skeleton } from "./layout.tsx";
import { compact, isDates, linePath, palette, shape, slicePath, ticks, type Shape } from "./scale.ts";

export interface ChartProps {
  table?: string;
  rows?: readonly Row[] | readonly Record<string, any>[];
  where?: Query["where"];
  fields?: readonly Field[];
  kind: "bar" | "line" | "area" | "pie";
  x: string;
  every?: Every;
  y?: string;
  agg?: Aggregate;
  series?: string;
  title?: string;
  height?: number;
  last?: number;
}

/** Chart draws rows that it is given, or those of a table, and follows their changes. */
export function Chart(p: ChartProps) {
  return p.rows ? <Drawn {...p} rows={p.rows as readonly Row[]} /> : <Loaded {...p} table={p.table ?? ""} />;
}

function Loaded(p: ChartProps & { table: string }) {
  const { rows, loading, error } = useRows(p.table, p.where ? { where: p.where } : {});
  if (loading) return <Skeleton lines={4} />;
  if (error) return <Failure error={error} />;
  return <Drawn {...p} rows={rows} />;
}

interface Plot {
  shape: Shape;
  text: (n: number) => string;
  height: number;
  width: number;
}

function Drawn(p: ChartProps & { rows: readonly Row[] }) {
  const [ref, width] = useWidth<HTMLElement>();
  const field: Field = (p.y && p.agg !== "count" && p.fields?.find((f) => f.name === p.y)) || { name: p.y ?? "count", type: "number" };
  const data = shape(p.rows, p);
  const plot: Plot = { shape: data, text: (n) => formatValue(n, field) || "0", height: p.height ?? 240, width };
  const byName = !p.every && !isDates(p.rows.map((r) => r[p.x]));
  const empty = data.keys.length === 0;
  return (
    <figure className="mx mx-chart" ref={ref}>
      <figcaption>
        <span>{p.title}</span>
        {!empty && data.series.length > 1 && (data.series.length >= 4 || p.kind === "bar" || p.kind === "area") && data.series.map((s) => <span key={s.name} className="mx-key" style={{ "--c": s.color } as CSSProperties}>{s.name}</span>)}
      </figcaption>
      {empty ? <p className="mx-quiet mx-small">Nothing to draw yet.</p> : width > 0 && (p.kind === "pie" ? <Pie {...plot} /> : p.kind === "bar" && byName && data.series.length === 1 ? <Rows {...plot} /> : <Axes {...plot} kind={p.kind} />)}
      {!empty && <Figures {...plot} title={p.title ?? "Chart"} />}
    </figure>
  );
}

/** Figures is the chart for screen readers. */
function Figures({ shape: d, text, title }: Plot & { title: string }) {
  return (
    <table className="mx-sr">
      <caption>{title}</caption>
      <thead><tr><th />{d.series.map((s) => <th key={s.name} scope="col">{s.name || "Value"}</th>)}</tr></thead>
      <tbody>{d.keys.map((k, i) => <tr key={k}><th scope="row">{d.labels[i]}</th>{d.series.map((s) => <td key={s.name}>{text(s.values[i]!)}</td>)}</tr>)}</tbody>
    </table>
  );
}

/** Rows are bars of named things, each with its label and value beside it. */
function Rows({ shape: d, text, width }: Plot) {
  const values = d.series[0]!.values;
  const most = Math.max(...values.map(Math.abs), 1e-9);
  const longest = Math.max(...d.labels.map((l) => l.length)) * 7;
  const figures = Math.max(...values.map((v) => text(v).length)) * 8;
  const room = Math.max(48, width - Math.min(180, Math.max(64, longest)) - figures - 28);
  return (
    <div className="mx-hbars" aria-hidden>
      {d.keys.map((k, i) => [
        <span key={`${k}n`} className="mx-hname" title={k}>{d.labels[i]}</span>,
        <span key={k} className="mx-hbar"><i style={{ width: (Math.abs(values[i]!) / most) * room, background: values[i]! < 0 ? "var(--matrix-destructive)" : "var(--matrix-primary)" }} />{text(values[i]!)}</span>,
      ])}
    </div>
  );
}

function Pie({ shape: d, text }: Plot) {
  const sums = d.keys.map((_, i) => d.series.reduce((n, s) => n + Math.max(0, s.values[i]!), 0));
  const all = sums.reduce((a, b) => a + b, 0);
  if (all === 0) return <p className="mx-quiet mx-small">Nothing to draw yet.</p>;
  const parts = fold(d.labels, sums);
  let at = 0;
  return (
    <div className="mx-pie" aria-hidden>
      <svg viewBox="-92 -92 184 184">
        {parts.map((s, i) => {
          const from = at;
          at += s.value / all;
          return <path key={s.label} d={slicePath(from, at, 90, 58)} fill={palette[i % palette.length]} stroke="var(--matrix-bg)" strokeWidth={1.5} />;
        })}
        <text textAnchor="middle" y={5} className="mx-strong" style={{ fontSize: 15 }}>{text(all)}</text>
      </svg>
      <ol>
        {parts.map((s, i) => (
          <li key={s.label} style={{ "--c": palette[i % palette.length] } as CSSProperties}><span>{s.label}</span><b>{text(s.value)}</b><small>{Math.round((s.value / all) * 100)} %</small></li>
        ))}
      </ol>
    </div>
  );
}

/** fold keeps the seven largest parts and puts the rest together. */
function fold(labels: string[], values: number[]): { label: string; value: number }[] {
  const parts = labels.map((label, i) => ({ label, value: values[i]! })).filter((s) => s.value > 0).sort((a, b) => b.value - a.value);
  if (parts.length <= palette.length) return parts;
  const rest = parts.slice(palette.length - 1).reduce((n, s) => n + s.value, 0);
  return [...parts.slice(0, palette.length - 1), { label: "Other", value: rest }];
}

interface Geometry {
  left: number;
  right: number;
  top: number;
  bottom: number;
  step: number;
  x: (i: number) => number;
  y: (n: number) => number;
  marks: number[];
}

function geometry(d: Shape, width: number, height: number, stacked: boolean): Geometry {
  const sums = d.keys.map((_, i) => (stacked ? [d.series.reduce((n, s) => n + Math.max(0, s.values[i]!), 0), d.series.reduce((n, s) => n + Math.min(0, s.values[i]!), 0)] : d.series.map((s) => s.values[i]!))).flat();
  const marks = ticks(Math.min(...sums), Math.max(...sums), Math.max(2, Math.floor(height / 60)));
  const [lo, hi] = [marks[0]!, marks.at(-1)!];
  const left = Math.max(...marks.map((m) => compact(m).length)) * 7 + 10;
  const ends = !stacked && d.series.length > 1 && d.series.length < 4;
  const right = ends ? Math.min(120, Math.max(...d.series.map((s) => s.name.length)) * 7 + 12) : 8;
  const [top, bottom] = [18, height - 24];
  const step = (width - left - right) / d.keys.length;
  return { left, right, top, bottom, step, marks, x: (i) => left + step * (i + 0.5), y: (n) => bottom - ((n - lo) / (hi - lo)) * (bottom - top) };
}

function Axes({ shape: d, text, width, height, kind }: Plot & { kind: "bar" | "line" | "area" | "pie" }) {
  const [at, setAt] = useState<number | null>(null);
  const g = geometry(d, width, height, kind !== "line");
  const every = Math.max(1, Math.ceil((Math.max(...d.short.map((s) => s.length)) * 7 + 10) / g.step));
  const over = (e: PointerEvent<SVGSVGElement>) => {
    const i = Math.floor((e.clientX - e.currentTarget.getBoundingClientRect().left - g.left) / g.step);
    setAt(i >= 0 && i < d.keys.length ? i : null);
  };
  const peak = at === null ? 0 : Math.max(...d.series.map((s) => s.values[at]!));
  const stackTop = at === null ? 0 : kind === "line" ? peak : d.series.reduce((n, s) => n + Math.max(0, s.values[at]!), 0);
  return (
    <>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden onPointerMove={over} onPointerLeave={() => setAt(null)}>
        {g.marks.map((m) => (
          <g key={m}>
            <line className={m === 0 ? "mx-hair mx-base" : "mx-hair"} x1={g.left} x2={width - g.right} y1={Math.round(g.y(m)) + 0.5} y2={Math.round(g.y(m)) + 0.5} />
            <text x={g.left - 8} y={g.y(m) + 4} textAnchor="end">{compact(m)}</text>
          </g>
        ))}
        {d.keys.map((k, i) => (d.keys.length - 1 - i) % every === 0 && <text key={k} x={g.x(i)} y={height - 6} textAnchor="middle" className={i === at ? "mx-strong" : undefined}>{d.short[i]}</text>)}
        {kind === "bar" ? <Bars d={d} g={g} at={at} text={text} /> : <Lines d={d} g={g} at={at} area={kind === "area"} text={text} width={width} />}
      </svg>
      {at !== null && (
        <div className="mx-tip" style={{ left: Math.max(70, Math.min(width - 70, g.x(at))), top: g.y(Math.max(0, stackTop)) + 28 }}>
          {d.labels[at]}
          {d.series.filter((s) => d.series.length === 1 || s.values[at] !== 0).map((s) => <div key={s.name}>{s.name && <span className="mx-key" style={{ "--c": s.color } as CSSProperties}>{s.name}</span>} <b>{text(s.values[at]!)}</b></div>)}
        </div>
      )}
    </>
  );
}

interface MarksProps {
  d: Shape;
  g: Geometry;
  at: number | null;
  text: (n: number) => string;
}

function Bars({ d, g, at, text }: MarksProps) {
  const w = Math.min(48, Math.max(2, g.step * 0.68));
  const single = d.series.length === 1;
  const fits = (write: (n: number) => string) => Math.max(...d.series[0]!.values.map((v) => write(v).length)) * 7 + 3 < g.step;
  const write = single ? [text, compact, (n: number) => compact(Math.round(n))].find(fits) : undefined;
  return (
    <>
      {d.keys.map((k, i) => {
        let [up, down] = [0, 0];
        return (
          <g key={k} opacity={at === null || at === i ? 1 : 0.55}>
            {d.series.map((s) => {
              const v = s.values[i]!;
              if (v === 0) return null;
              const base = v > 0 ? up : down;
              if (v > 0) up += v;
              else down += v;
              const [a, b] = [g.y(base), g.y(base + v)];
              return <rect key={s.name} x={g.x(i) - w / 2} width={w} y={Math.min(a, b)} height={Math.max(1, Math.abs(a - b) - (single ? 0 : 1))} fill={single ? "var(--matrix-primary)" : s.color} rx={single ? 2 : 0} />;
            })}
            {write && d.series[0]!.values[i] !== 0 && <text className="mx-strong" x={g.x(i)} y={(d.series[0]!.values[i]! > 0 ? g.y(up) - 6 : g.y(down) + 14)} textAnchor="middle">{write(d.series[0]!.values[i]!)}</text>}
          </g>
        );
      })}
    </>
  );
}

function Lines({ d, g, at, area, text, width }: MarksProps & { area: boolean; width: number }) {
  const base = d.keys.map(() => 0);
  const single = d.series.length === 1;
  const drawn = d.series.map((s) => {
    const low = [...base];
    if (area) s.values.forEach((v, i) => (base[i]! += v));
    const points = s.values.map((v, i): [number, number] => [g.x(i), g.y(area ? base[i]! : v)]);
    const floor = low.map((v, i): [number, number] => [g.x(i), g.y(v)]).reverse();
    return { s, points, floor, color: single ? "var(--matrix-primary)" : s.color };
  });
  const last = d.keys.length - 1;
  const ends = !area && d.series.length > 1 && d.series.length < 4;
  return (
    <>
      {at !== null && <line className="mx-hair mx-base" x1={g.x(at)} x2={g.x(at)} y1={g.top} y2={g.bottom} />}
      {drawn.map(({ s, points, floor, color }) => (
        <g key={s.name}>
          {area && <path d={`${linePath(points)}${linePath(floor).replace("M", "L")}Z`} fill={color} opacity={single ? 0.14 : 0.5} />}
          <path d={linePath(points)} fill="none" stroke={color} strokeWidth={2} strokeLinejoin="round" strokeLinecap="round" />
          {points.map(([x, y], i) => (i === at || i === last || points.length === 1) && <circle key={i} cx={x} cy={y} r={3.5} fill={color} stroke="var(--matrix-bg)" strokeWidth={1.5} />)}
          {ends && <text className="mx-strong" x={width - g.right + 8} y={points[last]![1] + 4} style={{ fill: color }}>{s.name}</text>}
          {single && <text className="mx-strong" x={Math.min(points[last]![0], width - 4)} y={points[last]![1] - 10} textAnchor={points.length === 1 ? "middle" : "end"}>{text(s.values[last]!)}</text>}
        </g>
      ))}
    </>
  );
}
