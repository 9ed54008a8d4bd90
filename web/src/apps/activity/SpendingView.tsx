import { useCallback, useState, type FormEvent } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { perform } from "../../commands/all.ts";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf } from "../../session/http.ts";
import { attempt, useSession } from "../../session/store.ts";
import { Button, Segmented, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { costText, count, money, tokens } from "../../ui/words.ts";

type Spending = Schemas["Spending"];
type Spent = Schemas["Spent"];
type Days = "1" | "7" | "30" | "365";

const spans: readonly { value: Days; label: string }[] = [
  { value: "1", label: "Today" },
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "365", label: "A year" },
];

/** SpendingView says what models have cost, on what, and what they may cost. */
export function SpendingView({ context }: ProgramProps) {
  const [days, setDays] = useState<Days>("30");
  const { value, failure, reload } = useLoad(useCallback(() => api.spending(Number(days)), [days]));
  const apps = useSession((s) => s.apps);
  const processes = useSession((s) => s.processes);
  if (failure) return <Trouble what="What was spent did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!value) return <Skeleton lines={8} />;
  const { cost, requests } = value.total;
  const taskOf = (request: string) => Object.values(processes).find((p) => p.request === request && !p.parent);
  return (
    <div className="pane">
      <header className="pane-head">
        <Segmented<Days> label="Span" value={days} options={spans} onChange={setDays} />
      </header>
      <p className="figure num">
        <b>{money(cost.usd)}</b> for {count(requests, "model request")}, {tokens(cost.input + cost.output + cost.cache_read + cost.cache_write)} tokens.
        {cost.estimated && " Part of it is estimated: the provider did not say what it used, or no price is known."}
      </p>
      <Caps spending={value} onSaved={reload} />
      {requests === 0 ? (
        <p className="hint">Nothing was spent in this time.</p>
      ) : (
        <>
          <Bars title="By day" rows={(value.days ?? []).toSorted((a, b) => b.name.localeCompare(a.name))} name={dayText} />
          <Bars title="By program" rows={value.programs} />
          <Bars title="By app" rows={value.apps} name={(s) => (s === "" ? "for no app" : (apps[s]?.name ?? s))} />
          <Bars title="By model" rows={value.models} />
          <Bars title="Dearest requests" rows={value.requests} name={(r) => taskOf(r)?.task || "An earlier request"} onOpen={(r) => taskOf(r) && perform("ask.show", context(), taskOf(r)?.conversation)} opens={(r) => taskOf(r) !== undefined} />
        </>
      )}
    </div>
  );
}

function dayText(day: string): string {
  return new Date(`${day}T12:00:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}

interface BarsProps {
  title: string;
  rows: readonly Spent[] | null;
  name?(name: string): string;
  opens?(name: string): boolean;
  onOpen?(name: string): void;
}

// Bars begin at zero and share one scale; tokens stand in where nothing costs money.
function Bars({ title, rows, name = (s) => s, opens, onOpen }: BarsProps) {
  if (!rows || rows.length === 0) return null;
  const free = rows.every((r) => r.cost.usd === 0);
  const sizeOf = (r: Spent) => (free ? r.cost.input + r.cost.output + r.cost.cache_read + r.cost.cache_write : r.cost.usd);
  const most = Math.max(...rows.map(sizeOf), Number.MIN_VALUE);
  return (
    <section className="bars">
      <h3>{title}</h3>
      <ul>
        {rows.map((r) => (
          <li key={r.name}>
            {opens?.(r.name) ? (
              <button type="button" onClick={() => onOpen?.(r.name)}>
                {name(r.name)}
              </button>
            ) : (
              <span>{name(r.name)}</span>
            )}
            <span className="num">{free ? `${tokens(sizeOf(r))} tokens` : costText(r.cost)}</span>
            <i aria-hidden style={{ inlineSize: `${(sizeOf(r) / most) * 100}%` }} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Caps({ spending, onSaved }: { spending: Spending; onSaved(): Promise<void> }) {
  const [open, setOpen] = useState(false);
  const { usd, reserved, cap } = spending.today;
  const save = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const of = (field: string) => Number(form.get(field) || 0);
    if (await attempt("The limits are as they were", () => api.setCaps({ day: of("day"), request: of("request") }).then(() => true))) {
      setOpen(false);
      await onSaved();
    }
  };
  const part = cap ? Math.min(1, usd / cap) : 0;
  return (
    <section className="caps">
      <p className="num">
        Today {money(usd)}
        {cap ? ` of ${money(cap)}` : ", without a limit"}
        {reserved > 0 && `; up to ${money(reserved)} more is under way`}. One request may cost {spending.request ? `up to ${money(spending.request)}` : "any amount"}.
      </p>
      {cap !== undefined && (
        <div className="meter" role="meter" aria-label="Of today’s limit" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part * 100)}>
          <i className={part > 0.8 ? "near" : ""} style={{ inlineSize: `${part * 100}%` }} />
        </div>
      )}
      {open ? (
        <form className="line-form" onSubmit={(e) => void save(e)}>
          <label className="field">
            <span>Dollars a day</span>
            <input className="input num" name="day" type="number" min={0} max={100000} step="any" inputMode="decimal" autoFocus defaultValue={cap ?? 0} />
          </label>
          <label className="field">
            <span>Dollars a request</span>
            <input className="input num" name="request" type="number" min={0} max={100000} step="any" inputMode="decimal" defaultValue={spending.request ?? 0} />
          </label>
          <Button look="primary" type="submit">
            Save
          </Button>
          <Button look="quiet" onClick={() => setOpen(false)}>
            Leave it
          </Button>
          <p className="hint">0 is no limit. What reaches a limit rests until you let it go on.</p>
        </form>
      ) : (
        <Button onClick={() => setOpen(true)}>Change limits</Button>
      )}
    </section>
  );
}
