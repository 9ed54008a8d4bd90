// What apps that share with other people have in common: who is there, whom to invite,
// what is missing, and who claims which score.
import { formatValue, os, personName, useRoom, useRooms, type RoomList, type RoomScore, type RoomView } from "@matrixos/sdk";
import { useState, type FormEvent } from "react";
import { Badge, Button, Input, Select } from "./controls.tsx";
import { Confirm, Dialog } from "./dialog.tsx";
import { Empty, Failure, Item, List, Section, Skeleton, Stack, useToast } from "./layout.tsx";

/** Alone says why nobody else can be reached, and the way out; it shows nothing when they can. */
export function Alone({ list, what = "this" }: { list: RoomList | null; what?: string }) {
  if (!list || list.reachable) return null;
  return (
    <p className="mx-small mx-quiet">
      Nobody outside this home can reach you yet, so {what} stays with you and the people of this home. Claim a handle in{" "}
      <button type="button" className="mx-open mx-link" onClick={() => void os.navigate("settings")}>
        Settings
      </button>
      , and you can share it with everybody.
    </p>
  );
}

/** inRoom says who shares a room, in short. */
function inRoom(room: RoomView): string {
  const others = room.members.filter((m) => m.id !== room.me);
  if (others.length === 0) return "Only you";
  return others.map((m) => personName(m.id) + (m.joined ? "" : " (invited)")).join(", ");
}

/** Shared is a button that says who shares a room and what has not been sent; it opens the list of them. */
export function Shared({ room, onLeft }: { room: RoomView; onLeft?: () => void }) {
  const [open, setOpen] = useState(false);
  const here = room.members.some((m) => m.id !== room.me && m.here);
  return (
    <>
      <Button quiet icon="users" onClick={() => setOpen(true)}>
        {inRoom(room)}
        {here && <Badge tone="good">here</Badge>}
      </Button>
      {room.unsent > 0 && <span className="mx-small mx-quiet" role="status">{room.unsent === 1 ? "1 change waits" : `${room.unsent} changes wait`} to be sent</span>}
      <Dialog open={open} title={room.title} onClose={() => setOpen(false)}>
        <RoomPeople room={room} onLeft={() => (setOpen(false), onLeft?.())} />
      </Dialog>
    </>
  );
}

/** RoomPeople lists who is in a room; whoever made it invites, everybody can leave. */
export function RoomPeople({ room, onLeft }: { room: RoomView; onLeft?: () => void }) {
  const [who, setWho] = useState("");
  const [leaving, setLeaving] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const { error: unread } = useRoom(room.id); // keeps it current while it is open
  const most = room.turns ? 2 : 20;
  const mine = room.by === room.me;
  const invite = (e: FormEvent) => {
    e.preventDefault();
    setError(null);
    os.room.invite(room.id, who.trim()).then(() => setWho(""), setError);
  };
  return (
    <Stack>
      {(error ?? unread) && <Failure error={(error ?? unread)!} />}
      <List>
        {room.members.map((m) => (
          <Item
            key={m.id}
            title={m.id === room.me ? `${personName(m.id)} (you)` : personName(m.id)}
            subtitle={m.id}
            value={!m.joined ? <Badge>invited</Badge> : m.here ? <Badge tone="good">here</Badge> : ""}
          />
        ))}
      </List>
      {mine && room.members.length < most && (
        <form onSubmit={invite} className="mx-row" style={{ gap: 8, alignItems: "end" }}>
          <div style={{ flex: 1 }}>
            <Input label="Invite" placeholder="@ann:example.org" value={who} onChange={setWho} autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </div>
          <Button type="submit" primary disabled={!who.trim()}>
            Invite
          </Button>
        </form>
      )}
      <p className="mx-small mx-quiet">
        {mine ? "You made this, so you invite. " : `${personName(room.by)} made this, and invites. `}Everybody in it sees what anybody writes, and so do their homeservers. Nothing that was written is taken back.
      </p>
      <div>
        <Button danger quiet onClick={() => setLeaving(true)}>
          Leave
        </Button>
      </div>
      <Confirm open={leaving} title={`Leave “${room.title}”?`} action="Leave" danger onClose={() => setLeaving(false)} onConfirm={() => void os.room.leave(room.id).then(() => onLeft?.(), setError)}>
        <p>It is gone from here. The others keep it, and only an invitation brings you back.</p>
      </Confirm>
    </Stack>
  );
}

/** best keeps the highest score of each person, the highest first. */
export function best(scores: readonly RoomScore[], board: string): RoomScore[] {
  const out = new Map<string, RoomScore>();
  for (const s of scores) if (s.board === board && s.score > (out.get(s.by)?.score ?? -Infinity)) out.set(s.by, s);
  return [...out.values()].sort((a, b) => b.score - a.score);
}

/** Standings shows who claims how much on a board of a room. */
export function Standings({ room, board, empty = "Nobody has claimed a score yet." }: { room: RoomView; board: string; empty?: string }) {
  const all = best(room.scores, board);
  if (all.length === 0) return <p className="mx-quiet">{empty}</p>;
  return (
    <List>
      {all.map((s, i) => (
        <Item
          key={s.by}
          leading={<span className="mx-num mx-quiet">{i + 1}</span>}
          title={s.by === room.me ? `${personName(s.by)} (you)` : personName(s.by)}
          subtitle={`signed ${formatValue(s.at.slice(0, 10), { name: "at", type: "date" }).toLowerCase()}`}
          value={<b className="mx-num">{s.score.toLocaleString("en")}</b>}
        />
      ))}
    </List>
  );
}

/** Leaderboard compares the scores of a game with other people: each home signs what it claims. */
export function Leaderboard({ board, title, score }: { board: string; title: string; score: number }) {
  const { list, error, reload } = useRooms();
  const [chosen, setChosen] = useState<string | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const rooms = (list?.rooms ?? []).filter((r) => !r.turns && r.state === "joined");
  const id = rooms.find((r) => r.id === chosen)?.id ?? rooms[0]?.id ?? null;
  const shared = useRoom(id);
  const toast = useToast();
  const make = () => os.room.create({ title }).then((r) => (setChosen(r.id), reload())).catch(setFailure);
  if (error) return <Failure error={error} />;
  if (!list || (id && !shared.room && !shared.error)) return <Skeleton />;
  if (!id) {
    return (
      <>
        {failure && <Failure error={failure} />}
        <Empty icon="trophy" title="Compare your scores with people you invite." action={<Button primary onClick={() => void make()}>Make a leaderboard</Button>} />
        <Alone list={list} what="a leaderboard" />
      </>
    );
  }
  if (!shared.room) return <Failure error={shared.error!} />;
  const room = shared.room;
  const mine = best(room.scores, board).find((s) => s.by === room.me)?.score ?? 0;
  const claim = () => shared.score(board, score).then(() => toast(`You claim ${score.toLocaleString("en")}.`), setFailure);
  return (
    <Stack>
      {(failure ?? shared.error) && <Failure error={(failure ?? shared.error)!} />}
      {rooms.length > 1 && <Select label="Leaderboard" value={id} options={rooms.map((r) => ({ value: r.id, label: r.title }))} onChange={setChosen} />}
      <Section title="Scores" aside={score > mine && <Button primary onClick={() => void claim()}>{`Claim ${score.toLocaleString("en")}`}</Button>}>
        <Standings room={room} board={board} />
      </Section>
      <p className="mx-small mx-quiet">A score is signed by the home that claims it: nobody else can claim it in their name, and nobody can change it. That it was earned no signature says.</p>
      <Section title="People">
        <RoomPeople room={room} onLeft={() => void reload()} />
      </Section>
      <Alone list={list} what="the leaderboard" />
    </Stack>
  );
}
