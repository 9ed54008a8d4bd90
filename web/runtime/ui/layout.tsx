// The page and its parts.
import { Children, createContext, useCallback, useContext, useEffect, useId, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent, type MouseEvent, type PointerEvent, type ReactNode } from "react";
import { cx, pressOf, useWidth } from "./base.tsx";
import { Icon } from "./icon.tsx";

type Toast = (text: string, action?: { label: string; run: () => void }) => void;
const ToastContext = createContext<Toast | null>(null);

/** useToast shows a short line at the bottom of the window, with at most one action such as Undo. */
export function useToast(): Toast {
  return useContext(ToastContext) ?? outside;
}

// Called beside <App> and not within it, it shows the line in the page there is.
let page: Toast | null = null;
const outside: Toast = (text, action) => page?.(text, action);

interface Shown {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

function useToasts(): [Toast, ReactNode] {
  const [shown, setShown] = useState<Shown[]>([]);
  const last = useRef(0);
  const drop = useCallback((id: number) => setShown((all) => all.filter((t) => t.id !== id)), []);
  const toast = useCallback<Toast>(
    (text, action) => {
      const id = ++last.current;
      setShown((all) => [...all.slice(-1), { id, text, action }]);
      setTimeout(() => drop(id), action ? 8000 : 4000);
    },
    [drop],
  );
  const node = (
    <div className="mx-toasts" role="status" aria-live="polite">
      {shown.map((t) => (
        <div key={t.id} className="mx-toast">
          <span>{t.text}</span>
          {t.action && (
            <button
              type="button"
              onClick={() => {
                t.action?.run();
                drop(t.id);
              }}
            >
              {t.action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  );
  return [toast, node];
}

/**
 * App is the page: a quiet header, the content, and the place for toasts. With fill
 * the content takes the whole window, and scrolls by itself where it has to.
 */
export function App({ title, actions, fill, children }: { title: string; actions?: ReactNode; fill?: boolean; children?: ReactNode }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [toast, toasts] = useToasts();
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    page = toast;
    return () => void (page = page === toast ? null : page);
  }, [toast]);
  return (
    <ToastContext.Provider value={toast}>
      <div className={cx("mx mx-app", width > 0 && width < 600 && "mx-narrow", fill && "mx-fill")} ref={ref}>
        <header className="mx-top">
          <h1>{title}</h1>
          {actions}
        </header>
        <main>{children}</main>
        {toasts}
      </div>
    </ToastContext.Provider>
  );
}

/** Tabs shows one of its children at a time, under labels. */
export function Tabs({ labels, children, label }: { labels: readonly string[]; children: ReactNode; label?: string }) {
  const panes = Children.toArray(children);
  const [at, setAt] = useState(0);
  const id = useId();
  const bar = useRef<HTMLDivElement>(null);
  const move = (e: KeyboardEvent) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: labels.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    const next = (to + labels.length) % labels.length;
    setAt(next);
    (bar.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div>
      <div className="mx-tabs" role="tablist" aria-label={label ?? "Views"} ref={bar} onKeyDown={move}>
        {labels.map((text, i) => (
          <button key={text} type="button" role="tab" id={`${id}t${i}`} aria-selected={i === at} aria-controls={`${id}p${i}`} tabIndex={i === at ? 0 : -1} onClick={() => setAt(i)}>
            {text}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}p${at}`} aria-labelledby={`${id}t${at}`}>
        {panes[at]}
      </div>
    </div>
  );
}

export function Section({ title, aside, children }: { title?: ReactNode; aside?: ReactNode; children?: ReactNode }) {
  return (
    <section className="mx-section">
      {(title || aside) && (
        <header>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

export function Stack({ gap = 16, row, children }: { gap?: number; row?: boolean; children?: ReactNode }) {
  return (
    <div className={row ? "mx-row" : "mx-stack"} style={{ gap }}>
      {children}
    </div>
  );
}

/** Columns puts its children side by side as long as each has min pixels. */
export function Columns({ min = 240, gap = 24, children }: { min?: number; gap?: number; children?: ReactNode }) {
  return <div style={{ display: "grid", gridTemplateColumns: `repeat(auto-fit,minmax(min(100%,${min}px),1fr))`, gap, alignItems: "start" }}>{children}</div>;
}

export function Spacer() {
  return <div className="mx-spacer" />;
}

export function Stats({ children }: { children?: ReactNode }) {
  return <dl className="mx-stats mx">{children}</dl>;
}

export function Stat({ label, value, hint }: { label: string; value: ReactNode; hint?: ReactNode }) {
  return (
    <div className="mx-stat">
      <dt>{label}</dt>
      <dd>
        {value}
        {hint && <small>{hint}</small>}
      </dd>
    </div>
  );
}

export function List({ children }: { children?: ReactNode }) {
  return <ul className="mx-list">{children}</ul>;
}

export interface ItemProps {
  title: ReactNode;
  subtitle?: ReactNode;
  value?: ReactNode;
  leading?: ReactNode;
  trailing?: ReactNode;
  done?: boolean;
  onClick?: () => void;
}

/** Item is one line of a List: something leading, title and subtitle, a value, something trailing. */
export function Item({ title, subtitle, value, leading, trailing, done, onClick }: ItemProps) {
  const name = <span className={cx("mx-item-title", done && "mx-dim mx-struck")}>{title}</span>;
  return (
    <li className="mx-item" data-opens={onClick && ""} onClick={onClick && pressOf(onClick)}>
      {leading}
      <div className="mx-item-body">
        {onClick ? (
          <button type="button" className="mx-open" onClick={onClick}>
            {name}
          </button>
        ) : (
          name
        )}
        {subtitle && <div className="mx-item-sub">{subtitle}</div>}
      </div>
      {value !== undefined && value !== "" && <span className={cx("mx-item-value", done && "mx-dim")}>{value}</span>}
      {trailing}
    </li>
  );
}

export function Empty({ icon, title, action }: { icon?: string; title: ReactNode; action?: ReactNode }) {
  return (
    <div className="mx-empty">
      {icon && <Icon name={icon} size={24} />}
      <p>{title}</p>
      {action}
    </div>
  );
}

/** Skeleton is the layout to come, shown when loading takes longer than a blink. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  const widths = ["46%", "32%", "58%", "40%", "52%"];
  return (
    <div className="mx-skel mx-late" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} style={{ "--w": widths[i % widths.length] } as CSSProperties} />
      ))}
    </div>
  );
}

export function Failure({ error }: { error: Error }) {
  return (
    <div className="mx-alert" role="alert">
      <Icon name="triangle-alert" />
      <span>{error.message}</span>
    </div>
  );
}

export interface CellState {
  content?: ReactNode;
  tone?: "on" | "good" | "warn" | "bad" | "flat";
  color?: string;
  label?: string;
}

export interface GridProps {
  columns: number;
  rows: number;
  cell?: (column: number, row: number) => CellState | ReactNode;
  onCell?: (column: number, row: number) => void;
  /** The second thing a cell can do: right click, a long press of a finger, or F. */
  onAlt?: (column: number, row: number) => void;
  label?: string;
  gap?: number;
  children?: ReactNode;
}

/**
 * Grid is a field of square cells for games and planners. cell says what is in
 * each; with onCell the cells are buttons that the arrow keys walk through.
 */
export function Grid({ columns, rows, cell, onCell, onAlt, label = "Grid", gap = 2, children }: GridProps) {
  const [at, setAt] = useState(0);
  const press = useRef<ReturnType<typeof setTimeout>>(undefined);
  const held = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const cells = useMemo(() => Array.from({ length: columns * rows }, (_, i) => i), [columns, rows]);
  const move = (e: KeyboardEvent) => {
    if (onAlt && e.key.toLowerCase() === "f" && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      onAlt(at % columns, Math.floor(at / columns));
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
    const next = at + (step ?? 0);
    if (!step || next < 0 || next >= cells.length) return;
    if (Math.abs(step) === 1 && Math.floor(next / columns) !== Math.floor(at / columns)) return;
    e.preventDefault();
    setAt(next);
    (box.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  const style = { gridTemplateColumns: `repeat(${columns},minmax(0,1fr))`, gap, "--ratio": columns / rows, "--columns": columns, containerType: "inline-size" } as CSSProperties;
  return (
    <div className="mx-grid mx" role="group" aria-label={label} style={style} ref={box} onKeyDown={onCell ? move : undefined}>
      {!cell && children}
      {cell &&
        cells.map((i) => {
          const [x, y] = [i % columns, Math.floor(i / columns)];
          const got = cell(x, y);
          const state: CellState = got !== null && typeof got === "object" && !("$$typeof" in got) && !Array.isArray(got) ? (got as CellState) : { content: got as ReactNode };
          const color = state.color ? { background: state.color, boxShadow: "none" } : undefined;
          if (!onCell) return <div key={i} className="mx-cell" data-tone={state.tone} style={color}>{state.content}</div>;
          const alt = onAlt && {
            onContextMenu: (e: MouseEvent) => {
              e.preventDefault();
              if (!held.current) onAlt(x, y); // a long press says the same by a second way
            },
            onPointerDown: (e: PointerEvent) => {
              held.current = false;
              if (e.pointerType !== "mouse") press.current = setTimeout(() => ((held.current = true), onAlt(x, y)), 350);
            },
            onPointerUp: () => clearTimeout(press.current),
            onPointerCancel: () => clearTimeout(press.current),
            onPointerLeave: () => clearTimeout(press.current),
          };
          return (
            <button key={i} {...alt} type="button" className="mx-cell" data-tone={state.tone} style={color} tabIndex={i === at ? 0 : -1} aria-label={state.label ?? `Column ${x + 1}, row ${y + 1}${typeof state.content === "string" || typeof state.content === "number" ? `: ${state.content}` : ""}`} onFocus={() => setAt(i)} onClick={() => (held.current ? (held.current = false) : onCell(x, y))}>
              {state.content}
            </button>
          );
        })}
    </div>
  );
}
