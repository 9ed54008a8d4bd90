import { Activity, House, LayoutGrid, MessageSquareText, type LucideIcon } from "lucide-react";
import { useSession } from "../session/store.ts";
import { ended } from "../session/chat.ts";
import { desk, show, useDesktop } from "./store.ts";
import { top } from "./windows/transitions.ts";

/** PhoneBar is the dock of a phone: four places, within reach of a thumb. */
export function PhoneBar() {
  const front = useDesktop((s) => top(s.layout)?.content);
  const panel = useDesktop((s) => s.panel);
  const busy = useSession((s) => Object.values(s.processes).some((p) => !ended(p) && p.state !== "parked"));
  const program = front?.type === "program" ? front.name : null;
  const at = panel === "launcher" ? "apps" : program === "chat" ? "ask" : program === "activity" ? "activity" : front ? "" : "home";
  const home = () => {
    show(null);
    desk.showDesk();
  };
  const tabs: { name: string; label: string; icon: LucideIcon; run(): void }[] = [
    { name: "home", label: "Home", icon: House, run: home },
    { name: "ask", label: "Ask", icon: MessageSquareText, run: () => desk.openProgram("chat") },
    { name: "apps", label: "Apps", icon: LayoutGrid, run: () => show(panel === "launcher" ? null : "launcher") },
    { name: "activity", label: "Activity", icon: Activity, run: () => desk.openProgram("activity") },
  ];
  return (
    <nav className="phone-bar" aria-label="Main">
      {tabs.map(({ name, label, icon: Glyph, run }) => (
        <button key={name} type="button" aria-current={at === name ? "page" : undefined} onClick={run}>
          <span className="phone-icon">
            <Glyph className="icon" aria-hidden />
            {name === "activity" && busy && <span className="working badge" />}
          </span>
          {label}
        </button>
      ))}
    </nav>
  );
}
