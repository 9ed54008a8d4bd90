import { useState, type FormEvent } from "react";
import { PlusCircle } from "lucide-react";
import { db } from "@/lib/matrix";

export function AddForm() {
  const [label, setLabel] = useState("");
  const [amount, setAmount] = useState("");
  const [kind, setKind] = useState<"income" | "expense">("expense");
  const [error, setError] = useState("");

  async function handleSubmit(e: FormEvent) {
    e.preventDefault();
    const value = parseFloat(amount);
    if (!label || Number.isNaN(value)) return setError("Label and amount are needed");
    await db()?.insert("transactions", { label, amount: value, kind, booked_on: "2026-11-26", tags: [] });
    setLabel("");
    setAmount("");
    setError("");
  }

  return (
    <form className="card" onSubmit={handleSubmit}>
      <label htmlFor="label">Label</label> <input id="label" value={label} onChange={(e) => setLabel(e.target.value)} />
      <label htmlFor="amount">Amount</label> <input id="amount" inputMode="decimal" value={amount} onChange={(e) => setAmount(e.target.value)} />
      <select aria-label="Kind" value={kind} onChange={(e) => setKind(e.target.value as typeof kind)}><option value="expense">Expense</option><option value="income">Income</option></select>
      <button type="submit"><PlusCircle size={14} /> Add entry</button>
      {error && <p role="alert">{error}</p>}
    </form>
  );
}
