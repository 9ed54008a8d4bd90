import type { Query } from "@matrixos/sdk";

/** fixedColumns is what a row has that is added under a condition: one added under {list: "work"} belongs to that list. */
export function fixedColumns(where: Query["where"]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(where ?? {}).filter(([, v]) => v !== null && typeof v !== "object"));
}
