import { personName, useConflict, useRoom } from "@matrixos/sdk";
import { Button, Failure, Section, Shared, Skeleton, Spacer, Standings, useToast } from "@matrixos/ui";
import { useEffect, useRef, useState } from "react";
import { Board, Turn } from "./Board";
import { readMatch, type Disc } from "./four";

/** Far is a game with somebody else, in a room of two. */
export function Far({ id, onLeft }: { id: string; onLeft(): void }) {
  const { room, error, append, score } = useRoom(id);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const match = readMatch(room?.log ?? []);
  const me = room?.me ?? "";
  const wins = match.wins[me] ?? 0;
  const claimed = Math.max(0, ...(room?.scores ?? []).filter((s) => s.board === "wins" && s.by === me).map((s) => s.score));
  const claiming = useRef(0);
  useConflict(id, ({ lost }) => toast(`${lost.by === me ? "Your move" : `A move of ${personName(lost.by)}`} came at the same time as another one, which counts. Look at the board.`));
  useEffect(() => {
    if (wins <= claimed || claiming.current >= wins) return;
    claiming.current = wins;
    score("wins", wins).catch((e: Error) => toast(e.message));
  });
  if (!room) return error ? <Failure error={error} /> : <Skeleton />;
  const { game: g } = match;
  const other = room.members.find((m) => m.id !== me);
  const rival = other ? personName(other.id) : "Somebody";
  const last = room.log.at(-1);
  const mine = last?.by !== me;
  const names: [string, string] = match.began === me ? ["you", rival] : [rival, "you"];
  const mover = last ? names.indexOf(mine ? "you" : rival) + 1 : 0;
  const play = (value: unknown) => {
    setBusy(true);
    append(value).catch((e: Error) => toast(e.message)).finally(() => setBusy(false));
  };
  const words = () => {
    if (!other) return "Invite somebody to begin.";
    if (!last) return "Whoever moves first begins.";
    if (!g.over) return mine ? "Your turn" : `${rival} is to move`;
    const winner = g.winner ? names[g.winner - 1] : "Nobody";
    const how = match.gaveUp ? `${match.gaveUp === me ? "You" : rival} gave up.` : winner === "you" ? "You win." : `${winner} wins.`;
    return `${how} ${mine ? "You begin" : `${rival} begins`} the next one.`;
  };
  return (
    <div className="play">
      {error && <Failure error={error} />}
      <Turn disc={g.over ? g.winner : (mover as Disc)}>{words()}</Turn>
      <Board game={g} names={names} onColumn={mine && other && !busy ? (x) => play({ column: x }) : undefined} />
      <div className="turn">
        <Shared room={room} onLeft={onLeft} />
        <Spacer />
        {!g.over && g.moves > 0 && <Button quiet disabled={!mine || busy} onClick={() => play({ give_up: true })}>Give up</Button>}
      </div>
      <Section title="Games won">
        <Standings room={room} board="wins" empty="Nobody has won yet." />
        {match.drawn > 0 && <p className="mx-quiet mx-small">{match.drawn === 1 ? "1 was drawn." : `${match.drawn} were drawn.`}</p>}
      </Section>
    </div>
  );
}
