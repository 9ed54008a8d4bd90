import { useMemo } from "react";
import { Bar, BarChart, ResponsiveContainer, XAxis, YAxis } from "recharts";
import { format, parseISO } from "date-fns";
import type { Transaction } from "@/hooks/useTransactions";

export function MonthlyChart({ items }: { items: Transaction[] }) {
  const data = useMemo(() => {
    const byMonth = new Map<string, number>();
    for (const t of items) {
      const month = format(parseISO(t.booked_on), "MMM yyyy");
      byMonth.set(month, (byMonth.get(month) ?? 0) + (t.kind === "income" ? t.amount : -t.amount));
    }
    return [...byMonth].map(([month, sum]) => ({ month, sum })).reverse();
  }, [items]);
  return (
    <section className="card" aria-label="Months">
      <ul>{data.map((d) => <li key={d.month}>{d.month}: {d.sum.toFixed(2)}</li>)}</ul>
      <ResponsiveContainer width="100%" height={120}>
        <BarChart data={data}>
          <XAxis dataKey="month" />
          <YAxis width={40} />
          <Bar dataKey="sum" fill="var(--accent)" isAnimationActive={false} />
        </BarChart>
      </ResponsiveContainer>
    </section>
  );
}
