import { memo, useMemo } from "react";
import { contours, pathOf, seedOf } from "../ui/contours.ts";

/** Wallpaper draws the owner's own landscape; every fourth line is a little stronger. */
export const Wallpaper = memo(function Wallpaper({ handle, width, height }: { handle: string; width: number; height: number }) {
  // Rounded up, so that it is not drawn anew for every pixel of a resize.
  const w = Math.ceil(width / 320) * 320;
  const h = Math.ceil(height / 320) * 320;
  const levels = useMemo(() => contours(seedOf(handle), w, h).map((l) => ({ level: l.level, d: l.lines.map(pathOf).join("") })), [handle, w, h]);
  return (
    <svg className="wallpaper" viewBox={`0 0 ${w} ${h}`} width={w} height={h} aria-hidden>
      {levels.map(({ level, d }) => (
        <path key={level} d={d} strokeWidth={level % 4 === 0 ? 1.6 : 1} />
      ))}
    </svg>
  );
});
