import { Bot, Ellipsis, Heart, Lock, MessageCircle } from "lucide-react";
import type { MouseEvent } from "react";
import { api } from "../../session/api.ts";
import { block, report } from "../../session/people.ts";
import { like, showPerson, showPost, takeBack, type Post } from "../../session/social.ts";
import { IconButton } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";
import { Media, mediaKinds } from "../../ui/Media.tsx";
import { openMenu, type MenuItem } from "../../ui/menu.ts";
import { nameOf, personOf } from "../../ui/people.ts";
import { Prose } from "../../ui/Prose.tsx";
import { ago, count, exact } from "../../ui/words.ts";
import { Comments } from "./Comments.tsx";
import { circleTitle } from "./words.ts";

interface Props {
  post: Post;
  me: string;
  comments: readonly Post[] | null; // while they are shown
}

/** PostView is one post with what others think of it. */
export function PostView({ post: p, me, comments }: Props) {
  const open = comments !== null;
  return (
    <article className={`post ${p.ai ? "agent" : ""}`} aria-label={`${nameOf(p.message.sender)}, ${ago(p.message.time)}`}>
      <button type="button" className="post-face" aria-label={`Show ${nameOf(personOf(p.message.sender))}`} onClick={() => showPerson(personOf(p.message.sender))}>
        <Face handle={p.message.sender} />
      </button>
      <div className="post-main">
        <Head post={p} me={me} />
        <Body post={p} />
        <div className="post-foot">
          <button type="button" className="post-act" aria-pressed={p.liked} aria-label={`${p.liked ? "Like no longer" : "Like"}, ${count(p.likes.length, "like")}`} title={p.likes.map(nameOf).join(", ")} onClick={() => void like(p, me)}>
            <Heart className="icon small" aria-hidden />
            <span className="num">{p.likes.length > 0 ? p.likes.length : ""}</span>
          </button>
          <button type="button" className="post-act" aria-expanded={open} aria-label={count(p.comments, "comment")} onClick={() => showPost(open ? null : p.message.id)}>
            <MessageCircle className="icon small" aria-hidden />
            <span className="num">{p.comments > 0 ? p.comments : ""}</span>
          </button>
        </div>
        {comments && <Comments post={p} me={me} list={comments} />}
      </div>
    </article>
  );
}

/** Head says who has said it, when and for whom, and what can be done about it. */
export function Head({ post: p, me, comment }: { post: Post; me: string; comment?: boolean }) {
  const { sender, time, id } = p.message;
  const mine = sender === me;
  const items: MenuItem[] = [
    ...(mine || p.of === me ? [{ label: mine ? "Take back" : "Remove", loss: true, run: () => void takeBack(p) }] : []),
    ...(personOf(sender) === me
      ? []
      : [
          { label: "Report", run: () => void report(p.room, id) },
          { label: `Block ${nameOf(sender)}`, loss: true, run: () => void block(sender) },
        ]),
  ];
  return (
    <p className="post-who">
      <button type="button" className="post-name" title={sender} onClick={() => showPerson(personOf(sender))}>
        {mine ? "You" : nameOf(sender)}
      </button>
      {p.ai && (
        <span className="post-ai" title={`An AI has written this: ${sender}`}>
          <Bot className="icon tiny" aria-hidden /> AI
        </span>
      )}
      <time dateTime={time} title={exact(time)}>
        {ago(time)}
      </time>
      {p.edited && <small>edited</small>}
      {!comment && (
        <small className="post-circle" title={p.of === me ? "For whom you have posted it" : `${nameOf(p.of)} has posted it for this circle`}>
          {p.circle !== "public" && <Lock className="icon tiny" aria-hidden />}
          {circleTitle(p.circle)}
        </small>
      )}
      {items.length > 0 && <IconButton className="post-more" icon={Ellipsis} label="What to do about it" onClick={(e: MouseEvent<HTMLButtonElement>) => openMenu(e, items)} />}
    </p>
  );
}

/** Body is the words, or a picture or file with them. */
export function Body({ post: p }: { post: Post }) {
  const { kind, body, content, id } = p.message;
  if (mediaKinds.has(kind)) return <Media kind={kind} body={body} content={content} source={api.mediaAddress(p.room, id)} />;
  return (
    <div className={`said-text ${kind === "m.emote" ? "emote" : ""}`}>
      <Prose text={body} />
    </div>
  );
}
