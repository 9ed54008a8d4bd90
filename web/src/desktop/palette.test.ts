import { expect, test } from "vitest";
import { fits } from "./Palette.tsx";

test("names come before what only has the letters", () => {
  expect(fits("Mind", "mind")).toBeGreaterThan(fits("Mindful mindful", "mind"));
  expect(fits("Minesweeper minesweeper", "mind", ["Find out where the mines are."])).toBe(0);
  expect(fits("To-do todo", "todo")).toBeGreaterThan(fits("Notes notes", "todo", ["What is todo"]));
  expect(fits("Show the desk", "desk")).toBeGreaterThan(fits("Board board", "desk", ["A desk of cards"]));
});
