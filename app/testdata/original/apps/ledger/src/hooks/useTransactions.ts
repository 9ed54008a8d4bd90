import { useCallback, useEffect, useState } from "react";
import { db } from "@/lib/matrix";

export interface Transaction {
  id: string;
  label: string;
  amount: number;
  kind: "income" | "expense";
  booked_on: string;
  tags: string[] | null;
}

export function useTransactions(search: string) {
  const [items, setItems] = useState<Transaction[]>([]);
  const [total, setTotal] = useState(0);
  const [error, setError] = useState<string | null>(null);

  const refresh = useCallback(async () => {
    try {
      const where = search ? { label: { $ilike: `%${search}%` } } : undefined;
      setItems((await db()?.find<Transaction>("transactions", { where, orderBy: { booked_on: "desc" }, limit: 500 })) ?? []);
      setTotal((await db()?.count("transactions")) ?? 0);
      setError(null);
    } catch (err) {
      setError(err instanceof Error ? err.message : String(err));
    }
  }, [search]);

  useEffect(() => {
    void refresh();
    return db()?.onChange("transactions", () => void refresh());
  }, [refresh]);

  return { items, total, error, refresh };
}
