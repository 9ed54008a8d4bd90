import { LayoutGrid } from "lucide-react";
import { useEffect, useState, type MouseEvent } from "react";
import { perform } from "../commands/all.ts";
import { ended } from "../session/chat.ts";
import { waiting } from "../session/state.ts";
import { useRooms } from "../session/rooms.ts";
import { useSession } from "../session/store.ts";
import { AppIcon } from "../ui/Icon.tsx";
import { openMenu } from "../ui/menu.ts";
import { change, context, desk, show, useDesktop } from "./store.ts";
import { focus, minimise, top, type Win } from "./windows/transitions.ts";

function toggle(win: Win | undefined, open: () => void): void {
  if (!win) return open();
  change((l) => (top(l)?.id === win.id ? minimise(l, win.id) : focus(l, win.id)));
}

function menuOf(e: MouseEvent, label: string, win: Win | undefined, open: () => void, slug?: string): void {
  openMenu(e, [
    { label: win ? `Show ${label}` : `Open ${label}`, run: open },
    ...(slug ? [{ label: "Ask to change it", run: () => desk.openProgram("chat", `Change ${label}: `) }] : []),
    ...(win ? [null, { label: "Put away", run: () => desk.minimiseWindow(win.id) }, { label: "Close", run: () => desk.closeWindow(win.id) }] : []),
    ...(slug ? [null, { label: "Remove this app", loss: true, run: () => perform("app.remove", context(), slug) }] : []),
  ]);
}

/** Dock holds the programs, then the apps with a window; a mark tells what is open. */
export function Dock() {
  const programs = useDesktop((s) => s.programs);
  const layout = useDesktop((s) => s.layout);
  const panel = useDesktop((s) => s.panel);
  const apps = useSession((s) => s.apps);
  const busy = useSession((s) => Object.values(s.processes).filter((p) => !ended(p) && p.state !== "parked").length);
  const undecided = useSession((s) => waiting(s.conflicts).length);
  const unread = useRooms((s) => s.rooms.reduce((n, r) => n + (r.muted ? 0 : r.unread + (r.state === "invited" ? 1 : 0)), 0));
  const front = top(layout)?.id;
  const windowOf = (name: string) => layout.wins.find((w) => w.content.type === "program" && w.content.name === name);
  const appWins = layout.wins.filter((w) => w.content.type === "app");

  return (
    <nav className="dock" aria-label="Dock">
      {programs.map((p, i) => {
        const win = windowOf(p.name);
        const open = () => toggle(win, () => desk.openProgram(p.name));
        const more = p.name === "activity" && busy > 0 ? `, ${busy} running` : p.name === "history" && undecided > 0 ? `, ${undecided} to decide` : p.name === "messages" && unread > 0 ? `, ${unread} unread` : "";
        const label = p.title + more;
        return (
          <DockButton key={p.name} label={label} open={win !== undefined} front={win !== undefined && win.id === front} onClick={open} onContextMenu={(e) => menuOf(e, p.title, win, () => desk.openProgram(p.name))} after={i === 0}>
            <p.icon className="icon" aria-hidden />
            {p.name === "activity" && busy > 0 && <span className="working badge" />}
            {p.name === "messages" && unread > 0 && <span className="unread badge" />}
            {p.name === "history" && undecided > 0 && <span className="undecided badge" />}
          </DockButton>
        );
      })}
      {appWins.length > 0 && <span className="dock-line" />}
      {appWins.map((w) => {
        const slug = w.content.type === "app" ? w.content.slug : "";
        const name = apps[slug]?.name ?? w.title;
        return (
          <DockButton key={w.id} label={name} open front={w.id === front} onClick={() => toggle(w, () => desk.openApp(slug))} onContextMenu={(e) => menuOf(e, name, w, () => desk.openApp(slug), slug)}>
            <AppIcon name={apps[slug]?.icon} />
          </DockButton>
        );
      })}
      <span className="dock-line" />
      <DockButton label="All apps" open={false} front={panel === "launcher"} onClick={() => show(panel === "launcher" ? null : "launcher")}>
        <LayoutGrid className="icon" aria-hidden />
      </DockButton>
    </nav>
  );
}

interface DockButtonProps {
  label: string;
  open: boolean;
  front: boolean;
  after?: boolean;
  onClick(): void;
  onContextMenu?(e: MouseEvent): void;
  children: React.ReactNode;
}

function DockButton({ label, open, front, onClick, onContextMenu, children }: DockButtonProps) {
  return (
    <button type="button" className={`dock-button ${front ? "front" : ""}`} aria-label={label} aria-pressed={front} data-tip={label} onClick={onClick} onContextMenu={onContextMenu}>
      {children}
      {open && <i className="mark" aria-hidden />}
    </button>
  );
}

/** Corner holds the time, and says when the connection is gone for over a second, and when no model runs. */
export function Corner() {
  const link = useSession((s) => s.link);
  const safe = useSession((s) => s.me?.safe);
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="corner">
      {safe && (
        <span className="safe">
          <i className="dot failed" aria-hidden /> Safe mode
        </span>
      )}
      {link === "lost" && (
        <span className="reconnecting" role="status">
          <span className="working" /> Reconnecting
        </span>
      )}
      <time className="num" dateTime={now.toISOString()} title={now.toLocaleDateString(undefined, { dateStyle: "full" })}>
        {now.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })}
        <b>{now.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}</b>
      </time>
    </div>
  );
}
