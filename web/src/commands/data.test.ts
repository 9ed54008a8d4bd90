import { describe, expect, it } from "vitest";
import { tableFor } from "./data.ts";

describe("the table that a file is for", () => {
  it.each([
    [["books"], "anything.csv", "books"],
    [["books", "loans"], "loans.csv", "loans"],
    [["books", "loans"], "shelf-Books 2026.json", "books"],
    [["books", "loans"], "booksellers.csv", undefined],
  ])("of %j, %s", (tables, file, want) => expect(tableFor(tables, file)).toBe(want));
});
