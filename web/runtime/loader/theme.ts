// The theme before the shell has said its own, and how a theme is put on.
import type { Theme } from "./port.ts";

const light: Record<string, string> = {
  bg: "#FAF9F6", fg: "#1C1B19", card: "#FFFFFF", "card-fg": "#1C1B19", popover: "#FFFFFF", "popover-fg": "#1C1B19",
  secondary: "#F1EFE9", "secondary-fg": "#1C1B19", muted: "#F1EFE9", "muted-fg": "#5F5C55", primary: "#1F7A4D", "primary-fg": "#FFFFFF",
  accent: "#E6F0EA", "accent-fg": "#1C1B19", destructive: "#B3261E", success: "#1F7A4D", warning: "#8F5B00", border: "#E4E1D9", input: "#D3CFC4",
  ring: "#1F7A4D", "card-bg": "#FFFFFF", "input-bg": "#FFFFFF", "brand-primary": "#1F7A4D", "brand-deep": "#14512F",
};

const dark: Record<string, string> = {
  bg: "#141413", fg: "#EDEBE6", card: "#1D1C1A", "card-fg": "#EDEBE6", popover: "#24231F", "popover-fg": "#EDEBE6",
  secondary: "#292723", "secondary-fg": "#EDEBE6", muted: "#24231F", "muted-fg": "#A6A299", primary: "#5CC994", "primary-fg": "#0B1F14",
  accent: "#1E2F26", "accent-fg": "#EDEBE6", destructive: "#F2867E", success: "#5CC994", warning: "#E3B25B", border: "#33312D", input: "#4A4740",
  ring: "#5CC994", "card-bg": "#1D1C1A", "input-bg": "#1D1C1A", "brand-primary": "#5CC994", "brand-deep": "#2F8A5D",
};

const both: Record<string, string> = {
  "font-sans": 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  "font-mono": '"JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  radius: "6px",
};

const css = (vars: Record<string, string>) => Object.entries(vars).map(([k, v]) => `--matrix-${k}:${v}`).join(";");

/** defaults is the stylesheet of the two built-in themes. */
export const defaults =
  `:root{color-scheme:light;${css(both)};${css(light)}}` +
  `@media(prefers-color-scheme:dark){:root:not([data-matrix-mode=light]){color-scheme:dark;${css(dark)}}}` +
  `:root[data-matrix-mode=dark]{color-scheme:dark;${css(dark)}}`;

/** initial is the theme that the page shows before the shell answers. */
export function initial(): Record<string, string> {
  const vars = { ...both, ...(matchMedia("(prefers-color-scheme: dark)").matches ? dark : light) };
  return Object.fromEntries(Object.entries(vars).map(([k, v]) => [`--matrix-${k}`, v]));
}

/** apply puts a theme on the root element; only custom properties of ours are taken. */
export function apply(theme: Theme): void {
  const root = document.documentElement;
  if (theme.mode === "light" || theme.mode === "dark") {
    root.dataset.matrixMode = theme.mode;
    root.style.colorScheme = theme.mode;
  }
  for (const [name, value] of Object.entries(theme.vars ?? {})) {
    if (name.startsWith("--matrix-") && typeof value === "string") root.style.setProperty(name, value);
  }
}
