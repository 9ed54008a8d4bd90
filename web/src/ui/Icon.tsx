// Icons of apps, by lucide name, or an emoji. The common ones are in the bundle; the rest come
// from a table that is fetched once, when the first of them is shown.
import {
  AppWindow, BookOpen, Calendar, ChartNoAxesColumn, Clock, Dumbbell, Gamepad2, ListChecks, NotebookPen, SquareKanban, Timer, Wallet,
  type LucideIcon,
} from "lucide-react";
import { createElement, useEffect, useState } from "react";

const carried: Record<string, LucideIcon> = {
  wallet: Wallet,
  "notebook-pen": NotebookPen,
  "list-checks": ListChecks,
  calendar: Calendar,
  timer: Timer,
  clock: Clock,
  "gamepad-2": Gamepad2,
  "square-kanban": SquareKanban,
  "book-open": BookOpen,
  dumbbell: Dumbbell,
  "chart-no-axes-column": ChartNoAxesColumn,
};

type Table = Record<string, [tag: string, attributes: Record<string, string>][]>;

let table: Table | null = null;
let loading: Promise<Table> | null = null;

function load(): Promise<Table> {
  loading ??= fetch("/assets/icons.json")
    .then((r) => (r.ok ? (r.json() as Promise<Table>) : {}))
    .catch(() => ({}) as Table)
    .then((t) => (table = t));
  return loading;
}

export function AppIcon({ name, size = 18 }: { name?: string; size?: number }) {
  const Known = name ? carried[name] : undefined;
  const [loaded, setLoaded] = useState<Table | null>(table);
  const wanted = name !== undefined && Known === undefined && /^[a-z0-9-]+$/.test(name);
  useEffect(() => {
    let here = true;
    if (wanted && !table) void load().then((t) => here && setLoaded(t));
    return () => {
      here = false;
    };
  }, [wanted]);
  if (name && /^\p{Extended_Pictographic}/u.test(name)) {
    return (
      <span style={{ fontSize: size * 0.92, lineHeight: 1 }} aria-hidden>
        {[...new Intl.Segmenter().segment(name)][0]?.segment}
      </span>
    );
  }
  if (Known) return <Known size={size} strokeWidth={1.5} aria-hidden />;
  const nodes = wanted ? loaded?.[name] : undefined;
  if (!nodes) return <AppWindow size={size} strokeWidth={1.5} aria-hidden />;
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden>
      {nodes.map(([tag, attributes], i) => createElement(tag, { key: i, ...attributes }))}
    </svg>
  );
}
