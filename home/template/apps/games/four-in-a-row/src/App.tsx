import { os, personName, useRooms, useRows, useUndo, useValue, type RoomInfo } from "@matrixos/sdk";
import { Alone, App, Button, Dialog, Failure, IconButton, Input, Select, Skeleton, Spacer, Stack, useToast } from "@matrixos/ui";
import { useEffect, useState, type FormEvent } from "react";
import { Board, Turn } from "./Board";
import { Far } from "./Far";
import { replay, toMove } from "./four";
import "./style.css";

const title = "Four in a row";
const here = "here";
const names = ["Green", "Amber"] as const;

export default function FourInARow() {
  return (
    <App title={title}>
      <Games />
    </App>
  );
}

function Games() {
  const { list, error, reload } = useRooms();
  const [chosen, setChosen] = useValue("with", here);
  const [invited, setInvited] = useValue<Record<string, string>>("invited", {});
  const [making, setMaking] = useState(false);
  const far = (list?.rooms ?? []).filter((r) => r.state === "joined");
  const at = far.some((r) => r.id === chosen) ? chosen : here;
  const [seen, setSeen, known] = useValue<string[]>("seen", []);
  const fresh = known ? far.find((r) => r.by !== list?.me && !seen.includes(r.id))?.id : undefined;
  useEffect(() => {
    if (!fresh) return; // else somebody's invitation was accepted, and their game is what to look at
    setSeen(far.map((r) => r.id));
    setChosen(fresh);
  }, [fresh]);
  if (!list && !error) return <Skeleton />;
  return (
    <Stack>
      {error && <Failure error={error} />}
      <Stack row gap={8}>
        {far.length > 0 && <div><Select aria-label="Game" value={at} options={[{ value: here, label: "On this screen" }, ...far.map((r) => ({ value: r.id, label: nameOf(r, list?.me, invited) }))]} onChange={setChosen} /></div>}
        <Spacer />
        <Button quiet icon="users" onClick={() => setMaking(true)}>Play with somebody</Button>
      </Stack>
      {at === here ? <OneScreen /> : <Far key={at} id={at} onLeft={() => (setChosen(here), void reload())} />}
      <Alone list={list} what="a game" />
      <Invite open={making} onClose={() => setMaking(false)} onMade={(id, who) => (setMaking(false), setInvited((now) => ({ ...now, [id]: who })), setChosen(id), void reload())} />
    </Stack>
  );
}

// Both are told with whom they play: the one by the invitation, the other by whom they have invited.
function nameOf(r: RoomInfo, me: string | undefined, invited: Record<string, string>): string {
  if (r.title !== title) return r.title;
  return `With ${personName(r.by === me ? (invited[r.id] ?? "somebody") : r.by)}`;
}

// A room of two: it is made, and somebody invited.
function Invite({ open, onClose, onMade }: { open: boolean; onClose(): void; onMade(room: string, who: string): void }) {
  const [who, setWho] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const toast = useToast();
  const make = async () => {
    const { id } = await os.room.create({ title, turns: true });
    await os.room.invite(id, who.trim()).catch((e: Error) => toast(e.message)); // they can be invited again from the room
    setWho("");
    onMade(id, who.trim());
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    setError(null);
    make().catch(setError);
  };
  return (
    <Dialog open={open} title="Play with somebody" onClose={onClose}>
      <form onSubmit={submit}>
        <Stack>
          {error && <Failure error={error} />}
          <Input label="Their handle" placeholder="@ann:example.org" value={who} onChange={setWho} autoComplete="off" autoCapitalize="none" spellCheck={false} hint="Whoever moves first begins. They need Matrix OS, too." />
          <div className="mx-form-foot">
            <Button onClick={onClose}>Cancel</Button>
            <Button primary type="submit" disabled={!who.trim()}>Invite</Button>
          </div>
        </Stack>
      </form>
    </Dialog>
  );
}

function OneScreen() {
  const { value: played, set, reset, undo, canUndo, loaded } = useUndo<number[]>("game", []);
  const games = useRows("games");
  const toast = useToast();
  if (!loaded) return null;
  const g = replay(played);
  const turn = toMove(g);
  const won = (name: string) => games.rows.filter((r) => r.winner === name).length;
  const fresh = () => {
    if (g.over) games.insert({ winner: g.winner ? names[g.winner - 1]! : "nobody", moves: g.moves }).catch((e: Error) => toast(e.message));
    reset([]);
  };
  return (
    <div className="play">
      <Turn disc={g.over ? g.winner : turn}>{g.over ? (g.winner ? `${names[g.winner - 1]} wins.` : "The board is full: nobody wins.") : `${names[turn - 1]} is to move`}</Turn>
      <Board game={g} names={names} onColumn={(x) => replay([...played, x]).moves > g.moves && set([...played, x])} />
      <div className="turn">
        <span className="mx-quiet mx-num">{`Games: ${names[0]} ${won(names[0])}, ${names[1]} ${won(names[1])}, drawn ${won("nobody")}`}</span>
        <Spacer />
        <IconButton icon="undo-2" label="Take back" disabled={!canUndo} onClick={undo} />
        <Button primary={g.over} disabled={g.moves === 0} onClick={fresh}>New game</Button>
      </div>
    </div>
  );
}
