import { describe, expect, it } from "vitest";
import { leftOut, tableFor } from "./data.ts";

describe("the table that a file is for", () => {
  it.each([
    [["books"], "anything.csv", "books"],
    [["books", "loans"], "loans.csv", "loans"],
    [["books", "loans"], "shelf-Books 2026.json", "books"],
    [["books", "loans"], "booksellers.csv", undefined],
  ])("of %j, %s", (tables, file, want) => expect(tableFor(tables, file)).toBe(want));
});

describe("what was left out of a file", () => {
  it("is named by its lines", () => {
    expect(leftOut([4])).toBe("Line 4 breaks a rule of the app and was left out.");
    expect(leftOut([4, 5, 7])).toBe("Lines 4, 5, 7 break rules of the app and were left out.");
    expect(leftOut(Array.from({ length: 12 }, (_, i) => i + 1))).toContain("9, 10, … break");
  });
});
