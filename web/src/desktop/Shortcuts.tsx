import { X } from "lucide-react";
import { commands } from "../commands/all.ts";
import { keyText, onMac } from "../commands/registry.ts";
import { IconButton } from "../ui/controls.tsx";
import { show } from "./store.ts";

export default function Shortcuts() {
  const keyed = commands.filter((c) => c.key);
  const groups = [...new Set(keyed.map((c) => c.group))];
  return (
    <div className="scrim" onPointerDown={(e) => e.target === e.currentTarget && show(null)}>
      <div className="dialog shortcuts" role="dialog" aria-modal="true" aria-label="Shortcuts" onKeyDown={(e) => e.key === "Escape" && show(null)}>
        <header>
          <h2>Shortcuts</h2>
          <IconButton icon={X} label="Close" autoFocus onClick={() => show(null)} />
        </header>
        <div className="shortcut-groups">
          {groups.map((g) => (
            <section key={g}>
              <h3>{g}</h3>
              <dl>
                {keyed
                  .filter((c) => c.group === g)
                  .map((c) => (
                    <div key={c.name}>
                      <dt>{c.label}</dt>
                      <dd>
                        <kbd>{keyText(c.key ?? "", onMac)}</kbd>
                      </dd>
                    </div>
                  ))}
              </dl>
            </section>
          ))}
        </div>
      </div>
    </div>
  );
}
