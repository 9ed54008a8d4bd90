import { useEffect, useRef } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import type { ThemeFile } from "../../protocol/api.ts";
import { changeTheme, useSession } from "../../session/store.ts";
import { Segmented } from "../../ui/controls.tsx";
import { BlockedSection } from "./BlockedSection.tsx";
import { DevicesSection } from "./DevicesSection.tsx";
import { DriversSection } from "./DriversSection.tsx";
import { HandleSection } from "./HandleSection.tsx";
import { KeysSection } from "./KeysSection.tsx";
import { ModelSection } from "./ModelSection.tsx";
import { SecuritySection } from "./SecuritySection.tsx";
import { TokensSection } from "./TokensSection.tsx";
import "./settings.css";

const accents: readonly { hex: string; name: string }[] = [
  { hex: "#1F7A4D", name: "Green" },
  { hex: "#1B6F8A", name: "Teal" },
  { hex: "#2D5FB3", name: "Blue" },
  { hex: "#6B4FA0", name: "Plum" },
  { hex: "#A63D5C", name: "Rose" },
  { hex: "#96521B", name: "Rust" },
  { hex: "#5B5A3A", name: "Olive" },
];

const modes: readonly { value: ThemeFile["mode"]; label: string }[] = [
  { value: "system", label: "As the system" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

const settled = 3000;

/** keepAt scrolls to a section, and stays there while those above it load, until the owner scrolls. */
function keepAt(section: HTMLElement): () => void {
  const go = () => section.scrollIntoView({ block: "start" });
  const watch = new ResizeObserver(go);
  for (const one of section.parentElement?.children ?? []) watch.observe(one);
  const stop = () => watch.disconnect();
  const timer = setTimeout(stop, settled);
  const own = ["wheel", "pointerdown", "keydown", "touchstart"];
  for (const kind of own) addEventListener(kind, stop, { once: true, passive: true });
  go();
  return () => {
    clearTimeout(timer);
    for (const kind of own) removeEventListener(kind, stop);
    stop();
  };
}

export default function SettingsView({ arg }: ProgramProps) {
  const theme = useSession((s) => s.theme);
  const me = useSession((s) => s.me);
  const model = useRef<HTMLElement>(null);
  const keys = useRef<HTMLElement>(null);
  const drivers = useRef<HTMLElement>(null);
  const handle = useRef<HTMLElement>(null);
  useEffect(() => {
    const target = { keys, drivers, model, handle }[arg ?? ""]?.current;
    return target ? keepAt(target) : undefined;
  }, [arg]);
  return (
    <div className="settings">
      <section>
        <h2>Look</h2>
        <div className="setting">
          <span>Light or dark</span>
          <Segmented label="Light or dark" value={theme.mode} options={modes} onChange={(mode) => void changeTheme({ mode })} />
        </div>
        <div className="setting">
          <span>Signal colour</span>
          <div className="swatches" role="radiogroup" aria-label="Signal colour">
            {accents.map((a) => (
              <button key={a.hex} type="button" role="radio" aria-checked={theme.accent.toLowerCase() === a.hex.toLowerCase()} aria-label={a.name} title={a.name} style={{ background: a.hex }} onClick={() => void changeTheme({ accent: a.hex })} />
            ))}
          </div>
        </div>
        <div className="setting">
          <span>Wallpaper</span>
          <Segmented
            label="Wallpaper"
            value={theme.wallpaper === "none" ? "none" : "contours"}
            options={[
              { value: "contours", label: "Contours" },
              { value: "none", label: "Plain" },
            ]}
            onChange={(wallpaper) => void changeTheme({ wallpaper })}
          />
        </div>
        <p className="hint">
          Kept in <code>system/theme.json</code>. Your contours are drawn from your handle; no other home has them.
        </p>
      </section>
      <section ref={model}>
        <h2>Model</h2>
        <ModelSection />
      </section>
      <section ref={keys}>
        <h2>Keys</h2>
        <KeysSection />
      </section>
      <section ref={drivers}>
        <h2>Drivers</h2>
        <DriversSection />
      </section>
      <section>
        <h2>Agents of others</h2>
        <TokensSection />
      </section>
      <section ref={handle}>
        <h2>Handle</h2>
        <HandleSection />
      </section>
      <section>
        <h2>Blocked people</h2>
        <BlockedSection />
      </section>
      <section>
        <h2>Devices</h2>
        <DevicesSection />
      </section>
      <section>
        <h2>Your devices on Matrix</h2>
        <SecuritySection />
      </section>
      <section>
        <h2>About</h2>
        <dl className="about">
          <div>
            <dt>Handle</dt>
            <dd className="mono">{me?.handle}</dd>
          </div>
          <div>
            <dt>Home</dt>
            <dd className="mono">{me?.home}</dd>
          </div>
          <div>
            <dt>Version</dt>
            <dd className="mono">{me?.version}</dd>
          </div>
          <div>
            <dt>Licence</dt>
            <dd>AGPL-3.0. Everything here is a file in your home, and yours.</dd>
          </div>
        </dl>
      </section>
    </div>
  );
}
