import { ArrowLeft, Bot } from "lucide-react";
import { useCallback, useState } from "react";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { block } from "../../session/people.ts";
import { follow } from "../../session/social.ts";
import { Button, IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import { nameOf } from "../../ui/people.ts";
import { useLoad } from "../../ui/useLoad.ts";
import { Card } from "./Card.tsx";
import { circleTitle } from "./words.ts";

interface Props {
  who: string;
  onBack(): void;
  onMessage(who: string): void;
}

/** PersonHead is who somebody says they are, above what they post. */
export function PersonHead({ who, onBack, onMessage }: Props) {
  const { value: profile, failure, reload } = useLoad(useCallback(() => api.profile(who), [who]));
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const change = async (act: "follow" | "unfollow") => {
    setBusy(true);
    setRefused(await follow({ act, handle: who }));
    setBusy(false);
    await reload();
  };
  const follows = profile?.follows ?? [];
  return (
    <section className="person-head" aria-label={nameOf(who)}>
      <IconButton icon={ArrowLeft} label="Back to the feed" onClick={onBack} />
      {!profile && !failure && <Skeleton lines={3} />}
      {failure && <Trouble what={`${nameOf(who)} was not found.`} why={failure.message} hint={refusalOf(failure).hint} />}
      {profile && <Card handle={who} picture={profile.picture} shown={profile} />}
      {profile?.ai && (profile.ai.name || profile.ai.about) && (
        <p className="person-ai">
          <Bot className="icon small" aria-hidden />
          <span>
            Their AI{profile.ai.name && ` is ${profile.ai.name}`}, <code>{profile.ai_handle}</code>. {profile.ai.about}
          </span>
        </p>
      )}
      {profile && !profile.me && (
        <div className="actions">
          {follows.length > 0 ? (
            <Button disabled={busy} onClick={() => void change("unfollow")}>
              Unfollow
            </Button>
          ) : (
            <Button look="primary" disabled={busy} onClick={() => void change("follow")}>
              Follow
            </Button>
          )}
          <Button onClick={() => onMessage(who)}>Write to them</Button>
          <Button look="loss" onClick={() => void block(who).then(onBack)}>
            Block
          </Button>
          {follows.length > 0 && <small className="hint">You follow {follows.map(circleTitle).join(", ")}.</small>}
        </div>
      )}
      {refused && <Trouble what="It was not done." why={refused.message} hint={refused.hint} />}
    </section>
  );
}
