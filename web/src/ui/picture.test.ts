import { expect, test } from "vitest";
import { fitted } from "./picture.ts";

test("a picture stands in its own shape, and no larger than it is", () => {
  expect(fitted(4000, 3000)).toEqual({ width: 420, height: 315 });
  expect(fitted(3000, 4000)).toEqual({ width: 255, height: 340 });
  expect(fitted(40, 30)).toEqual({ width: 40, height: 30 });
  expect(fitted(9000, 3)).toEqual({ width: 420, height: 1 });
  expect(fitted(undefined, 30)).toBeUndefined();
  expect(fitted(0, 30)).toBeUndefined();
});
