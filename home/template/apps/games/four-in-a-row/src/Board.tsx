import { Grid, useKeys } from "@matrixos/ui";
import type { ReactNode } from "react";
import { columns, rows, wordsFor, type Disc, type Game } from "./four";

/** Turn says who is to move or has won, with their disc. */
export function Turn({ disc, children }: { disc: Disc; children: ReactNode }) {
  return (
    <p className="turn" role="status">
      <span className="disc" data-of={disc} />
      <b>{children}</b>
    </p>
  );
}

/** Board shows a game; a click anywhere in a column, or its number, drops a disc there. */
export function Board({ game: g, names, onColumn }: { game: Game; names: readonly [string, string]; onColumn?: (column: number) => void }) {
  useKeys(onColumn ? Object.fromEntries(Array.from({ length: columns }, (_, x) => [String(x + 1), () => onColumn(x)])) : {});
  const cell = (x: number, y: number) => {
    const at = y * columns + x;
    const [disc, won] = [g.cells[at]!, g.line.includes(at)];
    return {
      content: <span className="disc" data-of={disc} data-new={at === g.last || undefined} data-won={won || undefined} />,
      label: `Column ${x + 1}, row ${rows - y}${disc ? `: ${names[disc - 1]}${won ? ", one of the four" : ""}` : ""}`,
    };
  };
  return (
    <div role="group" aria-label={`Board: ${wordsFor(g, names)}`}>
      <Grid columns={columns} rows={rows} gap={6} label="Four in a row" cell={cell} onCell={(x) => onColumn?.(x)} />
    </div>
  );
}
