// The window as a person meets it: parts by role and name, fields by label, and the
// text that is to be seen.

export interface Part {
  role: string;
  name?: string;
}

/** Miss says that something is not there, and what is there instead. */
export class Miss extends Error {
  constructor(readonly seen: string) {
    super(seen);
  }
}

export const norm = (s: string) => s.replace(/[\s\u00a0\u202f]+/g, " ").trim().toLowerCase();

const inputRoles: Record<string, string> = { checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton", search: "searchbox", button: "button", submit: "button", reset: "button", image: "button", hidden: "", date: "", time: "", "datetime-local": "", color: "" };
const tagRoles: Record<string, string> = {
  A: "link", ARTICLE: "article", BUTTON: "button", DIALOG: "dialog", FIGURE: "figure", H1: "heading", H2: "heading", H3: "heading", H4: "heading", H5: "heading", H6: "heading", IMG: "img",
  LI: "listitem", MAIN: "main", NAV: "navigation", OL: "list", OPTION: "option", OUTPUT: "status", PROGRESS: "progressbar", SECTION: "region", FIELDSET: "group", FORM: "form",
  SUMMARY: "button", TABLE: "table", TD: "cell", TEXTAREA: "textbox", TR: "row", UL: "list", SVG: "img",
};

export function roleOf(el: Element): string {
  const said = el.getAttribute("role")?.split(" ")[0];
  if (said) return said;
  if (el instanceof HTMLInputElement) return inputRoles[el.type] ?? (el.list ? "combobox" : "textbox");
  if (el instanceof HTMLSelectElement) return el.multiple ? "listbox" : "combobox";
  if (el.tagName === "TH") return el.getAttribute("scope")?.startsWith("row") ? "rowheader" : "columnheader";
  if (el.tagName === "A" && !el.hasAttribute("href")) return "";
  return tagRoles[el.tagName.toUpperCase()] ?? "";
}

/** containers are found by what stands in them. */
const containers = new Set(["row", "listitem", "group", "dialog", "region", "figure", "table", "grid", "list", "article", "main", "navigation", "tabpanel", "form", "status", "alert", "cell", "gridcell"]);

export function visible(el: Element): boolean {
  return el.checkVisibility ? el.checkVisibility({ visibilityProperty: true }) : el.getClientRects().length > 0;
}

/** nameOf is what a screen reader calls the element. */
export function nameOf(el: Element): string {
  const by = el.getAttribute("aria-labelledby");
  if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
  const aria = el.getAttribute("aria-label");
  if (aria) return aria;
  if (el instanceof HTMLInputElement || el instanceof HTMLSelectElement || el instanceof HTMLTextAreaElement) {
    const labels = [...(el.labels ?? [])].map((l) => labelText(l)).join(" ");
    if (labels.trim()) return labels;
    if (el instanceof HTMLInputElement && /^(button|submit|reset)$/.test(el.type)) return el.value;
    return el.getAttribute("placeholder") ?? el.title;
  }
  if (el instanceof HTMLImageElement) return el.alt;
  const text = el.childElementCount > 1 ? textOf(el) : (el.textContent ?? ""); // blocks are words apart
  return text.trim() ? text : el.getAttribute("title") ?? el.querySelector("img[alt],[aria-label]")?.getAttribute("aria-label") ?? "";
}

// The text of a label without that of the control in it.
function labelText(label: HTMLLabelElement): string {
  const copy = label.cloneNode(true) as Element;
  for (const control of copy.querySelectorAll("input,select,textarea,button,output")) control.remove();
  return copy.textContent ?? "";
}

const wordy = /[\p{L}\p{N}]/u;

/** holds reports whether text has wanted in it, not as a piece of a longer word or figure. */
export function holds(text: string, wanted: string, from = 0): number {
  for (let i = text.indexOf(wanted, from); i >= 0; i = text.indexOf(wanted, i + 1)) {
    const [before, after, further] = [text[i - 1] ?? "", text[i + wanted.length] ?? "", text[i + wanted.length + 1] ?? ""];
    const first = wanted[0] ?? "";
    const last = wanted[wanted.length - 1] ?? "";
    const cutBefore = wordy.test(first) && (wordy.test(before) || (/\d/.test(first) && /[.,]/.test(before) && /\d/.test(text[i - 2] ?? "")));
    const cutAfter = wordy.test(last) && (wordy.test(after) || (/\d/.test(last) && /[.,]/.test(after) && /\d/.test(further)));
    if (!cutBefore && !cutAfter) return i;
  }
  return -1;
}

/** scope is what can be used now: an open dialog keeps the rest away. */
export function scope(): Element {
  const modal = [...document.querySelectorAll("dialog[open],[role=dialog][aria-modal=true],[role=alertdialog][aria-modal=true]")].filter(visible);
  return modal[modal.length - 1] ?? document.body;
}

/** find is the part with a role and a name. */
export function find(part: Part, nth = 0, root: Element = scope()): Element {
  const pool = findAll(part, root);
  const el = pool[Math.max(0, nth - 1)];
  if (!el) throw new Miss(`only ${pool.length} of them`);
  return el;
}

/** findAll are the parts of exactly that name, else those that have it. */
export function findAll(part: Part, root: Element): Element[] {
  const all = [...root.querySelectorAll("*")].filter((el) => roleOf(el) === part.role && visible(el));
  const wanted = norm(part.name ?? "");
  const names = all.map((el) => norm(containers.has(part.role) ? `${el.getAttribute("aria-label") ?? ""} ${textOf(el)}` : nameOf(el)));
  let pool = wanted === "" ? all : all.filter((_, i) => names[i] === wanted);
  if (pool.length === 0) pool = all.filter((_, i) => holds(names[i]!, wanted) >= 0);
  if (pool.length > 0) return pool;
  const shown = [...new Set(names.filter(Boolean))].slice(0, 12).map((n) => n.slice(0, 60));
  throw new Miss(shown.length ? `no such ${part.role}; there are: ${shown.join(", ")}` : `no ${part.role} at all`);
}

/** within are the parts that a step looks into: what it says holds in one of them. */
export function within(part?: Part): Element[] {
  return part ? findAll(part, document.body) : [document.body];
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** field is the control with a label. */
export function field(label: string): HTMLElement {
  const wanted = norm(label);
  const all = [...scope().querySelectorAll<HTMLElement>("input:not([type=hidden]),select,textarea,[contenteditable=true],[role=radiogroup],[role=combobox],[role=slider],[role=textbox],[role=group],fieldset")].filter((el) => visible(el) || (el as Control).labels?.length);
  const names = all.map((el) => norm(nameOf(el)));
  const rank = (el: HTMLElement) => (el.matches("input,select,textarea") ? 0 : 1);
  for (const same of [(n: string) => n === wanted, (n: string) => n.startsWith(wanted), (n: string) => holds(n, wanted) >= 0]) {
    const found = all.filter((_, i) => same(names[i]!)).sort((a, b) => rank(a) - rank(b));
    if (found[0]) return found[0];
  }
  const shown = [...new Set(names.filter(Boolean))].slice(0, 12).map((n) => n.slice(0, 60));
  throw new Miss(shown.length ? `no such field; there are: ${shown.join(", ")}` : "no field at all");
}

const unseen = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "SELECT", "DATALIST", "TEMPLATE", "TITLE"]);

/** textOf is the text of root that is to be seen, a line for each block of it. */
export function textOf(root: Element): string {
  let out = "";
  let block: Element | null = null;
  const blocks = new Map<Element, Element>();
  const blockOf = (el: Element): Element => {
    const known = blocks.get(el);
    if (known) return known;
    const inline = getComputedStyle(el).display.startsWith("inline") && !el.matches("button,svg text,td,th");
    const found = inline && el.parentElement && el !== root ? blockOf(el.parentElement) : el;
    blocks.set(el, found);
    return found;
  };
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) => {
    if (!(node instanceof Element)) return NodeFilter.FILTER_ACCEPT;
    return unseen.has(node.tagName.toUpperCase()) || !visible(node) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  });
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.nodeValue ?? "";
    if (!text.trim() && !out) continue;
    const own = blockOf(node.parentElement!);
    if (own !== block && out) out += "\n";
    block = own;
    out += text;
  }
  return out;
}

/** figures are the numbers beside a label, wherever it stands. */
export function figures(label: string): number[] {
  const wanted = norm(label);
  const out: number[] = [];
  const leaves = [...document.body.querySelectorAll("*")].filter((el) => visible(el) && !unseen.has(el.tagName.toUpperCase()) && [...el.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && holds(norm(n.nodeValue ?? ""), wanted) >= 0));
  for (const leaf of leaves) {
    for (let el: Element | null = leaf, up = 0; el && el !== document.body && up < 4; el = el.parentElement, up++) {
      const found = numbers(norm(textOf(el)).replace(wanted, " "));
      if (found.length === 0) continue;
      out.push(...found);
      break;
    }
  }
  return out;
}

function numbers(text: string): number[] {
  return [...text.matchAll(/([-−]?)[$€£¥]?\s?(\d[\d,]*(?:\.\d+)?)/g)].map((m) => (m[1] ? -1 : 1) * Number(m[2]!.replaceAll(",", "")));
}

/** blank reports whether the window shows nothing at all. */
export function blank(): boolean {
  return !textOf(document.body).trim() && ![...document.querySelectorAll("canvas,svg,img,video,input,button,[role=img]")].some(visible);
}
