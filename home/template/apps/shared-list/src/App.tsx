import { personName, useRooms, useRows, useValue, type Row } from "@matrixos/sdk";
import { Alone, App, Button, Checkbox, Confirm, Dialog, Empty, Failure, Form, IconButton, Input, Item, List, Segmented, Select, Shared, Skeleton, Spacer, Stack, useToast } from "@matrixos/ui";
import { useEffect, useState, type FormEvent } from "react";
import { readThing, shareList, usePrivate, useShared, type Kept, type Thing } from "./list";

const rooms = "room:";

export default function SharedLists() {
  return (
    <App title="Shared list">
      <Lists />
    </App>
  );
}

function Lists() {
  const own = useRows("lists", { orderBy: { created_at: "asc" } });
  const { list, error, reload } = useRooms();
  const [chosen, setChosen] = useValue("list", "");
  const [making, setMaking] = useState(false);
  const shared = (list?.rooms ?? []).filter((r) => r.state === "joined");
  const options = [...own.rows.map((r) => ({ value: String(r.id), label: String(r.title) })), ...shared.map((r) => ({ value: rooms + r.id, label: `${r.title} (shared)` }))];
  const at = options.find((o) => o.value === chosen)?.value ?? options[0]?.value;
  const [seen, setSeen, known] = useValue<string[]>("seen", []);
  const fresh = known ? shared.find((r) => r.by !== list?.me && !seen.includes(r.id))?.id : undefined;
  useEffect(() => {
    if (!fresh) return; // else somebody's invitation was accepted, and their list is what to look at
    setSeen(shared.map((r) => r.id));
    setChosen(rooms + fresh);
  }, [fresh]);
  const gone = () => (setChosen(""), void reload());
  if (own.loading || (!list && !error)) return <Skeleton />;
  const row = own.rows.find((r) => r.id === at);
  return (
    <Stack>
      {(own.error ?? error) && <Failure error={(own.error ?? error)!} />}
      {at && (
        <Stack row gap={8}>
          <div><Select aria-label="List" value={at} options={options} onChange={setChosen} /></div>
          <Button icon="plus" onClick={() => setMaking(true)}>New list</Button>
        </Stack>
      )}
      {!at && <Empty icon="shopping-basket" title="No list yet. Make one for yourself, or one that you share." action={<Button primary onClick={() => setMaking(true)}>Make a list</Button>} />}
      {at?.startsWith(rooms) && <SharedOne key={at} id={at.slice(rooms.length)} onLeft={gone} />}
      {row && <PrivateOne key={row.id} row={row} onShared={(id) => (setChosen(rooms + id), void reload())} onGone={gone} />}
      <Alone list={list} what="a shared list" />
      <NewList
        open={making}
        onClose={() => setMaking(false)}
        onMake={async (title, together) => {
          if (together) setChosen(rooms + (await shareList(title, [])));
          else setChosen(await own.insert({ title }));
          await reload();
          setMaking(false);
        }}
      />
    </Stack>
  );
}

function NewList({ open, onClose, onMake }: { open: boolean; onClose(): void; onMake(title: string, together: boolean): Promise<void> }) {
  const [title, setTitle] = useState("");
  const [who, setWho] = useState("Just for me");
  const [error, setError] = useState<Error | null>(null);
  const make = (e: FormEvent) => {
    e.preventDefault();
    setError(null);
    onMake(title.trim(), who !== "Just for me").then(() => setTitle(""), setError);
  };
  return (
    <Dialog open={open} title="New list" onClose={onClose}>
      <form onSubmit={make}>
        <Stack>
          {error && <Failure error={error} />}
          <Input label="What is it for" placeholder="Groceries" value={title} onChange={setTitle} maxLength={60} />
          <Segmented label="Who uses it" value={who} options={["Just for me", "With other people"]} onChange={setWho} />
          <div className="mx-form-foot">
            <Button onClick={onClose}>Cancel</Button>
            <Button primary type="submit" disabled={!title.trim()}>Make it</Button>
          </div>
        </Stack>
      </form>
    </Dialog>
  );
}

function PrivateOne({ row, onShared, onGone }: { row: Row; onShared(room: string): void; onGone(): void }) {
  const kept = usePrivate(row.id);
  const lists = useRows("lists");
  const items = useRows("items", { where: { list: row.id } });
  const [asking, setAsking] = useState<"share" | "delete" | null>(null);
  const toast = useToast();
  const clear = async () => {
    for (const t of items.rows) await items.remove(t.id);
    await lists.remove(row.id);
  };
  const share = async () => {
    const id = await shareList(String(row.title), kept.things);
    await clear();
    onShared(id);
  };
  const fail = (e: Error) => toast(e.message);
  return (
    <Things kept={kept} aside={<><Button quiet icon="users" onClick={() => setAsking("share")}>Share</Button><IconButton icon="trash-2" label="Delete this list" onClick={() => setAsking("delete")} /></>}>
      <Confirm open={asking === "share"} title={`Share “${row.title}”?`} action="Share" onClose={() => setAsking(null)} onConfirm={() => void share().catch(fail)}>
        <p>It moves into a room of its own. You invite whom you want; they see and change all of it. It cannot be made private again.</p>
      </Confirm>
      <Confirm open={asking === "delete"} title={`Delete “${row.title}”?`} action="Delete" danger onClose={() => setAsking(null)} onConfirm={() => void clear().then(onGone, fail)}>
        <p>{kept.things.length === 1 ? "The one thing on it goes, too." : `The ${kept.things.length} things on it go, too.`}</p>
      </Confirm>
    </Things>
  );
}

function SharedOne({ id, onLeft }: { id: string; onLeft(): void }) {
  const toast = useToast();
  const kept = useShared(id, (lost, now, by) => toast(`Two changes at once: “${now}” by ${personName(by)} is kept, “${lost}” is not.`));
  return <Things kept={kept} aside={kept.room && <Shared room={kept.room} onLeft={onLeft} />} />;
}

function Things({ kept, aside, children }: { kept: Kept; aside: React.ReactNode; children?: React.ReactNode }) {
  const [line, setLine] = useState("");
  const [editing, setEditing] = useState<Thing | null>(null);
  const toast = useToast();
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const add = (e: FormEvent) => {
    e.preventDefault();
    const { text, amount } = readThing(line);
    if (!text) return;
    setLine("");
    void act(kept.add(text, amount));
  };
  const drop = (t: Thing) => act(kept.drop(t).then(() => toast(`${t.text} is off the list.`, { label: "Undo", run: () => void act(kept.restore(t)) })));
  const done = kept.things.filter((t) => t.done);
  const open = kept.things.length - done.length;
  const clear = async () => {
    for (const t of done) await kept.drop(t);
    toast(done.length === 1 ? `${done[0]!.text} is off the list.` : `${done.length} things are off the list.`, { label: "Undo", run: () => void act(restore(done)) });
  };
  const restore = async (things: Thing[]) => {
    for (const t of things) await kept.restore(t);
  };
  const me = kept.room?.me;
  return (
    <>
      <form onSubmit={add} style={{ display: "flex", gap: 8 }}>
        <div style={{ flex: 1 }}>
          <Input aria-label="New thing" placeholder="2 l milk" value={line} onChange={setLine} maxLength={200} autoComplete="off" enterKeyHint="done" />
        </div>
        <Button primary type="submit">Add</Button>
      </form>
      {kept.error && <Failure error={kept.error} />}
      <Stack row gap={8}>
        <span className="mx-quiet" role="status">{open === 0 ? (kept.things.length ? "Everything is done." : "Nothing is on it.") : open === 1 ? "1 thing to get" : `${open} things to get`}</span>
        <Spacer />
        {aside}
      </Stack>
      {kept.loading ? <Skeleton /> : (
        <List>
          {kept.things.map((t) => (
            <Item
              key={t.id}
              leading={<Checkbox checked={t.done} aria-label={`Done: ${t.text}`} onChange={(d) => void act(kept.change(t, { done: d }))} />}
              title={t.text}
              subtitle={t.by && t.by !== me ? personName(t.by) : undefined}
              value={t.amount}
              done={t.done}
              onClick={() => setEditing(t)}
              trailing={<IconButton icon="x" label={`Take ${t.text} off`} onClick={() => void drop(t)} />}
            />
          ))}
        </List>
      )}
      {done.length > 0 && <div><Button quiet onClick={() => void act(clear())}>Take off what is done</Button></div>}
      <Dialog open={editing !== null} title="Change" onClose={() => setEditing(null)}>
        {editing && (
          <Form
            fields={[{ name: "text", label: "What", required: true }, { name: "amount", label: "How much" }]}
            value={editing as unknown as Record<string, unknown>}
            onCancel={() => setEditing(null)}
            onSave={async (v) => {
              await kept.change(editing, { text: String(v.text).trim(), amount: String(v.amount ?? "").trim() });
              setEditing(null);
            }}
          />
        )}
      </Dialog>
      {children}
    </>
  );
}
