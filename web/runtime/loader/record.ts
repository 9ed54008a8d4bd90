// Records what the owner does in this window, from when the shell says so until it says
// that it is over; nobody else can begin it. Only what a person did counts (isTrusted), and
// parts are named as a contract names them, by the functions that find them again in a trial.
import { field, findAll, nameOf, norm, roleOf, scope, textOf, visible } from "../trial/dom.ts";
import type { Link } from "./port.ts";
import { changed, isSecret, Script } from "./script.ts";

// What is clicked, and not what only lies under the pointer.
const clickable = new Set(["button", "link", "checkbox", "radio", "switch", "tab", "option", "menuitem", "gridcell", "columnheader", "img", "figure"]);
const around = new Set(["row", "listitem", "article", "group", "region", "cell", "gridcell"]);
const typed = new Set(["textbox", "searchbox", "spinbutton", "slider", "combobox", "listbox"]);
const far = 10; // pixels that make a drag of a click

/** recordOnDemand waits for the shell to say so. */
export function recordOnDemand(link: Link): void {
  let now: Recorder | null = null;
  link.on("record", (m) => {
    if (m.on === true) now ??= new Recorder((n) => link.note({ type: "recording", steps: n }));
    else if (now) {
      link.note({ type: "recorded", use: now.end() });
      now = null;
    }
  });
}

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

class Recorder {
  private readonly script = new Script();
  private readonly over = new AbortController();
  private before: string[] | null = null; // what was to be seen before the first act
  private down: { el: Element; x: number; y: number } | null = null;
  private dragged = false;
  private entered = 0; // when Enter was pressed in a field

  constructor(private readonly tell: (steps: number) => void) {
    const hear = <E extends Event>(type: string, fn: (e: E) => void) =>
      addEventListener(type, (e) => {
        if (!e.isTrusted) return;
        this.before ??= lines();
        fn(e as E);
        this.tell(this.script.steps.length);
      }, { capture: true, signal: this.over.signal });
    hear<PointerEvent>("pointerdown", (e) => {
      this.dragged = false;
      this.down = e.target instanceof Element && e.isPrimary ? { el: e.target, x: e.clientX, y: e.clientY } : null;
    });
    hear<PointerEvent>("pointerup", (e) => this.drop(e));
    hear<MouseEvent>("click", (e) => this.click(e));
    hear<Event>("input", (e) => this.type(e));
    hear<Event>("change", (e) => this.type(e));
    hear<KeyboardEvent>("keydown", (e) => this.key(e));
  }

  /** end stops, and says what was done and what has come to be seen of it. */
  end() {
    this.over.abort();
    const now = lines();
    const { seen, gone } = changed(this.before ?? now, now);
    return { steps: this.script.steps, seen: this.script.said(seen).slice(0, 100), gone: this.script.said(gone).slice(0, 100), ...(this.script.secret ? { secret: true } : {}) };
  }

  private click(e: MouseEvent): void {
    if (this.dragged || !(e.target instanceof Element)) return;
    if (e.detail === 0 && performance.now() - this.entered < 100) return; // the form of a field in which Enter was pressed
    const el = upTo(e.target, (x) => clickable.has(roleOf(x)) && norm(nameOf(x)) !== "");
    if (!el || upTo(e.target, (x) => x instanceof HTMLSelectElement)) return;
    const part = called(el);
    if (part) this.script.add({ click: part.role, name: part.name, ...part.where });
  }

  private drop(e: PointerEvent): void {
    const from = this.down;
    this.down = null;
    if (!from || Math.hypot(e.clientX - from.x, e.clientY - from.y) < far) return;
    if (upTo(from.el, (x) => typed.has(roleOf(x)))) return; // a text was marked, or a slider moved
    const el = upTo(from.el, (x) => roleOf(x) !== "" && norm(nameOf(x)) !== "" && x !== document.body && roleOf(x) !== "main");
    const part = el && called(el);
    if (!part || part.where.nth !== undefined) return; // a drag has no number
    const box = el.getBoundingClientRect();
    this.dragged = true;
    this.script.add({ drag: part.role, name: part.name, ...(part.where.in ? { in: part.where.in } : {}), from: [Math.round(from.x - box.left), Math.round(from.y - box.top)], by: [Math.round(e.clientX - from.x), Math.round(e.clientY - from.y)] });
  }

  private type(e: Event): void {
    const el = e.target;
    if (!(el instanceof HTMLElement)) return;
    if (el instanceof HTMLInputElement && /^(checkbox|radio|file|button|submit|reset)$/.test(el.type)) return; // a click says it
    const label = labelOf(el);
    const control = el as Field;
    const text = el.isContentEditable ? (el.textContent ?? "") : String(control.value ?? "");
    if (isSecret({ type: control.type ?? "", autocomplete: control.autocomplete ?? "", label: nameOf(el), name: control.name ?? "" })) return this.script.hide(text);
    if (label === null) return;
    if (el instanceof HTMLSelectElement) this.script.choose(label, (el.selectedOptions[0]?.text ?? "").trim());
    else this.script.fill(label, text);
  }

  private key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || /^(Shift|Control|Alt|Meta|Tab|CapsLock|Dead|Unidentified|Process)$/.test(e.key)) return;
    const el = e.target instanceof HTMLElement ? e.target : document.body;
    if (el.matches("input,textarea,select") || el.isContentEditable) {
      const line = el instanceof HTMLInputElement && !/^(checkbox|radio|button|submit|range)$/.test(el.type);
      if (!(line && e.key === "Enter") && e.key !== "Escape") return; // the rest is typing
      const label = labelOf(el);
      if (label === null) return;
      if (e.key === "Enter") this.entered = performance.now();
      return this.script.press(e.key, label);
    }
    if ((e.key === "Enter" || e.key === " ") && clickable.has(roleOf(el))) return; // a click comes of it
    this.script.press(e.key);
  }
}

/** labelOf is how a contract names a field, or null if that would find another one. */
function labelOf(el: HTMLElement): string | null {
  const label = nameOf(el).replace(/\s+/g, " ").trim();
  if (!label || label.length > 120) return null;
  try {
    return field(label) === el ? label : null;
  } catch {
    return null;
  }
}

interface Called {
  role: string;
  name: string;
  where: { nth?: number; in?: { role: string; name: string } };
}

/** called is how a contract names a part, with the part around it or its number if there are several. */
function called(el: Element): Called | null {
  const role = roleOf(el);
  const name = nameOf(el).replace(/\s+/g, " ").trim();
  if (!name || name.length > 120) return null;
  const at = (root: Element) => {
    try {
      return findAll({ role, name }, root);
    } catch {
      return [];
    }
  };
  const all = at(scope());
  if (!all.includes(el)) return null;
  if (all.length === 1) return { role, name, where: {} };
  for (let up = el.parentElement; up && up !== document.body; up = up.parentElement) {
    if (!around.has(roleOf(up))) continue;
    for (const line of textOf(up).split("\n").map((l) => l.replace(/\s+/g, " ").trim()).filter((l) => l && l !== name && l.length <= 60).slice(0, 4)) {
      const part: { role: string; name: string } = { role: roleOf(up), name: line };
      try {
        if (findAll(part, document.body)[0] === up && at(up)[0] === el) return { role, name, where: { in: part } };
      } catch {
        continue; // not found by that
      }
    }
  }
  return { role, name, where: { nth: all.indexOf(el) + 1 } };
}

function upTo(el: Element, fits: (el: Element) => boolean): Element | null {
  for (let x: Element | null = el; x && x !== document.documentElement; x = x.parentElement) if (fits(x)) return x;
  return null;
}

/** lines is what is to be seen, a line for each block. */
function lines(): string[] {
  if (!document.body || !visible(document.body)) return [];
  return textOf(document.body).split("\n").map((l) => l.replace(/\s+/g, " ").trim()).filter((l) => l && l.length <= 120);
}
