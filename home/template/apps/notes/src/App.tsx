import { formatValue, useRows, type Row } from "@matrixos/sdk";
import { App, Button, Empty, Failure, Icon, IconButton, Input, Skeleton, useToast, useWidth } from "@matrixos/ui";
import { useState } from "react";
import { Editor } from "./Editor";
import { found, nameOf, startOf } from "./note";
import "./style.css";

export default function Notes() {
  return (
    <App title="Notes" fill>
      <Desk />
    </App>
  );
}

function Desk() {
  const { rows, loading, error, insert, update, remove } = useRows("notes");
  const [chosen, setChosen] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [ref, width] = useWidth<HTMLDivElement>();
  const toast = useToast();
  const act = (work: Promise<unknown>) => work.catch((e: Error) => toast(e.message));
  const shown = found(rows, search);
  const narrow = width > 0 && width < 640;
  const note = rows.find((r) => r.id === chosen) ?? (narrow ? undefined : shown[0]);
  const add = () => {
    setSearch("");
    act(insert({ body: "", pinned: false, edited: new Date().toISOString() }).then(setChosen));
  };
  const drop = (row: Row) => {
    const { created_at: _c, updated_at: _u, ...rest } = row;
    setChosen(null);
    act(remove(row.id).then(() => rest.body && toast(`“${nameOf(row.body)}” deleted.`, { label: "Undo", run: () => act(insert(rest).then(() => setChosen(row.id))) })));
  };
  return (
    <div className="notes" ref={ref} data-open={narrow && note ? "" : undefined}>
      {error && <Failure error={error} />}
      {(!narrow || !note) && (
        <nav className="notes-list" aria-label="All notes">
          <div className="notes-find">
            <Input type="search" aria-label="Search notes" placeholder="Search" value={search} onChange={setSearch} />
            <Button primary icon="plus" aria-label="New note" onClick={add}>New</Button>
          </div>
          {loading ? <Skeleton /> : shown.length > 0 && (
            <ul>
              {shown.map((n) => (
                <li key={n.id}>
                  <button type="button" aria-current={n.id === note?.id ? "true" : undefined} onClick={() => setChosen(n.id)}>
                    <b>{n.pinned && <Icon name="pin" size={14} label="Pinned" />}<i>{nameOf(n.body)}</i></b>
                    <span><time>{formatValue(String(n.edited ?? n.created_at).slice(0, 10), { name: "edited", type: "date" })}</time> {startOf(n.body)}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          {!loading && shown.length === 0 && <Empty icon="notebook-pen" title={search ? "No note has these words." : "There are no notes yet."} action={!search && <Button onClick={add}>Write the first</Button>} />}
        </nav>
      )}
      {note && (
        <Editor
          key={note.id}
          note={note}
          onSave={(body) => update(note.id, { body, edited: new Date().toISOString() })}
          tools={
            <>
              {narrow && <IconButton icon="chevron-left" label="All notes" onClick={() => setChosen(null)} />}
              <span className="mx-spacer" />
              <IconButton icon={note.pinned ? "pin-off" : "pin"} label={note.pinned ? "Unpin" : "Pin"} onClick={() => act(update(note.id, { pinned: !note.pinned }))} />
              <IconButton icon="trash-2" label="Delete note" onClick={() => drop(note)} />
            </>
          }
        />
      )}
    </div>
  );
}
