import { BookOpenText, ChartNoAxesColumn, Dumbbell, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { ask, showConversation, useSession } from "../session/store.ts";
import { Composer } from "../ui/Composer.tsx";
import { Trouble } from "../ui/controls.tsx";
import { AppIcon } from "../ui/Icon.tsx";
import { ago, exact, greeting } from "../ui/words.ts";
import { desk } from "./store.ts";

const suggestions: readonly { icon: LucideIcon; text: string }[] = [
  { icon: ChartNoAxesColumn, text: "Track my expenses with amount, category and date, and show a chart per month" },
  { icon: Dumbbell, text: "A workout log with exercise, sets, weight and a chart" },
  { icon: BookOpenText, text: "Flash cards to learn Spanish, with a quiz" },
];

/** ours is the author of the apps that every home comes with. */
export const ours = "Matrix OS";

async function begin(text: string): Promise<void> {
  await showConversation(null);
  desk.openProgram("chat");
  await ask(text);
}

/** Home is what lies on the desk itself: a line to ask in, and where to go on. */
export function Home({ focus, covered }: { focus: boolean; covered: boolean }) {
  const me = useSession((s) => s.me);
  const apps = useSession((s) => s.apps);
  const loaded = useSession((s) => s.appsLoaded);
  const failure = useSession((s) => s.askFailure);
  const [hour] = useState(() => new Date().getHours());
  const recent = Object.values(apps)
    .filter((a) => !a.hidden && a.author !== ours)
    .sort((a, b) => Date.parse(b.updated) - Date.parse(a.updated))
    .slice(0, 4);
  if (!me) return null;
  return (
    <div className={`home ${covered ? "covered" : ""}`}>
      <h1>{greeting(me.name, hour)}</h1>
      <Composer big focus={focus} label="Ask Matrix OS" placeholder="Describe an app, or ask anything" onAsk={(text) => void begin(text)} />
      {failure && <Trouble what="That did not reach the system." why={failure.message} hint={failure.hint} />}
      {loaded && recent.length === 0 && (
        <ul className="suggestions" aria-label="Three things to try">
          {suggestions.map(({ icon: Glyph, text }) => (
            <li key={text}>
              <button type="button" onClick={() => void begin(text)}>
                <Glyph className="icon" aria-hidden />
                <span>{text}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {recent.length > 0 && (
        <ul className="suggestions" aria-label="Your newest apps">
          {recent.map((a) => (
            <li key={a.slug}>
              <button type="button" onClick={() => desk.openApp(a.slug)}>
                <AppIcon name={a.icon} />
                <span>{a.name}</span>
                <time dateTime={a.updated} title={exact(a.updated)}>
                  {ago(a.updated)}
                </time>
              </button>
            </li>
          ))}
        </ul>
      )}
      <ModelLine />
    </div>
  );
}

/** ModelLine says who is thinking, and where to attach another. */
export function ModelLine() {
  const model = useSession((s) => s.me?.model);
  const safe = useSession((s) => s.me?.safe);
  if (!model) return null;
  if (safe)
    return (
      <p className="model-line">
        <b>Safe mode.</b> Matrix OS crashed three times within a minute, so no model answers. Take back what was changed last, or mend the settings; then stop it and start it again.{" "}
        <button type="button" onClick={() => desk.openProgram("history")}>
          What was changed
        </button>{" "}
        <button type="button" onClick={() => desk.openProgram("settings")}>
          Settings
        </button>
      </p>
    );
  const builtIn = model.id === "offline";
  return (
    <p className="model-line">
      {builtIn ? "The built-in model answers, on this machine and without a key." : `${model.label} answers.`}{" "}
      <button type="button" onClick={() => desk.openProgram("settings", "model")}>
        {builtIn ? "Attach another model" : "Change model"}
      </button>
    </p>
  );
}
