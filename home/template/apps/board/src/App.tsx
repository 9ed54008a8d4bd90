import { useRows, useValue, type Field, type Row } from "@matrixos/sdk";
import { App, Board, Button, Confirm, Dialog, Empty, Failure, Form, IconButton, Select, Skeleton, Spacer, Stack, useToast } from "@matrixos/ui";
import { useState } from "react";

const usual = ["To do", "Doing", "Done"];
const cardFields: Field[] = [
  { name: "title", label: "What", required: true },
  { name: "due", type: "date" },
  { name: "tags", type: "tags" },
  { name: "note", type: "note" },
];
const boardFields: Field[] = [
  { name: "name", required: true },
  { name: "columns", label: "Columns, in order,", type: "tags", required: true, default: usual },
];

export default function Boards() {
  return (
    <App title="Board">
      <Work />
    </App>
  );
}

function Work() {
  const boards = useRows("boards", { orderBy: { created_at: "asc" } });
  const [chosen, setChosen] = useValue<string>("chosen", "");
  const [dialog, setDialog] = useState<"new" | "change" | null>(null);
  const board = boards.rows.find((b) => b.id === chosen) ?? boards.rows[0];
  const make = async (v: Record<string, any>) => {
    setChosen(await boards.insert(v));
    setDialog(null);
  };
  if (boards.loading) return <Skeleton />;
  return (
    <>
      {boards.error && <Failure error={boards.error} />}
      {board ? (
        <>
          <div style={{ marginBottom: 16 }}>
            <Stack row gap={8}>
              <div><Select aria-label="Board" value={board.id} options={boards.rows.map((b) => ({ value: b.id, label: String(b.name) }))} onChange={setChosen} /></div>
              <IconButton icon="pencil" label="Name and columns" onClick={() => setDialog("change")} />
              <Spacer />
              <Button icon="plus" onClick={() => setDialog("new")}>New board</Button>
            </Stack>
          </div>
          <Board key={board.id} table="cards" where={{ board: board.id }} fields={cardFields} column="column" columns={columnsOf(board)} order="place" title="title" />
        </>
      ) : (
        <Empty icon="square-kanban" title="A board has columns such as To do, Doing and Done, and cards that move through them." action={<Button primary onClick={() => setDialog("new")}>Make the first board</Button>} />
      )}
      <Dialog open={dialog === "new"} title="New board" onClose={() => setDialog(null)}>
        {dialog === "new" && <Form fields={boardFields} onCancel={() => setDialog(null)} onSave={make} saveLabel="Make board" />}
      </Dialog>
      {board && <Change key={board.id} board={board} open={dialog === "change"} onClose={() => setDialog(null)} />}
    </>
  );
}

function columnsOf(board: Row): string[] {
  const own = Array.isArray(board.columns) ? board.columns.map(String) : [];
  return own.length > 0 ? own : usual;
}

function Change({ board, open, onClose }: { board: Row; open: boolean; onClose: () => void }) {
  const { update, remove, insert } = useRows("boards");
  const cards = useRows("cards", { where: { board: board.id } });
  const [sure, setSure] = useState(false);
  const toast = useToast();
  const drop = () => {
    onClose();
    const { created_at: _c, updated_at: _u, ...rest } = board;
    remove(board.id).then(() => toast(`“${board.name}” deleted.`, { label: "Undo", run: () => void insert(rest) }), (e: Error) => toast(e.message));
  };
  return (
    <>
      <Dialog open={open && !sure} title="Change board" onClose={onClose}>
        {open && <Form fields={boardFields} value={{ ...board, columns: columnsOf(board) }} onCancel={onClose} onSave={async (v) => { await update(board.id, v); onClose(); }} extra={<><Button danger quiet icon="trash-2" onClick={() => (cards.rows.length > 0 ? setSure(true) : drop())}>Delete</Button><Spacer /></>} />}
      </Dialog>
      <Confirm open={sure} title={`Delete “${board.name}”?`} action="Delete board" danger onConfirm={drop} onClose={() => setSure(false)}>
        <p>Its {cards.rows.length} {cards.rows.length === 1 ? "card is" : "cards are"} no longer shown. Undo brings the board back with them.</p>
      </Confirm>
    </>
  );
}
