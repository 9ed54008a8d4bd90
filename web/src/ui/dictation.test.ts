import { expect, it } from "vitest";
import { heard } from "./useDictation.ts";

it("joins what was recognised, also while it is not final", () => {
  expect(heard([])).toBe("");
  expect(heard([[{ transcript: " track my " }], [{ transcript: "expenses" }], []])).toBe("track my expenses");
});
