import { bounds, head, path, textSize, type Item } from "./shapes";

/** Shape draws one item. */
export function Shape({ it }: { it: Item }) {
  const stroke = { stroke: it.color, strokeWidth: it.width, fill: "none", strokeLinecap: "round", strokeLinejoin: "round" } as const;
  const r = bounds(it);
  switch (it.kind) {
    case "pen":
      return <path d={path(it.points)} {...stroke} />;
    case "line":
    case "arrow": {
      const [a, b] = it.points as [[number, number], [number, number]];
      return <path d={`M${a[0]} ${a[1]}L${b[0]} ${b[1]}${it.kind === "arrow" ? head([a, b], it.width) : ""}`} {...stroke} />;
    }
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
