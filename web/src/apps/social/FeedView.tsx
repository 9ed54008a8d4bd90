import { CircleAlert, Clock } from "lucide-react";
import { useState } from "react";
import { useReach } from "../../session/reach.ts";
import { loadFeed, loadOlder, showPlace, useSocial } from "../../session/social.ts";
import { Button, Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Face } from "../../ui/Face.tsx";
import { exact } from "../../ui/words.ts";
import { Compose } from "./Compose.tsx";
import { PostView } from "./PostView.tsx";
import { circleTitle } from "./words.ts";

/** FeedView is what was posted, newest first: by all whom the owner follows, or by one person. */
export function FeedView({ me, onSettings }: { me: string; onSettings(): void }) {
  const { posts, before, unsent, loaded, failure, person, open, comments } = useSocial();
  const [loading, setLoading] = useState(false);
  const older = async () => {
    setLoading(true);
    await loadOlder();
    setLoading(false);
  };
  const waiting = unsent.filter((u) => !posts.some((p) => p.message.body === u.body && p.message.sender === me && p.circle === u.circle));
  return (
    <>
      {!person && <Compose />}
      {failure && (
        <Trouble what="The feed did not load." why={failure.message} hint={failure.hint}>
          <Button onClick={() => void loadFeed()}>Try again</Button>
        </Trouble>
      )}
      {!loaded && !failure && <Skeleton lines={8} />}
      {waiting.map((u) => (
        <article key={u.once} className={`post waiting ${u.why ? "refused" : ""}`}>
          <Face handle={me} />
          <div className="post-main">
            <p className="said-text">{u.body}</p>
            <small title={exact(u.time)}>
              {u.why ? <CircleAlert className="icon tiny" aria-hidden /> : <Clock className="icon tiny" aria-hidden />}
              {u.why ? `It was not posted: ${u.why}` : `On its way to ${circleTitle(u.circle)}`}
            </small>
          </div>
        </article>
      ))}
      <div role={posts.length > 0 ? "feed" : undefined} aria-label={posts.length > 0 ? "Posts" : undefined} aria-busy={!loaded}>
        {posts.map((p) => (
          <PostView key={p.message.id} post={p} me={me} comments={open === p.message.id ? (comments[p.message.id] ?? []) : null} />
        ))}
      </div>
      {loaded && !failure && posts.length === 0 && waiting.length === 0 && (person ? <p className="hint social-empty">Nothing that you may see has been posted here.</p> : <Nothing me={me} onSettings={onSettings} />)}
      {before && (
        <div className="older">
          <Button look="quiet" disabled={loading} onClick={() => void older()}>
            {loading ? "Loading" : "Older posts"}
          </Button>
        </div>
      )}
    </>
  );
}

/** Nothing says what to do while nobody has posted anything. */
function Nothing({ me, onSettings }: { me: string; onSettings(): void }) {
  const reach = useReach(me);
  return (
    <Empty text={reach === "home" ? `Nothing is posted yet. Post something above. You are ${me}, known only in this home: claim a handle of your own domain, and people on other servers can follow you.` : `Nothing is posted yet. Post something above, or follow somebody by their handle. People follow you as ${me}.`}>
      <div className="actions">
        <Button onClick={() => showPlace("people")}>Follow somebody</Button>
        {reach === "home" && <Button onClick={onSettings}>Claim a handle</Button>}
      </div>
    </Empty>
  );
}
