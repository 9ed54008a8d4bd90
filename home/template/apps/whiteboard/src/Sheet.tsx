import { Button, Dialog, IconButton, TextArea, useKeys } from "@matrixos/ui";
import { useRef, useState, type PointerEvent, type ReactNode, type WheelEvent } from "react";
import { follow, useFingers, way, zoomTo, type View } from "./fingers";
import { renderToStaticMarkup } from "./markup";
import { Shape } from "./Shape";
import { around, bounds, moved, simplify, touches, words, type Item, type Kind } from "./shapes";
import { useItems } from "./useItems";

type Tool = Kind | "choose" | "erase" | "move";
const tools: [Tool, string, string][] = [["choose", "mouse-pointer-2", "Choose (V)"], ["move", "hand", "Move the sheet (H)"], ["pen", "pencil-line", "Pen (P)"], ["line", "minus", "Line (L)"], ["arrow", "move-up-right", "Arrow (A)"], ["box", "square", "Box (R)"], ["oval", "circle", "Oval (O)"], ["text", "type", "Text (T)"], ["erase", "eraser", "Eraser (E)"]];
const colors: [string, string][] = [["var(--matrix-fg)", "Ink"], ["#c2412f", "Red"], ["#c27a1a", "Amber"], ["#2f8a57", "Green"], ["#2f74b8", "Blue"], ["#8a56b0", "Violet"]];
const widths: [number, string][] = [[2, "Thin"], [4, "Medium"], [9, "Thick"]];

export function Sheet({ board, name, children }: { board: string; name: string; children: ReactNode }) {
  const s = useItems(board);
  const [tool, setTool] = useState<Tool>("pen");
  const [color, setColor] = useState(colors[0]![0]);
  const [width, setWidth] = useState(4);
  const [view, setView] = useState<View>({ x: 0, y: 0, zoom: 1 });
  const [draft, setDraft] = useState<Item | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [shift, setShift] = useState<[number, number]>([0, 0]);
  const [writing, setWriting] = useState<{ at: [number, number]; id?: string; text: string } | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const item = s.items.find((i) => i.id === chosen);
  const here = (e: { clientX: number; clientY: number }): [number, number] => {
    const r = svg.current!.getBoundingClientRect();
    return [(e.clientX - r.left) / view.zoom + view.x, (e.clientY - r.top) / view.zoom + view.y];
  };
  const at = (p: [number, number]) => s.items.findLast((i) => touches(i, p, 8 / view.zoom));
  const pick = (t: Tool) => {
    setTool(t);
    setChosen(null);
  };
  const zoom = (by: number, x = svg.current!.clientWidth / 2, y = svg.current!.clientHeight / 2) =>
    setView((v) => {
      const z = zoomTo(v.zoom * by);
      return { zoom: z, x: v.x + x / v.zoom - x / z, y: v.y + y / v.zoom - y / z };
    });
  const fit = () => {
    const all = around(s.items.map(bounds));
    const el = svg.current!;
    if (!all) return setView({ x: 0, y: 0, zoom: 1 });
    const z = Math.min(2, (el.clientWidth - 60) / Math.max(1, all.w), (el.clientHeight - 60) / Math.max(1, all.h));
    setView({ zoom: z, x: all.x + all.w / 2 - el.clientWidth / z / 2, y: all.y + all.h / 2 - el.clientHeight / z / 2 });
  };
  const drop = () => {
    if (chosen) s.drop([chosen]);
    setChosen(null);
  };
  const nudge = (dx: number, dy: number) => item && s.change([{ ...item, points: moved(item.points, dx, dy) }]);
  const cycle = () => setChosen(s.items[(s.items.findIndex((i) => i.id === chosen) + 1) % Math.max(1, s.items.length)]?.id ?? null);
  useKeys({ v: () => pick("choose"), h: () => pick("move"), p: () => pick("pen"), l: () => pick("line"), a: () => pick("arrow"), r: () => pick("box"), o: () => pick("oval"), t: () => pick("text"), e: () => pick("erase"), u: s.undo, y: s.redo, Delete: drop, Backspace: drop, Escape: () => setChosen(null), n: cycle, ArrowLeft: () => nudge(-8, 0), ArrowRight: () => nudge(8, 0), ArrowUp: () => nudge(0, -8), ArrowDown: () => nudge(0, 8), "+": () => zoom(1.25), "-": () => zoom(0.8), "0": fit });

  const under = useRef<() => void>(undefined); // lets the pointer go that is followed
  const fingers = useFingers(svg, view, setView, () => {
    under.current?.();
    setDraft(null);
    setShift([0, 0]);
  });
  const down = (e: PointerEvent<SVGSVGElement>) => {
    if (e.button > 1 || draft) return;
    const hear = (...heard: [move: (m: globalThis.PointerEvent) => void, end?: (m: globalThis.PointerEvent) => void]) => void (under.current = follow(e.pointerId, ...heard));
    e.currentTarget.setPointerCapture(e.pointerId);
    const start = here(e);
    const from = { x: e.clientX, y: e.clientY, view };
    if (tool === "text") return setWriting({ at: start, text: "" });
    if (tool === "choose") {
      const found = at(start);
      setChosen(found?.id ?? null);
      if (!found) return hear((m) => setView({ ...from.view, x: from.view.x - (m.clientX - from.x) / view.zoom, y: from.view.y - (m.clientY - from.y) / view.zoom }));
      return hear((m) => setShift([here(m)[0] - start[0], here(m)[1] - start[1]]), (m) => {
        const [dx, dy] = [here(m)[0] - start[0], here(m)[1] - start[1]];
        setShift([0, 0]);
        if (Math.hypot(dx, dy) > 2) s.change([{ ...found, points: moved(found.points, dx, dy) }]);
        else if (found.kind === "text" && found.id === chosen) setWriting({ at: found.points[0]!, id: found.id, text: found.text ?? "" });
      });
    }
    if (tool === "move" || e.button === 1) return hear((m) => setView({ ...from.view, x: from.view.x - (m.clientX - from.x) / view.zoom, y: from.view.y - (m.clientY - from.y) / view.zoom }));
    if (tool === "erase") {
      const gone = new Set<string>();
      const wipe = (m: { clientX: number; clientY: number }) => {
        const found = at(here(m));
        if (found && !gone.has(found.id)) s.drop([found.id]);
        if (found) gone.add(found.id);
      };
      wipe(e);
      return hear(wipe);
    }
    const points: [number, number][] = tool === "pen" ? [start] : [start, start];
    const make = (): Item => ({ id: "draft", kind: tool as Kind, points: [...points], text: null, color, width, place: 1e9 });
    setDraft(make());
    hear(
      (m) => {
        if (tool === "pen") points.push(...way(m).map(here));
        else points[1] = here(m);
        setDraft(make());
      },
      () => {
        setDraft(null);
        const { id: _i, place: _p, ...rest } = make();
        const [a, b] = [points[0]!, points.at(-1)!];
        if (tool === "pen") s.add({ ...rest, points: simplify(points, 0.7 / view.zoom) });
        else if (Math.hypot(a[0] - b[0], a[1] - b[1]) > 3) s.add(rest);
      },
    );
  };
  const wheel = (e: WheelEvent) => {
    const r = svg.current!.getBoundingClientRect();
    if (e.ctrlKey || e.metaKey) zoom(Math.exp(-e.deltaY / 300), e.clientX - r.left, e.clientY - r.top);
    else setView((v) => ({ ...v, x: v.x + e.deltaX / v.zoom, y: v.y + e.deltaY / v.zoom }));
  };
  const save = () => {
    if (!writing) return;
    const text = writing.text.trimEnd();
    const old = s.items.find((i) => i.id === writing.id);
    if (old && text) s.change([{ ...old, text }]);
    else if (old) s.drop([old.id]);
    else if (text) s.add({ kind: "text", points: [writing.at], text, color, width });
    setWriting(null);
  };
  const shown = [...s.items, ...(draft ? [draft] : [])];
  const mark = item && bounds({ ...item, points: moved(item.points, ...shift) });
  return (
    <div className="sheet">
      <div className="head">{children}
        <div className="head-keys">
          <IconButton icon="undo-2" label="Take back (U)" disabled={!s.canUndo} onClick={s.undo} />
          <IconButton icon="redo-2" label="Once more (Y)" disabled={!s.canRedo} onClick={s.redo} />
          <Button quiet title="As large as it is" onClick={() => setView({ x: 0, y: 0, zoom: 1 })}>{Math.round(view.zoom * 100)} %</Button>
          <IconButton icon="maximize" label="Show everything (0)" onClick={fit} />
          <IconButton icon="download" label="Save as a picture" disabled={s.items.length === 0} onClick={() => download(name, s.items)} />
        </div>
      </div>
      <div className="stage">
        <svg ref={svg} role="img" aria-label={`${name}, ${s.items.length} ${s.items.length === 1 ? "thing" : "things"}`} data-tool={tool} {...fingers} onPointerDown={down} onWheel={wheel}>
          <g transform={`scale(${view.zoom}) translate(${-view.x} ${-view.y})`}>
            {shown.map((i) => <g key={i.id} transform={i.id === chosen ? `translate(${shift[0]} ${shift[1]})` : undefined}><Shape it={i} /></g>)}
            {mark && <rect className="mark" x={mark.x - 8} y={mark.y - 8} width={mark.w + 16} height={mark.h + 16} rx={4} />}
          </g>
        </svg>
        <ul className="mx-sr" aria-label="On the sheet">{s.items.map((i) => <li key={i.id}>{words(i)}{i.id === chosen ? ", chosen" : ""}</li>)}</ul>
        {!s.loading && shown.length === 0 && <p className="hint mx-quiet">Draw here. Two fingers or the wheel move the sheet.</p>}
      </div>
      <div className="tools" role="toolbar" aria-label="Tools">
        {tools.map(([t, icon, label]) => <IconButton key={t} icon={icon} label={label} aria-pressed={tool === t} onClick={() => pick(t)} />)}
        <i />
        {colors.map(([c, label]) => <button key={c} type="button" className="swatch" style={{ background: c }} aria-label={label} title={label} aria-pressed={color === c} onClick={() => { setColor(c); if (item) s.change([{ ...item, color: c }]); }} />)}
        <i />
        {widths.map(([w, label]) => <button key={w} type="button" className="thick" aria-label={label} title={label} aria-pressed={width === w} onClick={() => { setWidth(w); if (item) s.change([{ ...item, width: w }]); }}><b style={{ height: w, width: 16 }} /></button>)}
        {item && <><i /><IconButton icon="trash-2" label="Delete" onClick={drop} /></>}
      </div>
      <Dialog open={writing !== null} title="Text" onClose={() => setWriting(null)}>
        {writing && <><TextArea aria-label="Text" value={writing.text} autoFocus onChange={(text) => setWriting({ ...writing, text })} onKeyDown={(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && save()} /><div className="mx-form-foot" style={{ marginTop: 12 }}><Button onClick={() => setWriting(null)}>Cancel</Button><Button primary onClick={save}>Put it there</Button></div></>}
      </Dialog>
    </div>
  );
}

function download(name: string, items: Item[]): void {
  const box = around(items.map(bounds))!;
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--matrix-fg");
  const paper = getComputedStyle(document.documentElement).getPropertyValue("--matrix-bg");
  const text = renderToStaticMarkup(items, { x: box.x - 24, y: box.y - 24, w: box.w + 48, h: box.h + 48 }, paper).replaceAll("var(--matrix-fg)", ink).replaceAll("var(--matrix-font-sans, sans-serif)", "sans-serif");
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  a.download = `${name}.svg`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
