import { formatValue, today, useRows, useValue, type Field, type Row } from "@matrixos/sdk";
import { App, Badge, Button, Checkbox, Dialog, Empty, Failure, Form, Input, Item, List, Segmented, Select, Skeleton, Spacer, Stack, useToast } from "@matrixos/ui";
import { useState, type FormEvent } from "react";
import { inView, nextDue, readWish, type View } from "./todo";

const fields = (lists: string[]): Field[] => [
  { name: "title", label: "What is to be done", required: true },
  { name: "due", label: "When", type: "date" },
  { name: "list", options: lists },
  { name: "repeat", type: "choice", options: ["Daily", "Weekly", "Monthly", "Yearly"] },
  { name: "important", type: "check" },
  { name: "note", type: "note" },
];
const views: View[] = ["Today", "Upcoming", "All", "Done"];
const nothing: Record<View, string> = {
  Today: "Nothing is due today.",
  Upcoming: "Nothing is planned for later.",
  All: "Nothing is to be done. Write down the first thing that comes to mind.",
  Done: "What you have done stands here.",
};

export default function Todo() {
  return (
    <App title="To-do">
      <Tasks />
    </App>
  );
}

function Tasks() {
  const { rows, loading, error, insert, update, remove } = useRows("todos");
  const [view, setView] = useValue<View>("view", "Today");
  const [list, setList] = useState("");
  const [text, setText] = useState("");
  const [editing, setEditing] = useState<Row | null>(null);
  const toast = useToast();
  const lists = [...new Set(rows.map((r) => String(r.list ?? "")).filter(Boolean))].sort();
  const shown = inView(rows, view, list, today());
  const wish = readWish(text, today());
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const add = (e: FormEvent) => {
    e.preventDefault();
    if (!text.trim()) return;
    setText("");
    const row = { ...wish, list: wish.list ?? (list || null), due: wish.due ?? (view === "Today" ? today() : null), done: false };
    act(insert(row));
    if (view === "Done" || (view === "Today" && row.due! > today())) setView("All");
  };
  const tick = (row: Row, done: boolean) => {
    const next = done && row.repeat && row.due ? nextDue(row.due, row.repeat, today()) : null;
    if (next) {
      act(update(row.id, { due: next }));
      toast(`Done. It comes again ${formatValue(next, { name: "due", type: "date" }).toLowerCase()}.`, { label: "Undo", run: () => act(update(row.id, { due: row.due })) });
      return;
    }
    act(update(row.id, { done, done_at: done ? new Date().toISOString() : null }));
    if (done) toast("Done.", { label: "Undo", run: () => act(update(row.id, { done: false, done_at: null })) });
  };
  const drop = (row: Row) => {
    setEditing(null);
    const { created_at: _c, updated_at: _u, ...rest } = row;
    act(remove(row.id).then(() => toast("Deleted.", { label: "Undo", run: () => act(insert(rest)) })));
  };
  const hints = [wish.due && formatValue(wish.due, { name: "due", type: "date" }), wish.repeat, wish.list && `in ${wish.list}`, wish.important && "important"].filter(Boolean);
  return (
    <Stack>
      <form onSubmit={add} style={{ display: "flex", gap: 8 }}>
        <div style={{ flex: 1 }}>
          <Input aria-label="New task" placeholder="Call the dentist tomorrow #health" value={text} onChange={setText} autoComplete="off" enterKeyHint="done" />
        </div>
        <Button primary type="submit">Add</Button>
      </form>
      {text && hints.length > 0 && <p className="mx-small mx-quiet" role="status">“{wish.title}”, {hints.join(", ")}</p>}
      <Stack row>
        <Segmented label="View" value={view} options={views} onChange={(v) => setView(v as View)} />
        <Spacer />
        {lists.length > 0 && <div><Select aria-label="List" value={list} empty="All lists" options={lists} onChange={setList} /></div>}
      </Stack>
      {error && <Failure error={error} />}
      {loading ? <Skeleton /> : shown.length === 0 ? <Empty icon="list-checks" title={nothing[view]} /> : (
        <List>
          {shown.map((row) => <Task key={row.id} row={row} showList={!list} onTick={(done) => tick(row, done)} onOpen={() => setEditing(row)} />)}
        </List>
      )}
      <Dialog open={editing !== null} title="Change task" onClose={() => setEditing(null)}>
        {editing && <Form fields={fields(lists)} value={editing} onCancel={() => setEditing(null)} onSave={async (v) => { await update(editing.id, v); setEditing(null); }} extra={<><Button danger quiet icon="trash-2" onClick={() => drop(editing)}>Delete</Button><Spacer /></>} />}
      </Dialog>
    </Stack>
  );
}

function Task({ row, showList, onTick, onOpen }: { row: Row; showList: boolean; onTick: (done: boolean) => void; onOpen: () => void }) {
  const late = !row.done && row.due && row.due < today();
  const about = [row.repeat, showList && row.list, row.note && String(row.note).split("\n")[0]].filter(Boolean).join(" · ");
  const due = row.due ? formatValue(row.due, { name: "due", type: "date" }) : "";
  return (
    <Item
      leading={<Checkbox checked={Boolean(row.done)} aria-label={`Done: ${row.title}`} onChange={onTick} />}
      title={row.important ? <>{row.title} <Badge tone="warn">Important</Badge></> : row.title}
      subtitle={about}
      done={Boolean(row.done)}
      value={late ? <Badge tone="bad">{due}</Badge> : <span className="mx-quiet">{due}</span>}
      onClick={onOpen}
    />
  );
}
