import { Maximize2, Minimize2, Minus, X } from "lucide-react";
import { memo, useCallback, useEffect, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { perform } from "../../commands/all.ts";
import { openMenu } from "../../ui/menu.ts";
import { change, context, desk, useDesktop } from "../store.ts";
import { focus, rectOf, toggleMax, type Place, type Win } from "./transitions.ts";
import { useDrag, type Edge } from "./useDrag.ts";

const edges: Edge[] = ["n", "s", "e", "w", "ne", "nw", "se", "sw"];

interface Props {
  win: Win;
  active: boolean;
  z: number;
  icon: ReactNode;
  onZone(zone: Place | null): void;
  children: ReactNode;
}

function controls(win: Win) {
  return [
    { label: "Put away", run: () => desk.minimiseWindow(win.id) },
    { label: win.place === "max" ? "Restore size" : "Fill the screen", run: () => change((l) => toggleMax(l, win.id)) },
    { label: "Left half", run: () => desk.placeWindow(win.id, "left") },
    { label: "Right half", run: () => desk.placeWindow(win.id, "right") },
    null,
    { label: "Close", run: () => desk.closeWindow(win.id) },
  ];
}

function appActions(slug: string) {
  return [
    null,
    { label: "Start this app again", run: () => perform("app.reload", context(), slug) },
    { label: "Remember this", run: () => perform("app.remember", context(), slug) },
    ...(context().state.apps[slug]?.contract !== true ? [{ label: "Agree on what it must do", run: () => perform("app.agree", context(), slug) }] : []),
    { label: "Show its files", run: () => perform("go.files", context(), `apps/${slug}`) },
    { label: "Ask to repair it", run: () => perform("app.repair", context(), slug) },
    { label: "Export its entries", run: () => perform("app.export", context(), slug) },
    { label: "Import entries from a file", run: () => perform("app.import", context(), slug) },
    { label: "Back up this app", run: () => perform("app.backup", context(), slug) },
    { label: "Restore from a backup", run: () => perform("app.restore", context()) },
    null,
    { label: "Remove this app", loss: true, run: () => perform("app.remove", context(), slug) },
  ];
}

export const WindowSheet = memo(function WindowSheet({ win, active, z, icon, onZone, children }: Props) {
  const el = useRef<HTMLElement>(null);
  const view = useDesktop((s) => s.view);
  const phone = useDesktop((s) => s.phone);
  const drag = useDrag(win, el, onZone);
  const [fresh, setFresh] = useState(true);
  const r = phone ? { x: 0, y: 0, w: view.w, h: view.h } : rectOf(win, view);

  useEffect(() => {
    if (!active) return;
    const here = el.current;
    if (here && !here.contains(document.activeElement)) here.focus({ preventScroll: true });
  }, [active]);

  const onMenu = useCallback(
    (e: MouseEvent) => {
      const app = win.content.type === "app" && !win.content.guise ? appActions(win.content.slug) : [];
      openMenu(e, [...controls(win), ...app]);
    },
    [win],
  );
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "Escape" && phone) desk.minimiseWindow(win.id);
  };

  const filled = win.place === "max";
  return (
    <section
      ref={el}
      className={`window ${active ? "active" : ""} ${filled || phone ? "filled" : ""} ${win.place !== "free" ? "placed" : ""} ${fresh ? "fresh" : ""}`}
      role="dialog"
      aria-label={win.title}
      data-window={win.id}
      tabIndex={-1}
      hidden={win.minimised || (phone && !active)}
      style={{ transform: `translate(${r.x}px, ${r.y}px)`, width: r.w, height: r.h, zIndex: z }}
      onAnimationEnd={() => setFresh(false)}
      onPointerDownCapture={() => change((l) => focus(l, win.id))}
      onFocusCapture={() => change((l) => (l.order.at(-1) === win.id ? l : focus(l, win.id)))}
      onKeyDown={onKeyDown}
    >
      <header className="title-bar" onPointerDown={drag} onDoubleClick={() => !phone && change((l) => toggleMax(l, win.id))} onContextMenu={onMenu}>
        <span className="title-icon">{icon}</span>
        <h2 className="title">{win.title}</h2>
        <div className="title-controls" onPointerDown={(e) => e.stopPropagation()} onDoubleClick={(e) => e.stopPropagation()}>
          <button type="button" aria-label="Put away" title="Put away" onClick={() => desk.minimiseWindow(win.id)}>
            <Minus aria-hidden />
          </button>
          {!phone && (
            <button type="button" aria-label={filled ? "Restore size" : "Fill the screen"} title={filled ? "Restore size" : "Fill the screen"} onClick={() => change((l) => toggleMax(l, win.id))}>
              {filled ? <Minimize2 aria-hidden /> : <Maximize2 aria-hidden />}
            </button>
          )}
          <button type="button" aria-label="Close" title="Close" onClick={() => desk.closeWindow(win.id)}>
            <X aria-hidden />
          </button>
        </div>
      </header>
      <div className="window-body">{children}</div>
      {!phone && !filled && edges.map((edge) => <div key={edge} className={`edge ${edge}`} aria-hidden onPointerDown={(e) => drag(e, edge)} />)}
    </section>
  );
});
