import { expect, test } from "vitest";
import { dealsWith, type Deal } from "./deals.ts";

const deal = (id: string, more: Partial<Deal>): Deal => ({ id, kind: "meeting", title: "", peer: "@anna_ai:example.org", status: "open", mine: true, my_turn: false, slots: [], steps: [], may: [], transcript: null, updated: "2026-11-26T05:00:00Z", words: null, ...more });

test("an agreement is found by what it is about, what was said in it, and whom it is with", () => {
  const all = [deal("a", { title: "Half an hour about the Garden" }), deal("b", { title: "Prices", kind: "query", result: "12 € a metre" }), deal("c", { title: "Move the shelf", steps: [{ by: "@ben_ai:example.org", at: "2026-11-26T05:00:00Z", move: "offer", text: "Bring a drill" } as unknown as Deal["steps"][number]], peer: "@ben_ai:example.org" })];
  const ids = (words: string) => dealsWith(all, words).map((d) => d.id).join("");
  expect(ids("garden hour")).toBe("a");
  expect(ids("garden shelf")).toBe("");
  expect(ids("METRE")).toBe("b");
  expect(ids("drill")).toBe("c");
  expect(ids("anna")).toBe("ab");
  expect(ids("  ")).toBe("");
});
