// What a person does in the window.
import { field, find, findAll, holds, Miss, nameOf, norm, roleOf, scope, textOf, within, type Part } from "./dom.ts";

/** Step is a step of a contract; see app/contract. */
export interface Step {
  fill?: string;
  with?: string;
  choose?: string;
  option?: string;
  click?: string;
  name?: string;
  nth?: number;
  press?: string;
  on?: string;
  times?: number;
  drag?: string;
  from?: [number, number];
  by?: [number, number];
  onto?: Part;
  find?: string;
  state?: string;
  count?: number;
  see?: string;
  see_not?: string;
  see_order?: string[];
  in?: Part;
  value?: string;
  is?: unknown;
}

/** act does the step, or throws a Miss that says what is there instead. */
export function act(s: Step): void {
  if (s.fill !== undefined) return fill(field(s.fill), s.with ?? "");
  if (s.choose !== undefined) return choose(field(s.choose), s.option ?? "");
  if (s.click !== undefined) return click(find({ role: s.click, name: s.name }, s.nth, s.in ? within(s.in)[0] : undefined));
  if (s.press !== undefined) return press(s.press, s.on === undefined ? null : field(s.on));
  if (s.drag !== undefined) return drag(find({ role: s.drag, name: s.name }, 0, s.in ? within(s.in)[0] : undefined), s);
  if (s.find !== undefined) return present(s);
  if (s.see !== undefined) return see(s.see, within(s.in));
  if (s.see_not !== undefined) return seeNot(s.see_not, s.in);
  if (s.see_order !== undefined) return order(s.see_order, within(s.in));
  if (s.value !== undefined) return holdsValue(field(s.value), s.is);
  throw new Error("this step is none of the page's");
}

function usable(el: Element): void {
  if ((el as HTMLButtonElement).disabled || el.getAttribute("aria-disabled") === "true") throw new Miss("it is disabled");
}

// React keeps the value it set last; the setter of the prototype goes around that.
function put(el: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement, value: string): void {
  const proto = el instanceof HTMLInputElement ? HTMLInputElement.prototype : el instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLSelectElement.prototype;
  Object.getOwnPropertyDescriptor(proto, "value")!.set!.call(el, value);
}

function tell(el: Element, ...types: string[]): void {
  for (const type of types) el.dispatchEvent(new Event(type, { bubbles: true }));
}

function fill(el: HTMLElement, text: string): void {
  usable(el);
  el.focus();
  if (el instanceof HTMLSelectElement) return choose(el, text);
  if (el instanceof HTMLInputElement || el instanceof HTMLTextAreaElement) {
    if (el instanceof HTMLInputElement && /^(checkbox|radio)$/.test(el.type)) throw new Miss("a box to tick; click it");
    if (el.readOnly) throw new Miss("it cannot be changed");
    put(el, text);
    if (el.value !== text) throw new Miss(`the field does not take it and holds ${JSON.stringify(el.value)}`);
    tell(el, "input", "change");
  } else if (el.isContentEditable) {
    el.textContent = text;
    tell(el, "input");
  } else throw new Miss(`a ${roleOf(el)}, which is not typed into`);
}

function choose(el: HTMLElement, option: string): void {
  usable(el);
  const wanted = norm(option);
  if (el instanceof HTMLSelectElement) {
    const found = [...el.options].find((o) => norm(o.text) === wanted) ?? [...el.options].find((o) => norm(o.value) === wanted);
    if (!found) throw new Miss(`no such option; there are: ${[...el.options].map((o) => o.text).join(", ")}`);
    el.focus();
    put(el, found.value);
    return tell(el, "input", "change");
  }
  if (el instanceof HTMLInputElement && /^(text|search|)$/.test(el.type)) return fill(el, option);
  const options = [...el.querySelectorAll<HTMLElement>("[role=radio],[role=option],input[type=radio],button,label")];
  const found = options.find((o) => norm(nameOf(o)) === wanted);
  if (!found) throw new Miss(options.length ? `no such option; there are: ${options.map((o) => nameOf(o).trim()).join(", ")}` : "nothing to choose from");
  click(found);
}

function click(el: Element): void {
  usable(el);
  const at = el.getBoundingClientRect();
  const where = { bubbles: true, cancelable: true, composed: true, view: window, clientX: at.left + at.width / 2, clientY: at.top + at.height / 2, button: 0 };
  const pointer = { ...where, pointerId: 1, pointerType: "mouse", isPrimary: true };
  el.dispatchEvent(new PointerEvent("pointerover", pointer));
  el.dispatchEvent(new PointerEvent("pointerdown", { ...pointer, buttons: 1 }));
  if (el.dispatchEvent(new MouseEvent("mousedown", { ...where, buttons: 1 })) && el instanceof HTMLElement) el.focus();
  el.dispatchEvent(new PointerEvent("pointerup", pointer));
  el.dispatchEvent(new MouseEvent("mouseup", where));
  if (el instanceof HTMLElement) el.click();
  else el.dispatchEvent(new MouseEvent("click", where));
}

// A pointer that goes down, moves in a few steps and is let go; no click follows.
function drag(el: Element, s: Step): void {
  usable(el);
  const box = el.getBoundingClientRect();
  const start = s.from ? { x: box.left + s.from[0], y: box.top + s.from[1] } : middle(box);
  const end = s.onto ? middle(within(s.onto)[0]!.getBoundingClientRect()) : { ...start };
  if (s.by) (end.x += s.by[0]), (end.y += s.by[1]);
  const pointer = (type: string, target: Element, share: number, buttons: number) =>
    target.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, composed: true, view: window, pointerId: 1, pointerType: "mouse", isPrimary: true, button: type === "pointermove" ? -1 : 0, buttons, clientX: start.x + (end.x - start.x) * share, clientY: start.y + (end.y - start.y) * share }));
  capturable();
  pointer("pointerdown", el, 0, 1);
  const steps = 8;
  for (let i = 1; i <= steps; i++) pointer("pointermove", el.isConnected ? el : document.body, i / steps, 1);
  pointer("pointerup", el.isConnected ? el : document.body, 1, 0);
}

const middle = (box: DOMRect) => ({ x: box.left + box.width / 2, y: box.top + box.height / 2 });

// A pointer that no hand holds cannot be captured; here that is no fault of the app's.
function capturable(): void {
  Element.prototype.setPointerCapture = () => undefined;
  Element.prototype.releasePointerCapture = () => undefined;
}

const states: Record<string, (el: Element) => boolean> = {
  disabled: (el) => el.matches(":disabled,[aria-disabled=true]"),
  pressed: (el) => el.getAttribute("aria-pressed") === "true",
  checked: (el) => el.matches(":checked,[aria-checked=true]"),
  selected: (el) => el.matches("[aria-selected=true],option:checked"),
  current: (el) => !["", "false", null].includes(el.getAttribute("aria-current")),
};
const inState = (el: Element, state: string) => (state === "enabled" ? !states.disabled!(el) : state.startsWith("not ") ? !states[state.slice(4)]!(el) : states[state]!(el));

function present(s: Step): void {
  let all: Element[] = [];
  let why = "";
  try {
    all = findAll({ role: s.find!, name: s.name }, s.in ? within(s.in)[0]! : s.find === "dialog" ? document.body : scope());
  } catch (error) {
    if (!(error instanceof Miss)) throw error;
    why = error.seen;
  }
  const fit = s.state ? all.filter((el) => inState(el, s.state!)) : all;
  if (s.count === undefined ? fit.length > 0 : fit.length === s.count) return;
  throw new Miss(why || (s.state && all.length > 0 ? `${fit.length} of ${all.length} that ${all.length === 1 ? "is" : "are"} ${s.state}` : `${fit.length} of them`));
}

const codes: Record<string, string> = { " ": "Space", Enter: "Enter", Escape: "Escape" };

function press(key: string, on: HTMLElement | null): void {
  on?.focus();
  const el = on ?? (document.activeElement instanceof HTMLElement ? document.activeElement : document.body);
  const code = codes[key] ?? (/^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key);
  const event = { key, code, bubbles: true, cancelable: true, composed: true };
  const taken = !el.dispatchEvent(new KeyboardEvent("keydown", event));
  if (!taken) {
    if (el instanceof HTMLButtonElement && (key === "Enter" || key === " ")) el.click();
    else if (el instanceof HTMLInputElement && key === "Enter" && el.form) el.form.requestSubmit();
    else if (key.length === 1 && (el instanceof HTMLInputElement || el instanceof HTMLTextAreaElement)) {
      put(el, el.value + key);
      tell(el, "input");
    } else if (key === "Escape") {
      const open = el.closest("dialog[open]");
      if (open && open.dispatchEvent(new Event("cancel", { cancelable: true }))) (open as HTMLDialogElement).close();
    }
  }
  el.dispatchEvent(new KeyboardEvent("keyup", event));
}

function excerpt(text: string, around = 0): string {
  const clean = text.replace(/[ \t]+/g, " ").replace(/\s*\n\s*/g, " | ").trim();
  const from = Math.max(0, around - 200);
  return clean.length > 600 ? `${clean.slice(from, from + 600)}…` : clean || "nothing";
}

// inOne passes if the look at one of the parts does, else says what the first shows.
function inOne(roots: Element[], look: (shown: string) => string | null): void {
  let first: string | null = null;
  for (const root of roots) {
    const miss = look(textOf(root));
    if (miss === null) return;
    first ??= miss;
  }
  throw new Miss(first ?? "nothing");
}

function see(text: string, roots: Element[]): void {
  inOne(roots, (shown) => (holds(norm(shown), norm(text)) < 0 ? excerpt(shown) : null));
}

function seeNot(text: string, part?: Part): void {
  let roots: Element[];
  try {
    roots = within(part);
  } catch {
    return; // what is not there shows nothing
  }
  for (const root of roots) {
    const shown = norm(textOf(root));
    const at = holds(shown, norm(text));
    if (at >= 0) throw new Miss(excerpt(shown, at));
  }
}

function order(texts: string[], roots: Element[]): void {
  inOne(roots, (all) => {
    const shown = norm(all);
    let last = -1;
    for (const text of texts) {
      const at = holds(shown, norm(text));
      if (at < 0) return `no ${JSON.stringify(text)} in: ${excerpt(all)}`;
      if (at < last) return `another order: ${excerpt(all)}`;
      last = at;
    }
    return null;
  });
}

function holdsValue(el: HTMLElement, wanted: unknown): void {
  let value: unknown = el.textContent;
  if (el instanceof HTMLInputElement && /^(checkbox|radio)$/.test(el.type)) value = el.checked;
  else if (el instanceof HTMLSelectElement) value = el.selectedOptions[0]?.text ?? "";
  else if (el instanceof HTMLInputElement || el instanceof HTMLTextAreaElement) value = el.value;
  else if (roleOf(el) === "radiogroup") value = nameOf(el.querySelector("[aria-checked=true],input:checked") ?? el);
  const same = typeof wanted === "number" ? Number(value) === wanted && value !== "" : typeof wanted === "boolean" ? value === wanted : norm(String(value)) === norm(String(wanted ?? ""));
  if (!same) throw new Miss(JSON.stringify(value));
}
