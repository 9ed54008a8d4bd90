import { bounds, path, textSize, type Item } from "./shapes";

/** Shape draws one item. */
export function Shape({ it }: { it: Item }) {
  const stroke = { stroke: it.color, strokeWidth: it.width, fill: "none", strokeLinecap: "round", strokeLinejoin: "round" } as const;
  const r = bounds(it);
  switch (it.kind) {
    case "pen":
      return <path d={path(it.points)} {...stroke} />;
    case "line":
      return <path d={path(it.points)} {...stroke} />;
    case "arrow":
      return (
        <>
          <marker id={it.id} viewBox="-9 -5 10 10" markerWidth="5" markerHeight="5" orient="auto"><path d="M-8 -4L0 0L-8 4" stroke={it.color} strokeWidth="2" fill="none" strokeLinecap="round" strokeLinejoin="round" /></marker>
          <path d={path(it.points)} {...stroke} markerEnd={`url(#${it.id})`} />
        </>
      );
    case "box":
      return <rect x={r.x} y={r.y} width={r.w} height={r.h} rx={3} {...stroke} />;
    case "oval":
      return <ellipse cx={r.x + r.w / 2} cy={r.y + r.h / 2} rx={r.w / 2} ry={r.h / 2} {...stroke} />;
    case "text":
      return (
        <text x={r.x} y={r.y + textSize} fill={it.color} fontSize={textSize} fontFamily="var(--matrix-font-sans, sans-serif)">
          {(it.text ?? "").split("\n").map((line, i) => <tspan key={i} x={r.x} dy={i === 0 ? 0 : textSize * 1.3}>{line || " "}</tspan>)}
        </text>
      );
  }
}
