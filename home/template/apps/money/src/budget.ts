// What a month came to, and how that stands to what was set aside for it.
import { bucket, sumBy, type Row } from "@matrixos/sdk";

export interface Month {
  spent: number;
  earned: number;
  left: number;
  byCategory: Map<string, number>;
}

const cents = (n: number) => Math.round(n * 100) / 100;

/** monthOf adds up the entries of a month, such as 2026-11. */
export function monthOf(entries: readonly Row[], month: string): Month {
  const own = entries.filter((e) => bucket(String(e.date ?? ""), "month") === month);
  const out = own.filter((e) => !e.income);
  const byCategory = new Map<string, number>();
  for (const e of out) {
    const name = String(e.category || "Other");
    byCategory.set(name, cents((byCategory.get(name) ?? 0) + (Number(e.amount) || 0)));
  }
  const [spent, earned] = [cents(sumBy(out, "amount")), cents(sumBy(own.filter((e) => e.income), "amount"))];
  return { spent, earned, left: cents(earned - spent), byCategory };
}

/** stand says how a category does: what is left, and whether the month's pace would use it up. */
export function stand(budget: number, spent: number, day: number, days: number): { left: number; tone: "good" | "warn" | "bad" } {
  const left = cents(budget - spent);
  if (left < 0) return { left, tone: "bad" };
  return { left, tone: spent > budget * Math.min(1, day / days + 0.15) ? "warn" : "good" };
}
