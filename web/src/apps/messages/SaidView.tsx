import { Ban, Ellipsis, Flag, MessageSquareReply, MessagesSquare, Pencil, ShieldAlert, SmilePlus, Trash2 } from "lucide-react";
import { memo, useState, type MouseEvent } from "react";
import { api } from "../../session/api.ts";
import { block, report } from "../../session/people.ts";
import { write, type Room } from "../../session/rooms.ts";
import { nameOf, personOf } from "../../ui/people.ts";
import { IconButton } from "../../ui/controls.tsx";
import { openMenu } from "../../ui/menu.ts";
import { Prose } from "../../ui/Prose.tsx";
import { count, exact } from "../../ui/words.ts";
import { Face } from "../../ui/Face.tsx";
import { gist, type Line } from "./fold.ts";
import { Media, mediaKinds } from "../../ui/Media.tsx";
import { Reactions } from "./Reactions.tsx";
import type { About } from "./WriteLine.tsx";

interface Props {
  line: Line;
  hit?: boolean; // it was looked for
  room: Room;
  me: string;
  onAbout(a: About): void;
  onThread: ((id: string) => void) | null;
}

const clock = (time: string) => new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

/** SaidView is one message, with what can be done about it. */
export const SaidView = memo(function SaidView({ line: l, hit, room, me, onAbout, onThread }: Props) {
  const [picking, setPicking] = useState(false);
  const { said } = l;
  const mine = said.sender === me;
  const called = (who: string) => (who === me ? "You" : nameOf(who));
  const readable = !l.gone && said.kind !== "unreadable";
  const react = (key: string) => {
    setPicking(false);
    const had = l.reactions.find((r) => r.key === key)?.mine;
    void write(room.id, had ? { redact: had } : { react: key, reply_to: said.id });
  };
  const actions = [
    { label: "Reply", icon: MessageSquareReply, run: () => onAbout({ kind: "reply", said, text: l.text }) },
    ...(onThread ? [{ label: "Answer in a thread", icon: MessagesSquare, run: () => onThread(said.id) }] : []),
    ...(mine && said.kind === "m.text" ? [{ label: "Edit", icon: Pencil, run: () => onAbout({ kind: "edit", said, text: l.text }) }] : []),
    ...(mine ? [{ label: "Take back", icon: Trash2, loss: true, run: () => void write(room.id, { redact: said.id }) }] : []),
  ];
  const against = mine || personOf(said.sender) === me
    ? []
    : [
        { label: "Report", icon: Flag, run: () => void report(room.id, said.id) },
        { label: `Block ${nameOf(said.sender)}`, icon: Ban, loss: true, run: () => void block(said.sender) },
      ];
  const menu = (e: MouseEvent) => openMenu(e, [...(readable ? [{ label: "React", run: () => setPicking(true) }, ...actions] : []), ...(readable && against.length > 0 ? [null] : []), ...against]);
  return (
    <article data-event={said.id} className={`said ${l.head ? "head" : ""} ${hit ? "hit" : ""} ${said.sender.split(":")[0]?.endsWith("_ai") ? "agent" : ""}`} tabIndex={0} aria-label={`${nameOf(said.sender)}, ${clock(said.time)}`} onContextMenu={menu}>
      {l.head ? <Face handle={said.sender} /> : <span className="said-gap" aria-hidden />}
      <div className="said-main">
        {l.head && (
          <p className="said-who">
            <strong title={said.sender}>{called(said.sender)}</strong>
            <time dateTime={said.time} title={exact(said.time)}>
              {clock(said.time)}
            </time>
            {said.encrypted && !said.verified && !l.gone && (
              <span className="unsigned" title="The device that wrote this is not signed by its owner.">
                <ShieldAlert className="icon tiny" aria-hidden /> unknown device
              </span>
            )}
            {room.encrypted && !said.encrypted && readable && <span className="unsigned">not encrypted</span>}
          </p>
        )}
        {l.reply && (
          <blockquote className="quoted">
            <strong>{called(l.reply.sender)}</strong> {gist(l.reply)}
          </blockquote>
        )}
        {!l.reply && said.reply_to && said.reply_to !== said.thread && <blockquote className="quoted">An older message</blockquote>}
        <Body line={l} room={room.id} />
        {(l.reactions.length > 0 || picking) && <Reactions list={l.reactions} picking={picking} onReact={react} onClose={() => setPicking(false)} />}
        {l.answers && onThread && (
          <button type="button" className="answers" onClick={() => onThread(said.id)}>
            <MessagesSquare className="icon small" aria-hidden />
            {count(l.answers.count, "answer")} <span>{`${called(l.answers.last.sender)}: ${gist(l.answers.last)}`}</span>
          </button>
        )}
        {l.readers.length > 0 && (
          <p className="readers" title={`Read by ${l.readers.map(nameOf).join(", ")}`}>
            Read by {l.readers.slice(0, 3).map(nameOf).join(", ")}
            {l.readers.length > 3 && ` and ${l.readers.length - 3} more`}
          </p>
        )}
      </div>
      {readable && (
        <div className="said-actions" role="toolbar" aria-label="What to do about it">
          <IconButton icon={SmilePlus} label="React" onClick={() => setPicking((p) => !p)} />
          {actions.map((a) => (
            <IconButton key={a.label} icon={a.icon} label={a.label} onClick={a.run} />
          ))}
          {against.length > 0 && <IconButton icon={Ellipsis} label="Report or block" onClick={(e) => openMenu(e, against)} />}
        </div>
      )}
    </article>
  );
});

function Body({ line: l, room }: { line: Line; room: string }) {
  if (l.gone) return <p className="said-text gone">Taken back</p>;
  if (l.said.kind === "unreadable") return <p className="said-text gone">This cannot be read here: its keys have not come. It may open by itself.</p>;
  if (mediaKinds.has(l.said.kind)) return <Media kind={l.said.kind} body={l.said.body} content={l.said.content} source={api.mediaAddress(room, l.said.id)} />;
  return (
    <div className={`said-text ${l.said.kind === "m.emote" ? "emote" : ""}`}>
      <Prose text={l.text} />
      {l.edited && <small className="edited">edited</small>}
    </div>
  );
}
