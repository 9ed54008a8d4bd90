// The place of a window that is tried: as large as any, drawn at a hundredth of its size
// and not to be seen, but in view, since browsers let what is out of it stand still. It
// takes no pointer and no focus; should a browser give it the focus all the same, the
// owner has it back at once.

import type { Stage } from "./player.ts";

const look = "position:fixed;left:0;top:0;width:11px;height:8px;overflow:hidden;opacity:0;pointer-events:none;z-index:-1";
const size = "border:0;width:1100px;height:800px;transform:scale(.01);transform-origin:0 0";
const watch = 100; // ms

const isApart = "focus-without-user-activation";
const features = () => (document as unknown as { featurePolicy?: { features(): string[] } }).featurePolicy?.features() ?? [];

export function makeStage(): Stage {
  const place = document.createElement("div");
  place.className = "trial-stage";
  place.style.cssText = look;
  place.setAttribute("aria-hidden", "true");
  document.body.append(place);

  let before: Element | null = document.activeElement;
  const keep = () => {
    const now = document.activeElement;
    if (now && place.contains(now)) (before instanceof HTMLElement && before.isConnected ? before : document.body).focus({ preventScroll: true });
    else before = now;
  };
  const timer = setInterval(keep, watch);
  addEventListener("blur", keep);
  return {
    place,
    dress(frame) {
      frame.tabIndex = -1;
      frame.style.cssText = size;
      if (features().includes(isApart)) frame.allow = `${isApart} 'none'`;
    },
    strike() {
      keep();
      clearInterval(timer);
      removeEventListener("blur", keep);
      place.remove();
    },
  };
}
