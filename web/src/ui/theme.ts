// The theme on the page, and the variables that apps get of it.

export type Mode = "light" | "dark";

export interface FrameTheme {
  vars: Record<string, string>;
  mode: Mode;
}

/** applyTheme puts mode and accent on the page; null follows the system. */
export function applyTheme(mode: Mode | null, accent: string): void {
  const root = document.documentElement;
  if (mode) root.dataset.mode = mode;
  else delete root.dataset.mode;
  if (/^#[0-9a-f]{6}$/i.test(accent)) root.style.setProperty("--accent", accent);
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) meta.content = resolve("--desk");
}

export function currentMode(): Mode {
  const set = document.documentElement.dataset.mode;
  if (set === "light" || set === "dark") return set;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// What apps read, and the token behind each.
const names: Record<string, string> = {
  bg: "--sheet", fg: "--ink", card: "--sheet", "card-fg": "--ink", popover: "--float", "popover-fg": "--ink", secondary: "--sunk", "secondary-fg": "--ink",
  muted: "--sunk", "muted-fg": "--ink-2", primary: "--signal", "primary-fg": "--on-signal", accent: "--wash", "accent-fg": "--ink",
  destructive: "--red", success: "--signal", warning: "--amber", border: "--line", input: "--edge", ring: "--signal",
  "card-bg": "--sheet", "input-bg": "--sheet", "brand-primary": "--signal", "brand-deep": "--signal-deep",
};

// light-dark() and relative colours are only worked out where they are used, so
// an element is asked. Apps get plain sRGB, which any of their own code can read.
function resolve(token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return toHex(color);
}

let canvas: CanvasRenderingContext2D | null = null;

function toHex(color: string): string {
  canvas ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!canvas) return color;
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("")}`;
}

/** frameTheme is the theme as apps get it. */
export function frameTheme(): FrameTheme {
  const style = getComputedStyle(document.documentElement);
  const vars: Record<string, string> = {
    "--matrix-font-sans": style.getPropertyValue("--font-sans").trim(),
    "--matrix-font-mono": style.getPropertyValue("--font-mono").trim(),
    "--matrix-radius": style.getPropertyValue("--r-control").trim(),
  };
  for (const [name, token] of Object.entries(names)) vars[`--matrix-${name}`] = resolve(token);
  return { vars, mode: currentMode() };
}
