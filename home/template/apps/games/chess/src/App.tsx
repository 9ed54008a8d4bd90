import { useRows, useValue } from "@matrixos/sdk";
import { App, Button, Dialog, Grid, IconButton, Segmented, Stack, useToast } from "@matrixos/ui";
import { useEffect, useMemo, useState } from "react";
import { Piece, pieceNames } from "./Piece";
import { becomes, fromOf, inCheck, legal, play, squareName, toOf, write, type Ending, type Move, type Position } from "./rules";
import { mateIn, thinking, type Level, type Thought } from "./think";
import "./style.css";

interface Game {
  moves: Move[];
  side: 1 | -1; // the owner's
  level: Level;
  resigned: boolean;
}

const fresh: Game = { moves: [], side: 1, level: "Easy", resigned: false };
const words: Record<Ending, string> = { checkmate: "Checkmate", stalemate: "Stalemate, a draw", repetition: "The same position three times, a draw", "fifty moves": "Fifty moves without a capture or a pawn, a draw", "too few pieces": "Neither side can mate any more, a draw" };

export default function Chess() {
  const [asking, setAsking] = useState(false);
  return (
    <App title="Chess" actions={<Button onClick={() => setAsking(true)}>New game</Button>}>
      <Play asking={asking} onAsk={setAsking} />
    </App>
  );
}

function Play({ asking, onAsk }: { asking: boolean; onAsk: (open: boolean) => void }) {
  const [g, set, loaded] = useValue<Game>("game", fresh);
  const { insert } = useRows("games");
  const toast = useToast();
  const { positions, ending } = useMemo(() => play(g.moves), [g.moves]);
  const written = useMemo(() => notation(positions, g.moves), [positions, g.moves]); // it looks at every move that there was
  const over = ending !== null || g.resigned;
  const p = positions.at(-1)!;
  const theirs = loaded && !over && p.side !== g.side;
  const finish = (result: string, how: string, moves = g.moves) => insert({ result, how, level: g.level, side: g.side === 1 ? "white" : "black", moves: notation(play(moves).positions, moves).join(" ") }).catch((e: Error) => toast(e.message));
  const step = (m: Move) => {
    const moves = [...g.moves, m];
    set({ ...g, moves });
    const end = play(moves).ending;
    if (end) void finish(end !== "checkmate" ? "draw" : p.side === g.side ? "won" : "lost", end, moves);
  };
  useThought(theirs, positions, g.level, (t) => step(t.move));
  const [hint, setHint] = useState<{ at: Position; is: Thought | null } | null>(null);
  const advice = hint?.at === p && !over ? hint : null;
  useThought(advice !== null && advice.is === null, positions, "Hint", (is) => setHint({ at: p, is }));
  const back = () => set({ ...g, moves: g.moves.slice(0, p.side === g.side || over ? (g.moves.length % 2 === (g.side === 1 ? 0 : 1) ? -2 : -1) : -1), resigned: false });
  const mine = g.side === 1 ? 0 : 1; // how many moves stand before the first of the owner's
  const status = g.resigned ? "You gave up." : ending ? `${words[ending]}${ending === "checkmate" ? (p.side === g.side ? ". The computer won." : ". You won.") : "."}` : theirs ? "The computer thinks…" : inCheck(p) ? "You are in check." : "It is your move.";
  return (
    <div className="chess">
      <Board positions={positions} moves={g.moves} side={g.side} live={!theirs && !over} hint={advice?.is?.move ?? null} onMove={step} />
      <aside>
        <p role="status">{over ? <b>{status}</b> : status}</p>
        <Stack row gap={8}>
          <IconButton icon="undo-2" label="Take back" disabled={g.moves.length <= mine || theirs} onClick={back} />
          <IconButton icon="lightbulb" label="Hint" disabled={theirs || over || advice !== null} onClick={() => setHint({ at: p, is: null })} />
          {!over && g.moves.length > mine && <Button quiet onClick={() => { set({ ...g, resigned: true }); void finish("lost", "given up"); }}>Give up</Button>}
          {over && <Button primary onClick={() => onAsk(true)}>New game</Button>}
        </Stack>
        {advice && <p role="status" aria-label="Hint">{advice.is ? says(p, advice.is) : "Looking for a good move…"}</p>}
        <p className="mx-small mx-quiet">You play {g.side === 1 ? "white" : "black"}, level {g.level.toLowerCase()}.</p>
        <ol className="moves" aria-label="Moves">
          {written.reduce<string[][]>((rows, m, i) => (i % 2 ? [...rows.slice(0, -1), [...rows.at(-1)!, m]] : [...rows, [m]]), []).map((pair, i) => <li key={i}><span className="mx-quiet">{i + 1}.</span>{pair.map((m, n) => <span key={n}>{m}</span>)}</li>)}
        </ol>
      </aside>
      <NewGame open={asking} onClose={() => onAsk(false)} now={g} onStart={(side, level) => { onAsk(false); set({ ...fresh, side, level }); }} />
    </div>
  );
}

const notation = (positions: ReturnType<typeof play>["positions"], moves: readonly Move[]): string[] => moves.slice(0, positions.length - 1).map((m, i) => write(positions[i]!, m));

// says tells a hint and what the computer expects of it, in pawns.
function says(p: Position, t: Thought): string {
  const [me, other] = p.side === 1 ? ["White", "Black"] : ["Black", "White"];
  const mates = mateIn(t);
  const who = t.score < 0 ? other : me;
  const expects = mates !== null ? `${who} mates in ${Math.abs(mates)}` : t.score === 0 ? "it is even" : `${who} is ${(Math.abs(t.score) / 100).toFixed(2)} ahead`;
  return `${write(p, t.move)}, and ${expects}.`;
}

// The computer thinks for 12 ms at a time; a newer position or a closed window ends it.
function useThought(wanted: boolean, positions: ReturnType<typeof play>["positions"], level: Level | "Hint", onThought: (t: Thought) => void): void {
  useEffect(() => {
    if (!wanted) return;
    const mind = thinking(positions, level, Math.random);
    let timer: ReturnType<typeof setTimeout>;
    const slice = () => {
      for (const end = performance.now() + 12; performance.now() < end; ) {
        const step = mind.next();
        if (step.done) return onThought(step.value);
      }
      timer = setTimeout(slice, 0);
    };
    timer = setTimeout(slice, 250); // time to see the own move
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a position is thought about once
  }, [wanted, positions, level]);
}

interface BoardProps {
  positions: ReturnType<typeof play>["positions"];
  moves: readonly Move[];
  side: 1 | -1;
  live: boolean;
  hint: Move | null;
  onMove: (m: Move) => void;
}

function Board({ positions, moves, side, live, hint, onMove }: BoardProps) {
  const p = positions.at(-1)!;
  const [from, setFrom] = useState<number | null>(null);
  const [promoting, setPromoting] = useState<Move[] | null>(null);
  const all = useMemo(() => (live ? legal(p) : []), [live, p]);
  const last = positions.length > 1 ? moves[positions.length - 2]! : null;
  const targets = all.filter((m) => fromOf(m) === from);
  const checked = inCheck(p) ? p.board.indexOf(6 * p.side) : -1;
  useEffect(() => setFrom(null), [p]);
  const press = (s: number) => {
    if (!live) return;
    const found = targets.filter((m) => toOf(m) === s);
    if (found.length > 1) return setPromoting(found);
    if (found.length === 1) return onMove(found[0]!);
    setFrom(p.board[s]! * side > 0 && s !== from ? s : null);
  };
  const cell = (x: number, y: number) => {
    const s = side === 1 ? y * 8 + x : 63 - (y * 8 + x);
    const piece = p.board[s]!;
    const target = targets.some((m) => toOf(m) === s);
    const light = (x + y) % 2 === 0;
    const base = light ? "var(--light)" : "var(--dark)";
    const moved = last !== null && (fromOf(last) === s || toOf(last) === s);
    const hinted = hint !== null && (fromOf(hint) === s || toOf(hint) === s);
    const tint = s === from ? "var(--matrix-primary) 55%" : s === checked ? "var(--matrix-destructive) 45%" : hinted ? "var(--matrix-success) 45%" : moved ? "var(--matrix-warning) 38%" : "";
    const name = piece === 0 ? "empty" : `${piece > 0 ? "white" : "black"} ${pieceNames[Math.abs(piece)]}`;
    return {
      color: tint ? `color-mix(in oklch, ${tint}, ${base})` : base,
      label: `${squareName(s)}, ${name}${s === from ? ", chosen" : target ? ", can go here" : s === checked ? ", in check" : hinted ? ", hint" : moved ? ", last move" : ""}`,
      content: <span className="square" data-target={target ? (piece ? "take" : "go") : undefined}>{x === 0 && <i className="rank">{squareName(s)[1]}</i>}{y === 7 && <i className="file">{squareName(s)[0]}</i>}{piece !== 0 && <Piece piece={piece} />}</span>,
    };
  };
  return (
    <div className="board">
      <Grid columns={8} rows={8} gap={0} label="Board" cell={cell} onCell={(x, y) => press(side === 1 ? y * 8 + x : 63 - (y * 8 + x))} />
      <Dialog open={promoting !== null} title="What does the pawn become?" onClose={() => setPromoting(null)}>
        <div className="promote">
          {promoting?.map((m) => <Button key={m} onClick={() => { setPromoting(null); onMove(m); }} aria-label={pieceNames[becomes(m)]}><Piece piece={becomes(m) * side} /></Button>)}
        </div>
      </Dialog>
    </div>
  );
}

function NewGame({ open, onClose, now, onStart }: { open: boolean; onClose: () => void; now: Game; onStart: (side: 1 | -1, level: Level) => void }) {
  const [side, setSide] = useState(now.side === 1 ? "White" : "Black");
  const [level, setLevel] = useState<string>(now.level);
  return (
    <Dialog open={open} title="New game" onClose={onClose}>
      <Stack>
        <div className="mx-field"><span className="mx-label">You play</span><Segmented label="You play" value={side} options={["White", "Black"]} onChange={setSide} /></div>
        <div className="mx-field"><span className="mx-label">Strength</span><Segmented label="Strength" value={level} options={["Easy", "Medium", "Hard"]} onChange={setLevel} /></div>
        <div className="mx-form-foot"><Button onClick={onClose}>Cancel</Button><Button primary onClick={() => onStart(side === "White" ? 1 : -1, level as Level)}>Start</Button></div>
      </Stack>
    </Dialog>
  );
}
