// The first script of every app document. It makes window.MatrixOS, shakes hands
// with the shell, puts the libraries in place and starts the app. The server wraps
// it in a function whose only argument is the config of this launch.
import { atBase } from "./base.ts";
import { readOwn } from "./files.ts";
import { handOn, tellUse } from "./keys.ts";
import { keepLocal } from "./local.ts";
import { askInPage } from "./modals.ts";
import { defaults } from "./theme.ts";
import { connect } from "./port.ts";
import { tellPulse } from "./pulse.ts";
import { recordOnDemand } from "./record.ts";
import { makeSystem } from "./system.ts";

interface Config {
  nonce: string; // of the handshake
  name: string;
  entry: string; // the module to import once the libraries are there; "" in static apps
  base: string; // where the app's own server answers; "" without one
  local: Record<string, string> | null; // what the app has kept in localStorage
  modules: string[]; // specifiers that the entry needs, dependencies included
  libraries: string; // where they are served to this window; "" where the shell hands them over
  icons: Record<string, unknown>; // of the names that the code mentions
}

declare const __config: Config;

const script = document.currentScript as HTMLScriptElement | null;
const scriptNonce = script?.nonce ?? "";
script?.remove();

if (__config.base) atBase(__config.base);

const tokens = document.createElement("style");
tokens.textContent = defaults;
document.head.append(tokens);
(globalThis as any)[Symbol.for("matrixos.icons")] = __config.icons;

const link = connect(__config.nonce, __config.libraries ? [] : __config.modules);
tellPulse(link);
keepLocal(link, __config.local);
askInPage();
recordOnDemand(link);
tellUse(link);
if (!__config.base) readOwn(link);
const system = makeSystem(link, __config.name);
Object.defineProperty(window, "MatrixOS", { value: system, enumerable: true });

watchErrors();
link.connected.then(({ fonts, keys }) => {
  for (const [family, data] of fonts ?? []) document.fonts.add(new FontFace(family, data, { weight: "100 900" }));
  handOn(link, keys ?? []);
}, () => undefined);
if (__config.entry) link.connected.then(({ modules }) => start(__config.libraries ? served() : handed(modules)), showDetached);
watchReady();

// The addresses of the libraries, from what the shell has handed over.
function handed(modules: [string, string][]): Record<string, string> {
  const wanted = new Set(__config.modules);
  const imports: Record<string, string> = {};
  for (const [specifier, source] of modules) {
    if (wanted.has(specifier)) imports[specifier] = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  }
  return imports;
}

// The same where they are served: an address that stays the same is compiled once for
// all windows of a page.
function served(): Record<string, string> {
  return Object.fromEntries(__config.modules.map((m) => [m, m.replace("matrixos:/", __config.libraries)]));
}

function start(imports: Record<string, string>): void {
  const missing = __config.modules.filter((m) => !imports[m]);
  if (missing.length > 0) {
    fail(new Error(`The desktop did not hand over ${missing.join(", ")}; reload the page.`));
    return;
  }
  const map = document.createElement("script");
  map.type = "importmap";
  map.nonce = scriptNonce;
  map.textContent = JSON.stringify({ imports });
  document.head.append(map);
  // All at once, rather than each when one that needs it has been read.
  for (const url of Object.values(imports)) {
    const ahead = document.createElement("link");
    ahead.rel = "modulepreload";
    ahead.href = url;
    if (__config.libraries) ahead.crossOrigin = "anonymous";
    document.head.append(ahead);
  }
  import(new URL(__config.entry, document.baseURI).href).then(() => link.note({ type: "loaded" }), fail);
}

function watchErrors(): void {
  addEventListener("error", (e) => {
    if (e.message) report(e.message, e.error?.stack ?? `${e.filename}:${e.lineno}:${e.colno}`);
  });
  addEventListener("unhandledrejection", (e) => report(e.reason?.message ?? String(e.reason), e.reason?.stack ?? ""));
}

let reported = 0;
function report(message: string, stack: string): void {
  if (reported++ < 10) link.note({ type: "error", message: String(message).slice(0, 2000), stack: String(stack).slice(0, 8000) });
}

function fail(error: Error): void {
  report(error.message, error.stack ?? "");
  const root = document.getElementById("root") ?? document.body;
  if (root.childElementCount > 0) return;
  const box = document.createElement("p");
  box.setAttribute("role", "alert");
  box.style.cssText = "margin:24px;max-width:68ch;font:15px/22px var(--matrix-font-sans);color:var(--matrix-fg)";
  box.textContent = `${__config.name} did not start. ${error.message}`;
  root.append(box);
}

function showDetached(error: Error): void {
  if (window.parent === window) fail(error);
}

// "ready" is said once, after the first paint with something in it.
function watchReady(): void {
  const root = () => document.getElementById("root") ?? document.body;
  let said = false;
  const say = () => {
    if (said) return;
    said = true;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => link.note({ type: "ready" }), 0));
  };
  const seen = new MutationObserver(() => {
    if (root()?.childElementCount) say();
  });
  addEventListener("DOMContentLoaded", () => {
    if (!__config.entry) {
      link.note({ type: "loaded" });
      return say();
    }
    if (root().childElementCount) return say();
    seen.observe(root(), { childList: true, subtree: true });
  });
  new MutationObserver(() => link.note({ type: "title", title: document.title })).observe(document.head, { childList: true, subtree: true, characterData: true });
}
