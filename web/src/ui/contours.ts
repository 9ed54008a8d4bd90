// The wallpaper: contour lines of a landscape that grows out of the owner's
// handle. The same handle draws the same lines on every machine.

/** seedOf hashes a text to 32 bits (FNV-1a). */
export function seedOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  return h >>> 0;
}

function randomOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** terrain is smooth height noise in about -1…1, determined by seed. */
export function terrain(seed: number): (x: number, y: number) => number {
  const random = randomOf(seed);
  const size = 64;
  const angles = Array.from({ length: size * size }, () => random() * Math.PI * 2);
  const shift = [random() * size, random() * size] as const;
  const slope = (ix: number, iy: number, dx: number, dy: number) => {
    const a = angles[(iy & (size - 1)) * size + (ix & (size - 1))] ?? 0;
    return Math.cos(a) * dx + Math.sin(a) * dy;
  };
  const ease = (t: number) => t * t * t * (t * (t * 6 - 15) + 10);
  const layer = (x: number, y: number) => {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const dx = x - ix;
    const dy = y - iy;
    const u = ease(dx);
    const top = slope(ix, iy, dx, dy) * (1 - u) + slope(ix + 1, iy, dx - 1, dy) * u;
    const low = slope(ix, iy + 1, dx, dy - 1) * (1 - u) + slope(ix + 1, iy + 1, dx - 1, dy - 1) * u;
    return top * (1 - ease(dy)) + low * ease(dy);
  };
  return (x, y) => 1.3 * layer(x + shift[0], y + shift[1]) + 0.35 * layer(x * 2.1 + 9.2, y * 2.1 + 4.7);
}

export type Line = [x: number, y: number][];

/**
 * contours traces the lines of equal height over a field of width × height, by
 * marching squares, joined into polylines.
 */
export function contours(seed: number, width: number, height: number, cell = 16, scale = 420): { level: number; lines: Line[] }[] {
  const field = terrain(seed);
  const cols = Math.ceil(width / cell) + 1;
  const rows = Math.ceil(height / cell) + 1;
  const z = Array.from({ length: cols * rows }, (_, i) => field(((i % cols) * cell) / scale, (Math.floor(i / cols) * cell) / scale));
  const levels: { level: number; lines: Line[] }[] = [];
  for (let n = -8; n <= 8; n++) {
    const level = n * 0.11;
    levels.push({ level: n, lines: join(cross(z, cols, rows, cell, level)) });
  }
  return levels.filter((l) => l.lines.length > 0);
}

type Segment = [a: string, b: string, ax: number, ay: number, bx: number, by: number];

// Each cell yields the segments where the level crosses its edges; edges have
// names, so that segments of neighbouring cells can be joined exactly.
function cross(z: number[], cols: number, rows: number, cell: number, level: number): Segment[] {
  const out: Segment[] = [];
  const at = (x: number, y: number) => z[y * cols + x] ?? 0;
  for (let y = 0; y < rows - 1; y++) {
    for (let x = 0; x < cols - 1; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)] as const;
      const cuts: [string, number, number][] = [];
      const cut = (a: number, b: number, name: string, px: number, py: number, dx: number, dy: number) => {
        if (a > level === b > level) return;
        const t = (level - a) / (b - a);
        cuts.push([name, (px + dx * t) * cell, (py + dy * t) * cell]);
      };
      cut(corners[0], corners[1], `h${x},${y}`, x, y, 1, 0);
      cut(corners[1], corners[2], `v${x + 1},${y}`, x + 1, y, 0, 1);
      cut(corners[3], corners[2], `h${x},${y + 1}`, x, y + 1, 1, 0);
      cut(corners[0], corners[3], `v${x},${y}`, x, y, 0, 1);
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        const [a, b] = [cuts[i], cuts[i + 1]];
        if (a && b) out.push([a[0], b[0], a[1], a[2], b[1], b[2]]);
      }
    }
  }
  return out;
}

function join(segments: Segment[]): Line[] {
  const ends = new Map<string, number[]>();
  segments.forEach((s, i) => {
    for (const name of [s[0], s[1]]) ends.set(name, [...(ends.get(name) ?? []), i]);
  });
  const used = new Set<number>();
  const follow = (from: string): Line => {
    const line: Line = [];
    let name = from;
    for (;;) {
      const i = ends.get(name)?.find((n) => !used.has(n));
      const s = i === undefined ? undefined : segments[i];
      if (i === undefined || !s) return line;
      used.add(i);
      const forward = s[0] === name;
      line.push(forward ? [s[4], s[5]] : [s[2], s[3]]);
      name = forward ? s[1] : s[0];
    }
  };
  const lines: Line[] = [];
  segments.forEach((s, i) => {
    if (used.has(i)) return;
    used.add(i);
    const line: Line = [...follow(s[0]).reverse(), [s[2], s[3]], [s[4], s[5]], ...follow(s[1])];
    if (line.length > 4) lines.push(line);
  });
  return lines;
}

/** pathOf draws a polyline as a smooth SVG path through its midpoints. */
export function pathOf(line: Line): string {
  const f = (n: number) => n.toFixed(1);
  const [first, ...rest] = line;
  if (!first) return "";
  let d = `M${f(first[0])} ${f(first[1])}`;
  rest.forEach((p, i) => {
    const next = rest[i + 1];
    d += next ? `Q${f(p[0])} ${f(p[1])} ${f((p[0] + next[0]) / 2)} ${f((p[1] + next[1]) / 2)}` : `L${f(p[0])} ${f(p[1])}`;
  });
  return d;
}
