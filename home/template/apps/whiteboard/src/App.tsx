import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, Dialog, Form, IconButton, Select, Skeleton, Spacer, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { Sheet } from "./Sheet";
import "./style.css";

export default function Whiteboard() {
  return (
    <App title="Whiteboard" fill>
      <Boards />
    </App>
  );
}

function Boards() {
  const boards = useRows("boards", { orderBy: { created_at: "asc" } });
  const [chosen, setChosen] = useValue("chosen", "");
  const [naming, setNaming] = useState<"new" | "change" | null>(null);
  const toast = useToast();
  const board = boards.rows.find((b) => b.id === chosen) ?? boards.rows[0];
  const made = useRef(false);
  const { loading, error, rows, insert } = boards;
  useEffect(() => {
    if (loading || error || rows.length > 0 || made.current) return;
    made.current = true; // there is always a sheet to draw on
    insert({ name: "Sheet 1" }).catch((e: Error) => toast(e.message));
  }, [loading, error, rows, insert, toast]);
  if (!board) return error ? <p role="alert">{error.message}</p> : <Skeleton />;
  const drop = () => {
    setNaming(null);
    boards.remove(board.id).then(() => toast(`“${board.name}” deleted.`, { label: "Undo", run: () => void insert({ id: board.id, name: board.name }) }), (e: Error) => toast(e.message));
  };
  const fields = [{ name: "name", required: true }];
  return (
    <>
      <Sheet key={board.id} board={board.id} name={String(board.name)}>
        <div><Select aria-label="Sheet" value={board.id} options={rows.map((b) => ({ value: b.id, label: String(b.name) }))} onChange={setChosen} /></div>
        <IconButton icon="pencil" label="Name of this sheet" onClick={() => setNaming("change")} />
        <IconButton icon="file-plus" label="New sheet" onClick={() => setNaming("new")} />
      </Sheet>
      <Dialog open={naming !== null} title={naming === "new" ? "New sheet" : "Name of this sheet"} onClose={() => setNaming(null)}>
        {naming === "new" && <Form fields={fields} value={{ name: `Sheet ${rows.length + 1}` }} onCancel={() => setNaming(null)} onSave={async (v) => { setChosen(await insert(v)); setNaming(null); }} />}
        {naming === "change" && <Form fields={fields} value={board} onCancel={() => setNaming(null)} onSave={async (v) => { await boards.update(board.id, v); setNaming(null); }} extra={<><Button danger quiet icon="trash-2" onClick={drop}>Delete</Button><Spacer /></>} />}
      </Dialog>
    </>
  );
}
