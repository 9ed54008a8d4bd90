import { lazy, Suspense, useDeferredValue, useState } from "react";
import clsx from "clsx";
import { Trash2, Wallet } from "lucide-react";
import { AddForm } from "@/components/AddForm";
import { useTransactions } from "@/hooks/useTransactions";
import { db } from "@/lib/matrix";
import { euro } from "../../_shared/money";

const MonthlyChart = lazy(() => import("./components/Chart").then((m) => ({ default: m.MonthlyChart })));

const samples = [
  { label: "Salary", amount: 2500, kind: "income", booked_on: "2026-10-01", tags: ["work"] },
  { label: "Rent", amount: 900, kind: "expense", booked_on: "2026-10-03", tags: ["home"] },
  { label: "Coffee", amount: 3.2, kind: "expense", booked_on: "2026-11-05", tags: null },
];

export default function App() {
  const [search, setSearch] = useState("");
  const { items, total, error } = useTransactions(useDeferredValue(search));
  const balance = items.reduce((sum, t) => sum + (t.kind === "income" ? t.amount : -t.amount), 0);
  return (
    <main>
      <h1><Wallet size={18} /> Ledger <img src={`${import.meta.env.BASE_URL}coin.svg`} alt="coin" /></h1>
      <p className="card" data-testid="balance">Balance {euro(balance)} in {items.length} of {total}</p>
      {error && <p role="alert">{error}</p>}
      <AddForm />
      <div className="card">
        <label htmlFor="search">Search</label> <input id="search" value={search} onChange={(e) => setSearch(e.target.value)} />
        <button onClick={() => void db()?.bulkInsert("transactions", samples)}>Load samples</button>
        <button onClick={async () => {
          const rates = await (await fetch(`${import.meta.env.BASE_URL}rates.json`)).json();
          document.title = `Ledger ${(balance * rates.USD).toFixed(0)} USD`;
        }}>In dollars</button>
        {items.map((t) => (
          <div key={t.id} className={clsx("row", t.kind)}>
            <span>{t.label}</span> <b>{euro(t.amount)}</b>
            <button aria-label={`Delete ${t.label}`} onClick={() => void db()?.delete("transactions", t.id)}><Trash2 size={12} /></button>
          </div>
        ))}
      </div>
      <Suspense fallback={<p>Loading chart…</p>}>{items.length > 0 && <MonthlyChart items={items} />}</Suspense>
      <footer>{import.meta.env.PROD ? "production" : "development"} build of {window.MatrixOS?.app?.name}</footer>
    </main>
  );
}
