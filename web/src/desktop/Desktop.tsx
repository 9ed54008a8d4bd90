import { lazy, memo, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useSession } from "../session/store.ts";
import { Boundary } from "../ui/Boundary.tsx";
import { AppIcon } from "../ui/Icon.tsx";
import { Menu } from "../ui/Menu.tsx";
import { Skeleton } from "../ui/controls.tsx";
import { Corner, Dock } from "./Dock.tsx";
import { AppFrame } from "./frames/AppFrame.tsx";
import { Home } from "./Home.tsx";
import { Launcher } from "./Launcher.tsx";
import { Notices } from "./Notices.tsx";
import { PhoneBar } from "./PhoneBar.tsx";
import { change, context, desk, useDesktop } from "./store.ts";
import { Wallpaper } from "./Wallpaper.tsx";
import { rectOf, retitle, top, type Place, type Win } from "./windows/transitions.ts";
import { WindowSheet } from "./windows/WindowSheet.tsx";

const loadPalette = () => import("./Palette.tsx");
const Palette = lazy(loadPalette);
const Shortcuts = lazy(() => import("./Shortcuts.tsx"));

export function Desktop() {
  const handle = useSession((s) => s.me?.handle ?? "");
  const layout = useDesktop((s) => s.layout);
  const view = useDesktop((s) => s.view);
  const phone = useDesktop((s) => s.phone);
  const panel = useDesktop((s) => s.panel);
  const restored = useDesktop((s) => s.restored);
  const wallpaper = useSession((s) => s.theme.wallpaper);
  const [zone, setZone] = useState<Place | null>(null);
  const front = top(layout);

  // The palette is typed into at once, so it is fetched before it is asked for.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), 1500);
    return () => clearTimeout(timer);
  }, []);

  return (
    <div className={`desktop ${phone ? "phone" : ""}`}>
      {wallpaper !== "none" && <Wallpaper handle={handle} width={view.w} height={view.h + 80} />}
      <main className="work-area" style={{ height: view.h }} inert={panel !== null}>
        {restored && <Home focus={front === undefined && panel === null} covered={front !== undefined} />}
        {layout.wins.map((w) => (
          <WindowSheet key={w.id} win={w} active={w.id === front?.id} z={10 + layout.order.indexOf(w.id)} icon={<WindowIcon win={w} />} onZone={setZone}>
            <WindowContent win={w} />
          </WindowSheet>
        ))}
        {zone && <ZonePreview zone={zone} />}
      </main>
      {!phone && <Corner />}
      {phone ? <PhoneBar /> : <Dock />}
      <Boundary key={panel} what="This part of the desktop does not work.">
        <Suspense>
          {panel === "launcher" && <Launcher />}
          {panel === "palette" && <Palette />}
          {panel === "shortcuts" && <Shortcuts />}
        </Suspense>
      </Boundary>
      <Notices />
      <Menu />
    </div>
  );
}

function ZonePreview({ zone }: { zone: Place }) {
  const view = useDesktop((s) => s.view);
  const r = rectOf({ id: "", title: "", content: { type: "app", slug: "" }, rect: { x: 0, y: 0, w: 0, h: 0 }, place: zone, minimised: false }, view);
  return <div className="zone" aria-hidden style={{ transform: `translate(${r.x}px, ${r.y}px)`, width: r.w, height: r.h }} />;
}

function WindowIcon({ win }: { win: Win }) {
  const programs = useDesktop((s) => s.programs);
  const icon = useSession((s) => (win.content.type === "app" ? s.apps[win.content.slug]?.icon : undefined));
  if (win.content.type === "app") return <AppIcon name={icon} size={15} />;
  const { name } = win.content;
  const Glyph = programs.find((p) => p.name === name)?.icon;
  return Glyph ? <Glyph size={15} strokeWidth={1.5} aria-hidden /> : null;
}

const WindowContent = memo(function WindowContent({ win }: { win: Win }) {
  const programs = useDesktop((s) => s.programs);
  const { content } = win;
  const name = useSession((s) => (content.type === "app" && !content.guise ? s.apps[content.slug]?.name : undefined));
  // A page's own title counts if it says more than the app's name ("Expenses · May"),
  // not if it is what a template left there.
  const onTitle = useCallback(
    (title: string) => {
      if (name && title.toLowerCase().includes(name.toLowerCase())) change((l) => retitle(l, win.id, title));
    },
    [win.id, name],
  );
  useEffect(() => {
    if (name) change((l) => retitle(l, win.id, name));
  }, [name, win.id]);
  const program = useMemo(() => (content.type === "program" ? programs.find((p) => p.name === content.name) : undefined), [programs, content]);
  if (content.type === "app") return <AppFrame slug={content.slug} guise={content.guise} onTitle={onTitle} onClose={() => desk.closeWindow(win.id)} />;
  if (!program) return null;
  return (
    <Boundary what="This window does not work.">
      <Suspense fallback={<Skeleton lines={6} />}>
        <program.Component arg={content.arg} context={context} />
      </Suspense>
    </Boundary>
  );
});
