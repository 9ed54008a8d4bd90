import { UserMinus, UserPlus, X } from "lucide-react";
import { useState, type FormEvent } from "react";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { follow, loadPeople, showPerson, useSocial, type Circle, type Followed } from "../../session/social.ts";
import { Button, IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";
import { nameOf, wholeHandle } from "../../ui/people.ts";
import { circleHint, circleTitle } from "./words.ts";

/** PeopleView is whom the owner follows, who invites them, and who is in their circles. */
export function PeopleView({ me }: { me: string }) {
  const { following, circles, peopleLoaded } = useSocial();
  if (!peopleLoaded) return <Skeleton lines={6} />;
  const invited = following.filter((f) => f.state === "invited");
  const people = Object.entries(Object.groupBy(following.filter((f) => f.state === "following"), (f) => f.of));
  return (
    <div className="people">
      <section>
        <h2>Follow somebody</h2>
        <NameForm label="Handle" placeholder="@anna:example.org" act="Follow" failed="You do not follow them." onSubmit={(name) => follow({ act: "follow", handle: wholeHandle(name, me) })} />
      </section>
      {invited.length > 0 && (
        <section>
          <h2>Invitations</h2>
          {invited.map((f) => (
            <Invitation key={f.room} invitation={f} />
          ))}
        </section>
      )}
      <section>
        <h2>You follow</h2>
        {people.length === 0 && <p className="hint">Nobody yet.</p>}
        <ul className="people-list">
          {people.map(([who, list]) => (
            <Person key={who} who={who} note={(list ?? []).map((f) => circleTitle(f.circle)).join(", ")}>
              <Button look="quiet" onClick={() => void follow({ act: "unfollow", handle: who })}>
                Unfollow
              </Button>
            </Person>
          ))}
        </ul>
      </section>
      {circles.map((c) => (
        <CircleSection key={c.name} circle={c} me={me} />
      ))}
      <section>
        <h2>Another circle</h2>
        <NameForm label="Name" placeholder="choir" act="Make it" failed="It was not made." onSubmit={(name) => change(() => api.makeCircle(name.toLowerCase()))} />
      </section>
    </div>
  );
}

/** change does something to the circles, and says why not. */
async function change(run: () => Promise<unknown>): Promise<Refusal | null> {
  try {
    await run();
  } catch (error) {
    return refusalOf(error);
  }
  await loadPeople();
  return null;
}

function Person({ who, note, children }: { who: string; note?: string; children?: React.ReactNode }) {
  return (
    <li className="people-one">
      <button type="button" className="people-name" onClick={() => showPerson(who)}>
        <Face handle={who} small />
        <span>
          <strong>{nameOf(who)}</strong>
          <code>{who}</code>
        </span>
      </button>
      {note && <small>{note}</small>}
      {children}
    </li>
  );
}

function Invitation({ invitation: f }: { invitation: Followed }) {
  const [refused, setRefused] = useState<Refusal | null>(null);
  return (
    <>
      <ul className="people-list">
        <Person who={f.of} note={`to their circle ${circleTitle(f.circle)}`}>
          <Button look="primary" onClick={() => void follow({ act: "follow", room: f.room }).then(setRefused)}>
            Accept
          </Button>
          <Button look="quiet" onClick={() => void follow({ act: "unfollow", room: f.room }).then(setRefused)}>
            Decline
          </Button>
        </Person>
      </ul>
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
    </>
  );
}

function CircleSection({ circle: c, me }: { circle: Circle; me: string }) {
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [adding, setAdding] = useState(false);
  const open = c.name === "public";
  return (
    <section aria-label={`Circle ${circleTitle(c.name)}`}>
      <h2>
        {open ? "They follow you" : `Your circle ${circleTitle(c.name)}`}
        {!open && <IconButton icon={adding ? X : UserPlus} label={adding ? "Add nobody" : `Add somebody to ${circleTitle(c.name)}`} onClick={() => setAdding((a) => !a)} />}
      </h2>
      {adding && <NameForm label="Handle" placeholder="@anna:example.org" act="Invite" failed="They were not invited." onSubmit={(name) => change(() => api.changeCircle(c.name, { act: "add", person: wholeHandle(name, me) }))} />}
      {c.people.length === 0 && <p className="hint">{open ? `Nobody yet. People follow you by your handle, ${me}.` : `Nobody is in it. ${circleHint(c.name)}`}</p>}
      <ul className="people-list">
        {c.people.map((who) => (
          <Person key={who} who={who}>
            <IconButton icon={UserMinus} label={`Take ${nameOf(who)} out`} onClick={() => void change(() => api.changeCircle(c.name, { act: "remove", person: who })).then(setRefused)} />
          </Person>
        ))}
      </ul>
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
    </section>
  );
}

interface FormProps {
  label: string;
  placeholder: string;
  act: string;
  failed: string;
  onSubmit(name: string): Promise<Refusal | null>;
}

function NameForm({ label, placeholder, act, failed, onSubmit }: FormProps) {
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const form = e.currentTarget;
    setBusy(true);
    const why = await onSubmit(String(new FormData(form).get("name")).trim());
    setBusy(false);
    setRefused(why);
    if (!why) form.reset();
  };
  return (
    <form className="name-form" aria-label={act} onSubmit={(e) => void submit(e)}>
      <div>
        <input className="input mono" name="name" required maxLength={255} aria-label={label} placeholder={placeholder} spellCheck={false} autoCapitalize="off" />
        <Button type="submit" disabled={busy}>
          {act}
        </Button>
      </div>
      {refused && <Trouble what={failed} why={refused.message} hint={refused.hint} />}
    </form>
  );
}
