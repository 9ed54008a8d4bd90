import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import { closeMenu, useMenu } from "./menu.ts";

export function Menu() {
  const { at, items } = useMenu();
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });

  useLayoutEffect(() => {
    const el = box.current;
    if (!at || !el) return;
    setPlace({ left: Math.max(8, Math.min(at.x, innerWidth - el.offsetWidth - 8)), top: Math.max(8, Math.min(at.y, innerHeight - el.offsetHeight - 8)) });
    el.querySelector<HTMLElement>("button")?.focus();
  }, [at]);

  useEffect(() => {
    if (!at) return;
    const away = (e: Event) => {
      if (!box.current?.contains(e.target as Node)) closeMenu();
    };
    addEventListener("pointerdown", away, true);
    addEventListener("blur", closeMenu);
    return () => {
      removeEventListener("pointerdown", away, true);
      removeEventListener("blur", closeMenu);
    };
  }, [at]);

  if (!at) return null;
  const onKeyDown = (e: KeyboardEvent<HTMLDivElement>) => {
    const all = [...e.currentTarget.querySelectorAll<HTMLElement>("button")];
    const here = all.indexOf(document.activeElement as HTMLElement);
    const go = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 }[e.key];
    if (go !== undefined) all.at(go % all.length)?.focus();
    else if (e.key === "Escape" || e.key === "Tab") closeMenu();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div ref={box} className="menu" role="menu" style={place} onKeyDown={onKeyDown}>
      {items.map((item, i) =>
        item ? (
          <button
            key={i}
            type="button"
            role="menuitem"
            className={item.loss ? "loss" : ""}
            onClick={() => {
              closeMenu();
              item.run();
            }}
          >
            {item.label}
            {item.key && <kbd>{item.key}</kbd>}
          </button>
        ) : (
          <hr key={i} />
        ),
      )}
    </div>
  );
}
