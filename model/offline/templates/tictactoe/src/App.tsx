import { useValue } from "@matrixos/sdk";
import { App, Button, Grid, Segmented, Stack, Stat, Stats } from "@matrixos/ui";
import { useState } from "react";
import { choose, won, type Board, type Level, type Mark } from "./rules";

type Opponent = Level | "A friend";
const empty: Board = new Array<Mark>(9).fill("");

export default function __COMPONENT__() {
  const [board, setBoard] = useState(empty);
  const [turn, setTurn] = useState<Mark>("X");
  const [opponent, setOpponent] = useValue<Opponent>("opponent", "Fair");
  const [score, setScore] = useValue("score", { X: 0, O: 0, draw: 0 });
  const line = won(board);
  const over = line !== null || board.every((mark) => mark !== "");

  const settle = (next: Board) => {
    const line = won(next);
    const key = line ? (next[line[0]!] as "X" | "O") : next.every((mark) => mark !== "") ? "draw" : null;
    if (key) setScore((now) => ({ ...now, [key]: now[key] + 1 }));
    return key !== null;
  };
  const play = (at: number) => {
    if (over || board[at] !== "") return;
    let next = board.with(at, turn);
    if (settle(next) || opponent === "A friend") setTurn(turn === "X" ? "O" : "X");
    else {
      next = next.with(choose(next, "O", opponent), "O");
      settle(next);
    }
    setBoard(next);
  };
  const again = () => {
    setBoard(empty);
    setTurn("X");
  };

  return (
    <App title="__TITLE__" actions={<Button icon="rotate-ccw" onClick={again}>New game</Button>}>
      <Stack gap={16}>
        <Segmented label="Against" value={opponent} options={["Easy", "Fair", "Perfect", "A friend"]} onChange={(v) => { setOpponent(v as Opponent); again(); }} />
        <div style={{ width: "min(100%, 60vh)", margin: "0 auto" }}>
          <Grid
            columns={3}
            rows={3}
            gap={8}
            label="Board"
            onCell={(x, y) => play(y * 3 + x)}
            cell={(x, y) => {
              const at = y * 3 + x;
              return { content: board[at], tone: line?.includes(at) ? "good" : undefined, label: `Column ${x + 1}, row ${y + 1}: ${board[at] || "free"}` };
            }}
          />
        </div>
        <p role="status">{line ? `${board[line[0]!]} has won.` : over ? "A draw." : `${turn} is to move.`}</p>
        <Stats>
          <Stat label="X" value={String(score.X)} />
          <Stat label="O" value={String(score.O)} />
          <Stat label="Draws" value={String(score.draw)} />
        </Stats>
      </Stack>
    </App>
  );
}
