import { Plus, X } from "lucide-react";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { useSocial } from "../../session/social.ts";
import { Button, IconButton, Segmented, Skeleton, Trouble } from "../../ui/controls.tsx";
import { useLoad } from "../../ui/useLoad.ts";
import { Card } from "./Card.tsx";
import { circleTitle } from "./words.ts";

type File = Schemas["ProfileFile"];
type Link = Schemas["ProfileLink"];
type Whose = "me" | "ai";

const whose: readonly { value: Whose; label: string }[] = [
  { value: "me", label: "You" },
  { value: "ai", label: "Your AI" },
];

/** OwnProfile is who the owner says they are, and who their AI is. */
export function OwnProfile({ me }: { me: string }) {
  const { value, failure, reload } = useLoad(api.ownProfile);
  const [who, setWho] = useState<Whose>("me");
  const [editing, setEditing] = useState(false);
  if (failure) return <Trouble what="Your profile did not load." why={failure.message} hint={refusalOf(failure).hint} />;
  if (!value) return <Skeleton lines={4} />;
  const profile = value[who];
  const handle = who === "me" ? me : me.replace(":", "_ai:");
  const empty = !profile.name && !profile.about;
  return (
    <div className="own-profile">
      <Segmented<Whose> label="Whose profile" value={who} options={whose} onChange={(w) => (setWho(w), setEditing(false))} />
      {editing ? (
        <ProfileForm key={who} ai={who === "ai"} profile={profile} onDone={() => (setEditing(false), void reload())} />
      ) : (
        <>
          <Card handle={handle} picture={Boolean(profile.picture)} shown={{ name: profile.name ?? "", about: profile.about ?? "", links: profile.links ?? [] }} />
          {Object.entries(profile.circles ?? {}).map(([name, more]) => (
            <p key={name} className="hint">
              {circleTitle(name)} also see: {[more.about, ...(more.links ?? []).map((l) => l.title || l.url)].filter(Boolean).join(" · ")}
            </p>
          ))}
          {empty && <p className="hint">{who === "me" ? "You have not said who you are. Others see your handle only." : "Others see the handle of your AI only. What it posts is always marked as written by an AI."}</p>}
          <div>
            <Button look={empty ? "primary" : "plain"} onClick={() => setEditing(true)}>
              {!empty ? "Change it" : who === "me" ? "Say who you are" : "Say what it is"}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function ProfileForm({ ai, profile, onDone }: { ai: boolean; profile: File; onDone(): void }) {
  const circles = useSocial((s) => s.circles).filter((c) => c.name !== "public");
  const [links, setLinks] = useState<Link[]>(profile.links ?? []);
  const [refused, setRefused] = useState<Refusal | null>(null);
  const submit = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = new FormData(e.currentTarget);
    const text = (name: string) => String(data.get(name) ?? "").trim();
    const more = { ...profile.circles };
    for (const c of circles) {
      const about = text(`circle ${c.name}`);
      const had = more[c.name]?.links ?? [];
      if (about || had.length > 0) more[c.name] = { ...(about ? { about } : {}), ...(had.length > 0 ? { links: had } : {}) };
      else delete more[c.name];
    }
    const next: File = {
      ...(text("name") ? { name: text("name") } : {}),
      ...(text("about") ? { about: text("about") } : {}),
      ...(text("picture") ? { picture: text("picture") } : {}),
      ...(links.some((l) => l.url) ? { links: links.filter((l) => l.url) } : {}),
      ...(Object.keys(more).length > 0 ? { circles: more } : {}),
    };
    try {
      await api.saveProfile({ ai, profile: next });
      onDone();
    } catch (error) {
      setRefused(refusalOf(error));
    }
  };
  const setLink = (i: number, change: Partial<Link>) => setLinks((l) => l.map((x, n) => (n === i ? { ...x, ...change } : x)));
  return (
    <form className="profile-form" aria-label="Profile" onSubmit={(e) => void submit(e)}>
      <label className="field">
        <span>Name</span>
        <input className="input" name="name" maxLength={100} defaultValue={profile.name} autoFocus />
      </label>
      <label className="field">
        <span>{ai ? "About your AI" : "About you"}</span>
        <textarea className="input" name="about" rows={3} maxLength={2000} defaultValue={profile.about} />
        <small>All of the network can see the name, the picture and this.</small>
      </label>
      <label className="field">
        <span>Picture</span>
        <input className="input mono" name="picture" maxLength={500} defaultValue={profile.picture} placeholder="data/me.png" spellCheck={false} />
        <small>A file of your home: PNG, JPEG, GIF or WebP, at most 2 MB.</small>
      </label>
      <fieldset className="profile-links">
        <legend>Links</legend>
        {links.map((l, i) => (
          <div key={i}>
            <input className="input" aria-label="Title of the link" placeholder="Title" maxLength={100} value={l.title} onChange={(e) => setLink(i, { title: e.target.value })} />
            <input className="input mono" aria-label="Address of the link" placeholder="https://" maxLength={500} value={l.url} onChange={(e) => setLink(i, { url: e.target.value })} />
            <IconButton icon={X} label="Leave this link out" onClick={() => setLinks((list) => list.filter((_, n) => n !== i))} />
          </div>
        ))}
        {links.length < 20 && (
          <Button look="quiet" icon={Plus} onClick={() => setLinks((l) => [...l, { title: "", url: "" }])}>
            Add a link
          </Button>
        )}
      </fieldset>
      {circles.map((c) => (
        <label key={c.name} className="field">
          <span>Only for {circleTitle(c.name)}</span>
          <input className="input" name={`circle ${c.name}`} maxLength={2000} defaultValue={profile.circles?.[c.name]?.about} />
        </label>
      ))}
      {refused && <Trouble what="It was not saved." why={refused.message} hint={refused.hint} />}
      <div className="actions">
        <Button look="primary" type="submit">
          Save and publish
        </Button>
        <Button onClick={onDone}>Cancel</Button>
      </div>
      <p className="hint">
        Kept in <code>{ai ? "system/profile-ai.json" : "system/profile.json"}</code>. What is for a circle is read by the homeservers of those in it, too.
      </p>
    </form>
  );
}
