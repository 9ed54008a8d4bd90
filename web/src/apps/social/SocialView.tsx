import { useEffect } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import { perform } from "../../commands/all.ts";
import { loadFeed, loadPeople, showPlace, useSocial, type Place } from "../../session/social.ts";
import { useSession } from "../../session/store.ts";
import { Segmented } from "../../ui/controls.tsx";
import { FeedView } from "./FeedView.tsx";
import { OwnProfile } from "./OwnProfile.tsx";
import { PeopleView } from "./PeopleView.tsx";
import { PersonHead } from "./PersonHead.tsx";
import "./social.css";

const places: readonly { value: Place; label: string }[] = [
  { value: "feed", label: "Feed" },
  { value: "people", label: "People" },
  { value: "you", label: "You" },
];

/** SocialView is the feed, the people in it, and who the owner says they are. */
export default function SocialView({ context }: ProgramProps) {
  const { place, person, following } = useSocial();
  const me = useSession((s) => s.me?.handle ?? "");
  useEffect(() => {
    void loadFeed();
    void loadPeople();
  }, []);
  const invited = following.filter((f) => f.state === "invited").length;
  const options = places.map((p) => (p.value === "people" && invited > 0 ? { ...p, label: `People, ${invited} new` } : p));
  return (
    <div className="social">
      <header className="social-head">
        <Segmented<Place> label="What to show" value={place} options={options} onChange={showPlace} />
      </header>
      <div className="social-scroll">
        <div className="social-column">
          {place === "feed" && person && <PersonHead key={person} who={person} onBack={() => showPlace("feed")} onMessage={(who) => perform("messages.to", context(), who)} />}
          {place === "feed" && <FeedView me={me} onSettings={() => context().desk.openProgram("settings", "handle")} />}
          {place === "people" && <PeopleView me={me} />}
          {place === "you" && <OwnProfile me={me} />}
        </div>
      </div>
    </div>
  );
}
