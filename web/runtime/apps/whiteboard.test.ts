import assert from "node:assert/strict";
import { test } from "node:test";
import { around, bounds, moved, path, simplify, touches } from "../../../home/template/apps/whiteboard/src/shapes.ts";
import { pinched } from "../../../home/template/apps/whiteboard/src/fingers.ts";

test("a stroke keeps its corners and loses what is straight", () => {
  const line = Array.from({ length: 50 }, (_, i): [number, number] => [i, 0]);
  assert.deepEqual(simplify(line, 0.5), [[0, 0], [49, 0]]);
  const corner: [number, number][] = [...line, ...line.map(([i]): [number, number] => [49, i])];
  assert.deepEqual(simplify(corner, 0.5), [[0, 0], [49, 0], [49, 49]]);
  assert.deepEqual(simplify([[1, 2]], 1), [[1, 2]]);
  const wave = Array.from({ length: 200 }, (_, i): [number, number] => [i, Math.sin(i / 10) * 30]);
  const few = simplify(wave, 0.7);
  assert.ok(few.length < 60);
  for (const p of wave) assert.ok(touches({ kind: "pen", points: few, text: null, width: 0 }, p, 0.8));
});

test("things are touched on their lines, texts anywhere", () => {
  const box = { kind: "box" as const, points: [[0, 0], [100, 60]] as [number, number][], text: null, width: 2 };
  assert.ok(touches(box, [50, 1], 4) && touches(box, [100, 30], 4));
  assert.ok(!touches(box, [50, 30], 4) && !touches(box, [50, -9], 4));
  const oval = { ...box, kind: "oval" as const };
  assert.ok(touches(oval, [0, 30], 4) && touches(oval, [50, 0], 4));
  assert.ok(!touches(oval, [1, 1], 4) && !touches(oval, [50, 30], 4));
  const text = { kind: "text" as const, points: [[10, 10]] as [number, number][], text: "Hello\nyou", width: 2 };
  assert.ok(touches(text, [40, 40], 0) && !touches(text, [200, 20], 0));
  assert.ok(touches({ kind: "pen", points: [[5, 5]], text: null, width: 4 }, [6, 6], 2));
});

test("boxes, ways and moves", () => {
  assert.deepEqual(bounds({ kind: "line", points: [[10, 5], [2, 9]], text: null, width: 1 }), { x: 2, y: 5, w: 8, h: 4 });
  assert.deepEqual(around([{ x: 0, y: 0, w: 1, h: 1 }, { x: 5, y: -2, w: 1, h: 1 }]), { x: 0, y: -2, w: 6, h: 3 });
  assert.equal(around([]), null);
  assert.equal(path([]), "");
  assert.equal(path([[1, 2]]), "M1 2h0.01");
  assert.equal(path([[0, 0], [10, 0], [10, 10]]), "M0 0Q10 0 10 5L10 10");
  assert.deepEqual(moved([[1, 1]], 2, -1), [[3, 0]]);
});

test("what lies under two fingers stays under them", () => {
  const view = { x: 10, y: -20, zoom: 2 };
  const under = (v: typeof view, p: readonly number[]) => [p[0]! / v.zoom + v.x, p[1]! / v.zoom + v.y];
  const near = (a: number[], b: number[]) => a.forEach((n, i) => assert.ok(Math.abs(n - b[i]!) < 1e-9, `${a} is not ${b}`));
  const from = [[100, 100], [200, 100]] as [[number, number], [number, number]];
  const apart = [[60, 150], [260, 150]] as [[number, number], [number, number]];
  const to = pinched(view, from, apart);
  assert.equal(to.zoom, 4);
  near(under(to, apart[0]), under(view, from[0]));
  near(under(to, apart[1]), under(view, from[1]));
  const shifted = pinched(view, from, [[130, 90], [230, 90]]);
  assert.deepEqual(shifted, { x: -5, y: -15, zoom: 2 });
  assert.equal(pinched(view, from, [[150, 100], [150, 100]]).zoom, 0.15);
  assert.equal(pinched(view, [[0, 0], [1, 0]], [[0, 0], [900, 0]]).zoom, 6);
});
