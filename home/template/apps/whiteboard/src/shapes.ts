// What lies on a board, and where.
export type Kind = "pen" | "line" | "arrow" | "box" | "oval" | "text";

export interface Item {
  id: string;
  kind: Kind;
  points: [x: number, y: number][]; // a stroke's way; else two corners; a text's place
  text: string | null;
  color: string;
  width: number;
  place: number; // the order in which things lie
}

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export const textSize = 20;

/** bounds is the smallest rectangle around an item's points; a text's is as wide as it is long, about. */
export function bounds(it: Pick<Item, "kind" | "points" | "text" | "width">): Rect {
  const xs = it.points.map((p) => p[0]);
  const ys = it.points.map((p) => p[1]);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  if (it.kind === "text") {
    const lines = (it.text ?? "").split("\n");
    return { x, y, w: Math.max(1, ...lines.map((l) => l.length)) * textSize * 0.55, h: lines.length * textSize * 1.3 };
  }
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y };
}

/** around joins rectangles; null for none. */
export function around(all: readonly Rect[]): Rect | null {
  if (all.length === 0) return null;
  const [x, y] = [Math.min(...all.map((r) => r.x)), Math.min(...all.map((r) => r.y))];
  return { x, y, w: Math.max(...all.map((r) => r.x + r.w)) - x, h: Math.max(...all.map((r) => r.y + r.h)) - y };
}

function distance([px, py]: readonly [number, number], [ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]): number {
  const [dx, dy] = [bx - ax, by - ay];
  const t = dx === 0 && dy === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** simplify leaves out the points of a stroke that lie within slack of a straight way. */
export function simplify(points: readonly [number, number][], slack: number): [number, number][] {
  if (points.length < 3) return [...points];
  const keep = new Set([0, points.length - 1]);
  const todo: [number, number][] = [[0, points.length - 1]];
  for (let part = todo.pop(); part; part = todo.pop()) {
    const [a, b] = part;
    let [far, at] = [slack, -1];
    for (let i = a + 1; i < b; i++) {
      const d = distance(points[i]!, points[a]!, points[b]!);
      if (d > far) [far, at] = [d, i];
    }
    if (at < 0) continue;
    keep.add(at);
    todo.push([a, at], [at, b]);
  }
  return points.filter((_, i) => keep.has(i)).map(([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
}

/** path is a stroke as an SVG path, smooth through the middles between its points. */
export function path(points: readonly [number, number][]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  if (rest.length === 0) return `M${first[0]} ${first[1]}h0.01`;
  let d = `M${first[0]} ${first[1]}`;
  rest.forEach(([x, y], i) => {
    const next = rest[i + 1];
    d += next ? `Q${x} ${y} ${(x + next[0]) / 2} ${(y + next[1]) / 2}` : `L${x} ${y}`;
  });
  return d;
}

/** touches reports whether a point is on an item, or near it. */
export function touches(it: Pick<Item, "kind" | "points" | "text" | "width">, at: readonly [number, number], near: number): boolean {
  const slack = near + it.width / 2;
  const r = bounds(it);
  const within = at[0] >= r.x - slack && at[0] <= r.x + r.w + slack && at[1] >= r.y - slack && at[1] <= r.y + r.h + slack;
  if (!within || it.kind === "text") return within;
  if (it.kind === "box") return Math.min(at[0] - r.x, r.x + r.w - at[0], at[1] - r.y, r.y + r.h - at[1]) <= slack;
  if (it.kind === "oval") {
    const [a, b] = [Math.max(1, r.w / 2), Math.max(1, r.h / 2)];
    const far = Math.hypot((at[0] - r.x - a) / a, (at[1] - r.y - b) / b);
    return Math.abs(far - 1) * Math.min(a, b) <= slack;
  }
  if (it.points.length === 1) return Math.hypot(at[0] - it.points[0]![0], at[1] - it.points[0]![1]) <= slack;
  return it.points.slice(1).some((p, i) => distance(at, it.points[i]!, p) <= slack);
}

export const moved = (points: Item["points"], dx: number, dy: number): Item["points"] => points.map(([x, y]) => [x + dx, y + dy]);

/** words say what an item is and where, for who does not see it. */
export function words(it: Item): string {
  const r = bounds(it);
  if (it.kind === "text") return `“${it.text ?? ""}” at ${Math.round(r.x)}, ${Math.round(r.y)}`;
  return `${it.kind} from ${Math.round(r.x)}, ${Math.round(r.y)} to ${Math.round(r.x + r.w)}, ${Math.round(r.y + r.h)}`;
}
