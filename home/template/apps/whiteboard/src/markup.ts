// A board as an SVG file.
import { createElement } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { Shape } from "./Shape";
import type { Item, Rect } from "./shapes";

/** renderToStaticMarkup is the text of a picture of the items within a box. */
export function renderToStaticMarkup(items: Item[], box: Rect, paper: string): string {
  const holder = document.createElement("div");
  const root = createRoot(holder);
  flushSync(() =>
    root.render(createElement("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `${box.x} ${box.y} ${box.w} ${box.h}`, width: box.w, height: box.h }, createElement("rect", { ...{ x: box.x, y: box.y, width: box.w, height: box.h }, fill: paper }), items.map((it) => createElement(Shape, { key: it.id, it })))),
  );
  const text = holder.innerHTML;
  root.unmount();
  return text;
}
