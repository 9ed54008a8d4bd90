// The field for who does not see it: columns are a to j, rows 1 to 20 from the top.
import { cellsOf, landing, type Block, type Game } from "./blocks";

const cellName = (x: number, y: number): string => "abcdefghij"[x]! + String(y + 1);
const where = (b: Block): string => cellsOf(b).filter(([, y]) => y >= 0).map(([x, y]) => cellName(x, y)).join(" ");

/** words says where the block is, where it would land, and what lies in which row. */
export function words(g: Game): string {
  const lying = g.field.flatMap((row, y) => {
    const columns = [...row].map((c, x) => (c === "." ? "" : "abcdefghij"[x]!)).join("");
    return columns ? [`${y + 1} ${columns}`] : [];
  });
  return `${g.over ? "Field" : `${g.block.kind} on ${where(g.block)}, lands on ${where(landing(g))}`}. Lying in row: ${lying.join(", ") || "none"}.`;
}
