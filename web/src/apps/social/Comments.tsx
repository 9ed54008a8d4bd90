import { useState, type KeyboardEvent } from "react";
import { comment, showPerson, type Post } from "../../session/social.ts";
import { Button } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";
import { nameOf, personOf } from "../../ui/people.ts";
import { Body, Head } from "./PostView.tsx";

/** Comments are what was answered to a post, and where the owner answers. */
export function Comments({ post, me, list }: { post: Post; me: string; list: readonly Post[] }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async () => {
    const line = text.trim();
    if (line === "" || busy) return;
    setBusy(true);
    if (await comment(post.message.id, line)) setText("");
    setBusy(false);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing || e.key !== "Enter" || e.shiftKey) return;
    e.preventDefault();
    void send();
  };
  return (
    <section className="comments" aria-label="Comments">
      {list.map((c) => (
        <article key={c.message.id} className={`comment ${c.ai ? "agent" : ""}`}>
          <button type="button" className="post-face" aria-label={`Show ${nameOf(personOf(c.message.sender))}`} onClick={() => showPerson(personOf(c.message.sender))}>
            <Face handle={c.message.sender} small />
          </button>
          <div className="post-main">
            <Head post={c} me={me} comment />
            <Body post={c} />
          </div>
        </article>
      ))}
      <form className="comment-line" onSubmit={(e) => (e.preventDefault(), void send())}>
        <textarea className="input" aria-label="Comment" placeholder="Say something about it" rows={1} maxLength={20_000} value={text} onChange={(e) => setText(e.target.value)} onKeyDown={onKeyDown} />
        <Button type="submit" disabled={busy || text.trim() === ""}>
          Comment
        </Button>
      </form>
    </section>
  );
}
