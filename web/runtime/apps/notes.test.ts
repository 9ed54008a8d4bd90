import assert from "node:assert/strict";
import { test } from "node:test";
import { continueList, found, nameOf, startOf, words } from "../../../home/template/apps/notes/src/note.ts";

test("a note is called by its first words", () => {
  assert.equal(nameOf("\n\n# Trip to Lisbon\nPack"), "Trip to Lisbon");
  assert.equal(nameOf("- [ ] eggs"), "eggs");
  assert.equal(nameOf("  \n"), "New note");
  assert.equal(nameOf(null), "New note");
  assert.equal(startOf("Trip\n\n pack  light\nbook"), "pack light book");
});

test("search finds every word, pinned and newest first", () => {
  const notes = [
    { id: "1", body: "Apple pie", edited: "2026-11-01" },
    { id: "2", body: "pie chart, APPLE", edited: "2026-11-03" },
    { id: "3", body: "pear", pinned: true, edited: "2026-10-01" },
  ] as any[];
  assert.equal(found(notes, "").map((n) => n.id).join(""), "321");
  assert.equal(found(notes, "apple PIE").map((n) => n.id).join(""), "21");
  assert.equal(found(notes, "plum").length, 0);
});

test("Enter goes on with a list, and ends it on an empty item", () => {
  assert.deepEqual(continueList("- milk"), { insert: "\n- ", remove: 0 });
  assert.deepEqual(continueList("  * a"), { insert: "\n  * ", remove: 0 });
  assert.deepEqual(continueList("9. nine"), { insert: "\n10. ", remove: 0 });
  assert.deepEqual(continueList("- [x] done"), { insert: "\n- [ ] ", remove: 0 });
  assert.deepEqual(continueList("- [ ] "), { insert: "", remove: 6 });
  assert.deepEqual(continueList("3) "), { insert: "", remove: 3 });
  assert.equal(continueList("a - b"), null);
  assert.equal(words("Don’t panic, 42 well-known stars"), 5);
});
