import { expect, test } from "vitest";
import { contours, pathOf, seedOf, terrain } from "./contours.ts";

const drawn = (handle: string) => contours(seedOf(handle), 640, 480).flatMap((l) => l.lines.map(pathOf)).join("");

test("a handle always draws the same lines, another one others", () => {
  expect(drawn("@neo:local")).toBe(drawn("@neo:local"));
  expect(drawn("@neo:local")).not.toBe(drawn("@trinity:local"));
});

test.each(["@neo:local", "@a:b", "", "@ünïcode:例え.jp"])("%s has a landscape", (handle) => {
  const levels = contours(seedOf(handle), 640, 480);
  expect(levels.length).toBeGreaterThan(3);
  expect(drawn(handle)).not.toContain("NaN");
});

test("lines lie where the height is theirs", () => {
  const field = terrain(seedOf("@neo:local"));
  for (const { level, lines } of contours(seedOf("@neo:local"), 640, 480)) {
    for (const [x, y] of lines.flat()) expect(Math.abs(field(x / 420, y / 420) - level * 0.11)).toBeLessThan(0.02);
  }
});
