// What a note is called, and which notes a search finds.
import type { Row } from "@matrixos/sdk";

/** nameOf is the first line that says something, without its marks. */
export function nameOf(body: unknown): string {
  const line = String(body ?? "").split("\n").find((l) => l.trim() !== "") ?? "";
  return plain(line).slice(0, 80) || "New note";
}

// plain is a line without the marks of a heading, a list, a link, and of what is strong or code.
function plain(line: string): string {
  const item = line.replace(/^\s*(#+|[-*+]|\d+[.)])\s+/, "").replace(/^\[[ x]\]\s*/i, "");
  return item.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").replace(/(\*\*|__|~~|`)(\S|\S.*?\S)\1/g, "$2").replace(/(?<![\w*])([*_])(\S|\S.*?\S)\1(?![\w*])/g, "$2").trim();
}

/** startOf is what follows the name, on one line. */
export function startOf(body: unknown): string {
  const lines = String(body ?? "").split("\n").filter((l) => l.trim() !== "");
  return lines.slice(1).map(plain).join(" ").replace(/\s+/g, " ").trim().slice(0, 120);
}

/** found keeps the notes in which every word occurs, pinned ones first, then the newest. */
export function found(notes: readonly Row[], words: string): Row[] {
  const all = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const when = (n: Row) => String(n.edited ?? n.created_at ?? "");
  return notes
    .filter((n) => all.every((w) => String(n.body ?? "").toLocaleLowerCase().includes(w)))
    .sort((a, b) => Number(b.pinned ?? 0) - Number(a.pinned ?? 0) || when(b).localeCompare(when(a)));
}

/**
 * continueList is what Enter adds in a list: the mark of the next item, or null where
 * there is no list. On an item with nothing in it the list ends: remove says how many
 * characters of the line go.
 */
export function continueList(line: string): { insert: string; remove: number } | null {
  const m = /^(\s*)(?:([-*+])|(\d+)([.)]))(\s+)(\[[ xX]\]\s+)?/.exec(line);
  if (!m) return null;
  if (m[0].length === line.length) return { insert: "", remove: line.length };
  const mark = m[2] ?? `${Number(m[3]) + 1}${m[4]}`;
  return { insert: `\n${m[1]}${mark}${m[5]}${m[6] ? "[ ] " : ""}`, remove: 0 };
}

/** words counts the words of a text. */
export const words = (text: string): number => text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.length ?? 0;
