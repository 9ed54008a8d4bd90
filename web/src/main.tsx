// Wiring: the programs, the store, the keyboard, the theme and the screen.
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { activity } from "./apps/activity/manifest.ts";
import { chat } from "./apps/chat/manifest.ts";
import { files } from "./apps/files/manifest.ts";
import { history as past } from "./apps/history/manifest.ts";
import { messages } from "./apps/messages/manifest.ts";
import { mind } from "./apps/mind/manifest.ts";
import { settings } from "./apps/settings/manifest.ts";
import { social } from "./apps/social/manifest.ts";
import { Desktop } from "./desktop/Desktop.tsx";
import { SignIn } from "./desktop/SignIn.tsx";
import { desk, restoreLayout, saveNow, useDesktop } from "./desktop/store.ts";
import { followHome } from "./desktop/follow.ts";
import { followSpeech } from "./desktop/speech.ts";
import { watchWindows } from "./desktop/frames/pulse.ts";
import { followTrials } from "./desktop/trials/follow.ts";
import { useKeyboard, useScreen } from "./desktop/useScreen.ts";
import { followDeals } from "./session/deals.ts";
import { followRooms } from "./session/rooms.ts";
import { followSocial } from "./session/social.ts";
import { retryNow, start, useSession } from "./session/store.ts";
import { Button, Trouble } from "./ui/controls.tsx";
import { applyTheme } from "./ui/theme.ts";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";
import "./ui/entries.css";
import "./desktop/desktop.css";
import "./desktop/windows.css";
import "./desktop/panels.css";

useDesktop.setState({ programs: [chat, messages, social, activity, past, files, mind, settings] });

/** openNamed opens the app that the address names, as links of `matrixos open` do. */
function openNamed(): void {
  const slug = new URLSearchParams(location.search).get("open");
  if (!slug) return;
  history.replaceState(null, "", "/");
  if (useSession.getState().apps[slug]) desk.openApp(slug);
}

function Shell() {
  const phase = useSession((s) => s.phase);
  const failure = useSession((s) => s.failure);
  const theme = useSession((s) => s.theme);
  const { width, height } = useScreen();
  const [late, setLate] = useState(false);
  useKeyboard();
  useEffect(() => applyTheme(theme.mode === "system" ? null : theme.mode, theme.accent), [theme]);
  useEffect(() => {
    if (phase === "ready") void restoreLayout().then(openNamed);
  }, [phase]);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  switch (phase) {
    case "starting":
      return late ? <div className="starting" role="status" aria-label="Opening your home" /> : null;
    case "signed-out":
      return <SignIn width={width} height={height} />;
    case "unreachable":
      return (
        <main className="unreachable">
          <Trouble what="Your home does not open." why={failure?.message} hint={failure?.hint}>
            <Button look="primary" onClick={retryNow}>
              Try again
            </Button>
          </Trouble>
        </main>
      );
    case "ready":
      return <Desktop />;
  }
}

addEventListener("pagehide", () => saveNow(true));
followHome(desk);
followRooms();
followDeals();
followSocial();
followSpeech();
followTrials();
watchWindows();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no root element");
createRoot(root).render(<Shell />);
void start();
