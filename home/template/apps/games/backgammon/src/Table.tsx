import { bar, own, pips, type Board, type Side, type Step } from "./rules";

export interface TableProps {
  board: Board;
  steps: Step[];
  from: number | null;
  onFrom: (from: number | null) => void;
  onTo: (to: number) => void;
  dice: number[] | null;
  left: number[];
  turn: Side;
}

const words = (count: number, whose: string) => `${count} of ${whose}`;

/** Table is the board: points that are pressed to choose a checker and where it goes. */
export function Table(p: TableProps) {
  const sources = new Set(p.steps.map((s) => s.from));
  const targets = new Set(p.steps.filter((s) => s.from === p.from).map((s) => Math.max(-1, s.from - s.die)));
  const press = (i: number) => {
    if (targets.has(i)) p.onTo(i);
    else p.onFrom(sources.has(i) && p.from !== i ? i : null);
  };
  const point = (i: number, top: boolean) => {
    const count = own(p.board, 1, i);
    const label = `Point ${i + 1}, ${count > 0 ? words(count, "yours") : count < 0 ? words(-count, "the computer’s") : "empty"}${targets.has(i) ? ", can go here" : sources.has(i) ? ", can move" : ""}`;
    return (
      <button key={i} type="button" className="point" data-top={top ? "" : undefined} data-odd={i % 2 ? "" : undefined} data-target={targets.has(i) ? "" : undefined} aria-pressed={p.from === i} aria-label={label} disabled={!targets.has(i) && !sources.has(i)} onClick={() => press(i)}>
        <Stack count={Math.abs(count)} mine={count > 0} live={sources.has(i)} />
        <small aria-hidden>{i + 1}</small>
      </button>
    );
  };
  const six = (first: number, on: 1 | -1) => <div className="six">{Array.from({ length: 6 }, (_, k) => point(first + k * on, on > 0))}</div>;
  return (
    <div className="board" role="group" aria-label="Board">
      <div className="half top">
        {six(12, 1)}
        <div className="bar-cell" role="img" aria-label={`Bar, ${words(p.board.bar[1], "the computer’s")}`}><Stack count={p.board.bar[1]} mine={false} /></div>
        {six(18, 1)}
        <div className="tray"><b className="mx-num">{p.board.off[1]}</b><span>off</span><span className="mx-num">{pips(p.board, -1)}</span><span>to go</span></div>
      </div>
      <div className="middle" aria-live="polite">{p.dice && <span className="dice" role="group" aria-label={p.turn === 1 ? "Your dice" : "The computer’s dice"} data-mine={p.turn === 1 ? "" : undefined}>{faces(p.dice, p.left).map((d, i) => <Die key={i} {...d} />)}</span>}</div>
      <div className="half">
        {six(11, -1)}
        <button type="button" className="bar-cell" disabled={!sources.has(bar)} aria-pressed={p.from === bar} aria-label={`Bar, ${words(p.board.bar[0], "yours")}`} onClick={() => press(bar)}><Stack count={p.board.bar[0]} mine live={sources.has(bar)} /></button>
        {six(5, -1)}
        <button type="button" className="tray" data-target={targets.has(-1) ? "" : undefined} disabled={!targets.has(-1)} aria-label={`Bear off, ${p.board.off[0]} off, ${pips(p.board, 1)} to go`} onClick={() => press(-1)}><b className="mx-num">{p.board.off[0]}</b><span>off</span><span className="mx-num">{pips(p.board, 1)}</span><span>to go</span></button>
      </div>
    </div>
  );
}

// Both dice of a throw, and which of them is used up; a double is two dice that count twice.
function faces(dice: number[], left: number[]): { n: number; used: boolean }[] {
  if (dice[0] === dice[1]) return [{ n: dice[0]!, used: left.length <= 2 }, { n: dice[1]!, used: left.length === 0 }];
  return dice.map((n) => ({ n, used: !left.includes(n) }));
}

const Die = ({ n, used }: { n: number; used: boolean }) => <i className="die" data-n={n} data-used={used ? "" : undefined} role="img" aria-label={`${n}${used ? ", played" : ""}`} />;

function Stack({ count, mine, live }: { count: number; mine: boolean; live?: boolean }) {
  const shown = Math.min(count, 5);
  return (
    <span className="stack">
      {Array.from({ length: shown }, (_, i) => <i key={i} data-mine={mine ? "" : undefined} data-live={live && i === shown - 1 ? "" : undefined}>{i === shown - 1 && count > 5 ? count : ""}</i>)}
    </span>
  );
}
