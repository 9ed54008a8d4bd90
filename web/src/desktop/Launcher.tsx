import { Search } from "lucide-react";
import { useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import { perform } from "../commands/all.ts";
import type { AppInfo } from "../protocol/wire.ts";
import { api } from "../session/api.ts";
import { useSession } from "../session/store.ts";
import { AppIcon } from "../ui/Icon.tsx";
import { Button, Empty } from "../ui/controls.tsx";
import { levelWords, weak } from "../ui/level.ts";
import { openMenu } from "../ui/menu.ts";
import { ours } from "./Home.tsx";
import { context, desk, show, useDesktop } from "./store.ts";

/** rank orders what fits a search: names first, then descriptions. */
export function rank(apps: readonly AppInfo[], query: string): AppInfo[] {
  const q = query.trim().toLowerCase();
  const score = (a: AppInfo) => {
    const name = a.name.toLowerCase();
    if (q === "" || name.startsWith(q)) return 0;
    if (name.split(/\s+/).some((w) => w.startsWith(q))) return 1;
    if (name.includes(q)) return 2;
    return (a.description ?? "").toLowerCase().includes(q) || a.slug.includes(q) ? 3 : 9;
  };
  return apps
    .filter((a) => !a.hidden && score(a) < 9)
    .sort((a, b) => score(a) - score(b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

// The owner's own apps come first; what every home comes with is put by what it is for.
const shelves: readonly [title: string, categories: readonly string[]][] = [
  ["Every day", ["productivity", "communication", "social", "finance", "health"]],
  ["Tools", ["utility", "dev", "education"]],
  ["Games", ["games", "entertainment"]],
];

/** shelve groups apps for the launcher; a search is one list, best first. */
export function shelve(apps: readonly AppInfo[], query: string): { title: string; apps: AppInfo[] }[] {
  const found = rank(apps, query);
  if (query.trim() !== "") return [{ title: "", apps: found }];
  const own = found.filter((a) => a.author !== ours);
  const rest = found.filter((a) => a.author === ours);
  const all = shelves.map(([title, categories]) => ({ title, apps: rest.filter((a) => categories.includes(a.category ?? "")) }));
  const left = rest.filter((a) => !shelves.some(([, c]) => c.includes(a.category ?? "")));
  return [{ title: rest.length > 0 ? "Yours" : "", apps: own }, ...all, { title: "More", apps: left }].filter((s) => s.apps.length > 0);
}

/** tileTo is the tile that an arrow leads to: along the line, or the nearest one of the next line, whatever shelf it is on; -1 is the search above. */
export function tileTo(tiles: readonly { left: number; top: number }[], here: number, key: string): number {
  const last = tiles.length - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  const at = tiles[here];
  if (!at) return key === "ArrowDown" ? Math.min(0, last) : here; // from the search, down leads in
  if (key === "ArrowRight") return Math.min(last, here + 1);
  if (key === "ArrowLeft") return Math.max(0, here - 1);
  const beyond = tiles.filter((t) => (key === "ArrowDown" ? t.top > at.top + 1 : t.top < at.top - 1));
  if (beyond.length === 0) return key === "ArrowDown" ? here : -1;
  const line = key === "ArrowDown" ? Math.min(...beyond.map((t) => t.top)) : Math.max(...beyond.map((t) => t.top));
  const nearest = beyond.filter((t) => Math.abs(t.top - line) <= 1).reduce((a, b) => (Math.abs(b.left - at.left) < Math.abs(a.left - at.left) ? b : a));
  return tiles.indexOf(nearest);
}

const steps = ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Home", "End"];

// What an app was granted is asked for anew when it needs it again.
async function takeBack(a: AppInfo): Promise<void> {
  for (const permission of a.permissions ?? []) await api.grant(a.slug, permission, false);
}

function appMenu(e: MouseEvent, a: AppInfo): void {
  openMenu(e, [
    { label: "Open", run: () => desk.openApp(a.slug) },
    { label: "Ask to change it", run: () => desk.openProgram("chat", `Change ${a.name}: `) },
    { label: "Remember this", run: () => perform("app.remember", context(), a.slug) },
    ...(a.contract ? [] : [{ label: "Agree on what it must do", run: () => perform("app.agree", context(), a.slug) }]),
    { label: "Try whether it does what it must", run: () => perform("app.check", context(), a.slug) },
    { label: "Show its files", run: () => desk.openProgram("files", a.folder) },
    ...(a.permissions?.length ? [{ label: "Take back what you have allowed it", run: () => void takeBack(a) }] : []),
    { label: "Export its entries", run: () => perform("app.export", context(), a.slug) },
    { label: "Import entries from a file", run: () => perform("app.import", context(), a.slug) },
    { label: "Back up this app", run: () => perform("app.backup", context(), a.slug) },
    { label: "Restore from a backup", run: () => perform("app.restore", context()) },
    null,
    { label: "Remove this app", loss: true, run: () => perform("app.remove", context(), a.slug) },
  ]);
}

// What is known to be wrong, and what of the owner's own was not tried yet; what every home begins with is tried now and then.
function Level({ app }: { app: AppInfo }) {
  if (!app.ok) return <i className="dot failed" aria-label="does not compile" role="img" />;
  if (app.failing?.length) return <i className="dot failed" aria-label="does not do what it must" role="img" />;
  if (app.verified === "static" && app.contract && app.author !== ours) return <i className="dot waiting" aria-label="only its files are checked" role="img" />;
  if (app.contract && (app.weak?.length || weak(app.strength))) return <i className="dot waiting" aria-label="its checks notice too little" role="img" />;
  return null;
}

export function Launcher() {
  const apps = useSession((s) => s.apps);
  const programs = useDesktop((s) => s.programs);
  const [query, setQuery] = useState("");
  const grid = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const found = rank(Object.values(apps), query);
  const system = programs.filter((p) => p.title.toLowerCase().includes(query.trim().toLowerCase()));
  const total = Object.values(apps).filter((a) => !a.hidden).length;

  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === "Escape") return show(null);
    const tiles = [...(grid.current?.querySelectorAll<HTMLElement>(".tile") ?? [])];
    const here = tiles.indexOf(document.activeElement as HTMLElement);
    if (e.key === "Enter" && here < 0 && tiles[0]) {
      e.preventDefault();
      tiles[0].click();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (here >= 0 && (e.key === "Backspace" || (e.key.length === 1 && e.key !== " "))) return field.current?.focus(); // what is typed goes into the search
    if (here < 0 ? e.key !== "ArrowDown" : !steps.includes(e.key)) return;
    e.preventDefault();
    const to = tileTo(tiles.map((t) => t.getBoundingClientRect()), here, e.key);
    (tiles[to] ?? field.current)?.focus();
  };

  return (
    <div className="launcher" role="dialog" aria-label="All apps" aria-modal="true" onKeyDown={onKeyDown} onClick={(e) => e.target === e.currentTarget && show(null)}>
      <div className="launcher-search">
        <Search className="icon" aria-hidden />
        <input ref={field} autoFocus type="search" aria-label="Search apps" placeholder={`Search ${total === 0 ? "" : `${total} `}app${total === 1 ? "" : "s"}`} value={query} onChange={(e) => setQuery(e.target.value)} />
      </div>
      <div className="launcher-scroll" ref={grid} onClick={(e) => e.target === e.currentTarget && show(null)}>
        {shelve(Object.values(apps), query).map((shelf) => (
          <section key={shelf.title} aria-label={shelf.title || "Apps"}>
            {shelf.title && <h2 className="launcher-head">{shelf.title}</h2>}
            <ul className="tiles">
              {shelf.apps.map((a) => (
                <li key={a.slug}>
                  <button type="button" className="tile" title={[a.name, a.description, levelWords(a)].filter(Boolean).join("\n")} onClick={() => desk.openApp(a.slug)} onContextMenu={(e) => appMenu(e, a)}>
                    <span className="tile-icon">
                      <AppIcon name={a.icon} size={26} />
                      <Level app={a} />
                    </span>
                    <span className="tile-name">{a.name}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {total === 0 && query === "" && (
          <Empty text="There are no apps yet. Describe one, and it appears here.">
            <Button look="primary" onClick={() => desk.openProgram("chat")}>
              Describe an app
            </Button>
          </Empty>
        )}
        {query !== "" && found.length === 0 && system.length === 0 && (
          <Empty text={`Nothing is named “${query}”.`}>
            <Button look="primary" onClick={() => desk.openProgram("chat", `Make an app: ${query}`)}>
              Ask for it
            </Button>
          </Empty>
        )}
        {system.length > 0 && (
          <>
            <h2 className="launcher-head">System</h2>
            <ul className="tiles">
              {system.map((p) => (
                <li key={p.name}>
                  <button type="button" className="tile" onClick={() => desk.openProgram(p.name)}>
                    <span className="tile-icon system">
                      <p.icon size={24} strokeWidth={1.5} aria-hidden />
                    </span>
                    <span className="tile-name">{p.title}</span>
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}
