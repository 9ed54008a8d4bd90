import { addDays, locale, parseDay, today, useRows, type Field, type Row } from "@matrixos/sdk";
import { App, Button, Dialog, Empty, Failure, Form, Icon, Skeleton, Spacer, useToast, useWidth } from "@matrixos/ui";
import { useState } from "react";
import { share, streak } from "./streak";
import "./style.css";

const fields: Field[] = [
  { name: "name", label: "What", required: true },
  { name: "per_week", label: "Days a week", type: "number", min: 1, max: 7, default: 7, required: true },
  { name: "why", label: "Why", type: "note" },
];

export default function Habits() {
  const [adding, setAdding] = useState(false);
  return (
    <App title="Habits" actions={<Button primary icon="plus" onClick={() => setAdding(true)}>Add habit</Button>}>
      <Table adding={adding} onAdd={setAdding} />
    </App>
  );
}

function Table({ adding, onAdd }: { adding: boolean; onAdd: (adding: boolean) => void }) {
  const { rows: habits, loading, error, insert, update, remove } = useRows("habits", { orderBy: { created_at: "asc" } });
  const marks = useRows("marks");
  const [editing, setEditing] = useState<Row | null>(null);
  const [ref, width] = useWidth<HTMLDivElement>();
  const toast = useToast();
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const count = Math.max(3, Math.min(21, Math.floor((width < 560 ? width - 168 : width - 304) / 42))); // what the names and the streaks leave
  const days = Array.from({ length: count }, (_, i) => addDays(today(), i - count + 1));
  const toggle = (habit: Row, day: string) => {
    const mark = marks.rows.find((m) => m.habit === habit.id && m.day === day);
    act(mark ? marks.remove(mark.id) : marks.insert({ habit: habit.id, day }));
  };
  const drop = (row: Row) => {
    setEditing(null);
    const { created_at: _c, updated_at: _u, ...rest } = row;
    act(remove(row.id).then(() => toast(`${row.name} deleted.`, { label: "Undo", run: () => act(insert(rest)) })));
  };
  const format = (day: string, form: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale(), form).format(parseDay(day)!);
  return (
    <div ref={ref}>
      {error && <Failure error={error} />}
      {loading ? <Skeleton /> : habits.length === 0 ? (
        <Empty icon="repeat" title="Begin with one thing that is small enough to do every day." action={<Button onClick={() => onAdd(true)}>Add habit</Button>} />
      ) : (
        <table className="habits" style={{ "--days": count } as React.CSSProperties}>
          <thead>
            <tr>
              <th><span className="mx-sr">Habit</span></th>
              {days.map((d) => <th key={d} scope="col" aria-current={d === today() ? "date" : undefined}><span>{format(d, { weekday: "narrow" })}</span><b>{Number(d.slice(8))}</b></th>)}
              <th scope="col">Streak</th>
            </tr>
          </thead>
          <tbody>
            {habits.map((h) => <Line key={h.id} habit={h} days={days} marked={new Set(marks.rows.filter((m) => m.habit === h.id).map((m) => String(m.day)))} onToggle={(d) => toggle(h, d)} onOpen={() => setEditing(h)} nameOf={(d) => format(d, { weekday: "long", day: "numeric", month: "long" })} />)}
          </tbody>
        </table>
      )}
      <Dialog open={adding} title="Add habit" onClose={() => onAdd(false)}>
        {adding && <Form fields={fields} onCancel={() => onAdd(false)} onSave={async (v) => { await insert(v); onAdd(false); }} />}
      </Dialog>
      <Dialog open={editing !== null} title="Change habit" onClose={() => setEditing(null)}>
        {editing && <Form fields={fields} value={editing} onCancel={() => setEditing(null)} onSave={async (v) => { await update(editing.id, v); setEditing(null); }} extra={<><Button danger quiet icon="trash-2" onClick={() => drop(editing)}>Delete</Button><Spacer /></>} />}
      </Dialog>
    </div>
  );
}

interface LineProps {
  habit: Row;
  days: string[];
  marked: Set<string>;
  onToggle: (day: string) => void;
  onOpen: () => void;
  nameOf: (day: string) => string;
}

function Line({ habit, days, marked, onToggle, onOpen, nameOf }: LineProps) {
  const perWeek = Number(habit.per_week) || 7;
  const s = streak(marked, perWeek, today());
  return (
    <tr>
      <th scope="row">
        <button type="button" className="mx-open" onClick={onOpen}>{habit.name}</button>
        <div className="mx-small mx-quiet">{perWeek === 7 ? "every day" : perWeek === 1 ? "once a week" : `${perWeek} days a week`}, {share(marked, perWeek, today(), String(habit.created_at).slice(0, 10))} % in 30 days</div>
      </th>
      {days.map((d) => (
        <td key={d}>
          <button type="button" className="mark" aria-pressed={marked.has(d)} aria-label={`${habit.name}, ${nameOf(d)}`} onClick={() => onToggle(d)}>
            {marked.has(d) && <Icon name="check" size={18} />}
          </button>
        </td>
      ))}
      <td className="streak"><b>{s.length}</b> <span>{s.length === 1 ? s.unit : `${s.unit}s`}</span></td>
    </tr>
  );
}
