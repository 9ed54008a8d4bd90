// Tailwind in the frame: its compiler watches the page and writes the styles of the
// classes that are there. What an app's own stylesheet and config say is handed to it.
import animations from "../node_modules/tw-animate-css/dist/tw-animate.css";
import "@tailwindcss/browser";

/** Config is what is understood of a tailwind.config.js. */
export interface Config {
  darkMode?: string | string[];
  theme?: Theme & { extend?: Theme };
}

type Theme = Record<string, unknown>;

// The sections of a version 3 theme, and what version 4 calls their variables.
const sections: Record<string, string> = {
  colors: "color", fontFamily: "font", fontSize: "text", fontWeight: "font-weight", spacing: "spacing", borderRadius: "radius", boxShadow: "shadow",
  screens: "breakpoint", maxWidth: "container", letterSpacing: "tracking", lineHeight: "leading", animation: "animate", blur: "blur",
};

/** style adds a stylesheet with Tailwind's directives to the page. */
export function style(css: string, config?: Config): void {
  const element = document.createElement("style");
  element.setAttribute("type", "text/tailwindcss");
  element.textContent = (config ? fromConfig(config) : "") + css.replace(/@import\s+["'](?:tw-animate-css|tailwindcss-animate)["'][^;]*;/g, () => animations);
  document.head.append(element);
}

/** fromConfig writes a version 3 config as the stylesheet that version 4 takes. */
export function fromConfig(config: Config): string {
  const { extend = {}, ...own } = config.theme ?? {};
  const lines: string[] = [];
  const frames: string[] = [];
  for (const theme of [own, extend]) {
    for (const [section, values] of Object.entries(theme)) {
      if (section === "keyframes") frames.push(...Object.entries(plain(values)).map(([name, steps]) => `@keyframes ${name} {${rules(plain(steps))}}`));
      else if (sections[section]) lines.push(...variables(sections[section]!, values));
    }
  }
  const dark = [config.darkMode ?? []].flat();
  const darkBy = dark[0] === "class" || dark[0] === "selector" ? `@custom-variant dark (&:where(${dark[1] ?? ".dark"}, ${dark[1] ?? ".dark"} *));\n` : "";
  return `${darkBy}@theme {\n${lines.join("\n")}\n${frames.join("\n")}\n}\n${animations}\n`;
}

const plain = (v: unknown): Record<string, unknown> => (v !== null && typeof v === "object" && !Array.isArray(v) ? (v as Record<string, unknown>) : {});

function variables(prefix: string, values: unknown): string[] {
  const out: string[] = [];
  for (const [key, value] of Object.entries(plain(values))) {
    const name = key === "DEFAULT" ? `--${prefix}` : `--${prefix}-${key}`;
    if (typeof value === "string" || typeof value === "number") out.push(`${name}: ${value};`);
    else if (Array.isArray(value)) out.push(`${name}: ${prefix === "text" ? value[0] : value.join(", ")};`);
    else out.push(...variables(name.slice(2), value));
  }
  return out;
}

const rules = (steps: Record<string, unknown>): string =>
  Object.entries(steps)
    .map(([step, props]) => `${step} {${Object.entries(plain(props)).map(([k, v]) => `${k.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}: ${v};`).join(" ")}}`)
    .join(" ");

let started = false;

/** start takes the config of a page that names Tailwind's own address, and sets it there. */
export function start(): void {
  const page = (globalThis as { tailwind?: { config?: Config } }).tailwind;
  if (!started && page?.config) style('@import "tailwindcss";', page.config);
  started = true;
}

start();
