import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, IconButton, useKeys, useToast } from "@matrixos/ui";
import { useEffect, useState } from "react";
import { Table } from "./Table";
import { begin, diceOf, next, take, wonBy, worth, type Board, type Side } from "./rules";
import { choose } from "./think";
import "./style.css";

interface Game {
  board: Board;
  turn: Side;
  dice: number[] | null; // null: to be thrown
  left: number[]; // what has not been played of them
  way: { board: Board; left: number[] }[]; // the steps of this turn, to take back
}

const fresh = (): Game => ({ board: begin(), turn: 1, dice: null, left: [], way: [] });
const die = () => 1 + Math.floor(Math.random() * 6);

export default function Backgammon() {
  return (
    <App title="Backgammon">
      <Play />
    </App>
  );
}

function Play() {
  const [g, set, loaded] = useValue<Game>("game", fresh());
  const [from, setFrom] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const { rows, insert } = useRows("games");
  const toast = useToast();
  const winner = wonBy(g.board);
  const mine = g.turn === 1 && winner === 0;
  const steps = mine && g.dice ? next(g.board, 1, g.left) : [];
  const roll = () => {
    if (!mine || g.dice) return;
    const dice = [die(), die()];
    const left = diceOf(dice[0]!, dice[1]!);
    setFrom(null);
    setSaid(next(g.board, 1, left).length === 0 ? "No step is possible with these dice." : "");
    set({ ...g, dice, left, way: [] });
  };
  const finish = (board: Board, by: Side) => insert({ won: by === 1, points: worth(board, by) }).catch((e: Error) => toast(e.message));
  const move = (to: number) => {
    const step = steps.filter((s) => s.from === from && Math.max(-1, s.from - s.die) === to).sort((a, b) => a.die - b.die)[0];
    setFrom(null);
    if (!step) return;
    const board = take(g.board, 1, step);
    set({ ...g, board, left: g.left.toSpliced(g.left.indexOf(step.die), 1), way: [...g.way, { board: g.board, left: g.left }] });
    if (wonBy(board) === 1) void finish(board, 1);
  };
  const back = () => {
    const before = g.way.at(-1);
    setFrom(null);
    if (before) set({ ...g, ...before, way: g.way.slice(0, -1) });
  };
  const done = () => {
    if (mine && g.dice && steps.length === 0) set({ ...g, turn: -1, dice: null, left: [], way: [] });
  };
  // The computer throws, shows its dice, and makes its steps one by one.
  useEffect(() => {
    if (!loaded || g.turn !== -1 || winner !== 0) return;
    const wait = setTimeout(() => {
      if (!g.dice) {
        const dice = [die(), die()];
        return set({ ...g, dice, left: diceOf(dice[0]!, dice[1]!), way: [] });
      }
      const step = choose(g.board, -1, g.left)?.steps[0];
      if (!step) {
        setSaid(g.left.length === diceOf(g.dice[0]!, g.dice[1]!).length ? `The computer threw ${g.dice.join(" and ")}, and could not move.` : `The computer played ${g.dice.join(" and ")}.`);
        return set({ ...g, turn: 1, dice: null, left: [], way: [] });
      }
      const board = take(g.board, -1, step);
      set({ ...g, board, left: g.left.toSpliced(g.left.indexOf(step.die), 1) });
      if (wonBy(board) === -1) void finish(board, -1);
    }, g.dice ? 650 : 500);
    return () => clearTimeout(wait);
  }, [loaded, g, winner]);
  const again = () => {
    if (winner === 0 && (g.board.off[0] > 0 || g.board.off[1] > 0 || g.way.length > 0)) {
      const before = g;
      toast("A new game.", { label: "Back to the old one", run: () => set(before) });
    }
    setSaid("");
    set(fresh());
  };
  useKeys({ " ": () => (g.dice ? done() : roll()), r: roll, u: back, Escape: () => setFrom(null) });
  if (!loaded) return null;
  const won = rows.filter((r) => r.won).length;
  const words = winner === 1 ? `You won${["", "", ", a gammon", ", a backgammon"][worth(g.board, 1)]}.` : winner === -1 ? `The computer won${["", "", ", a gammon", ", a backgammon"][worth(g.board, -1)]}.` : !mine ? "The computer plays." : !g.dice ? `${said} Throw the dice.` : steps.length > 0 ? (g.board.bar[0] > 0 ? "Bring your checker in from the bar first." : "It is your move.") : said || "That was your move.";
  return (
    <div className="game">
      <Table board={g.board} steps={steps} from={from} onFrom={setFrom} onTo={move} dice={g.dice} left={g.left} turn={g.turn} />
      <div className="foot">
        <p role="status">{winner ? <b>{words}</b> : words}</p>
        <span className="mx-spacer" />
        {g.way.length > 0 && mine && <IconButton icon="undo-2" label="Take back" onClick={back} />}
        {mine && !g.dice && <Button primary icon="dices" onClick={roll}>Throw</Button>}
        {mine && g.dice && steps.length === 0 && <Button primary onClick={done}>Done</Button>}
        <Button primary={winner !== 0} onClick={again}>New game</Button>
      </div>
      <p className="mx-small mx-quiet">Yours are light, and go down from 24 to 1.{rows.length > 0 && ` ${won} of ${rows.length} games won.`}</p>
    </div>
  );
}
