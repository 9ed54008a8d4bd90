import { createElement, type CSSProperties } from "react";
import own from "./icons.gen.ts";

type Node = [tag: string, attributes: Record<string, string>][];

const table = (): Record<string, Node> => (globalThis as any)[Symbol.for("matrixos.icons")] ?? {};

/** kebab makes "arrow-left" of "ArrowLeft"; kebab names stay. */
function kebab(name: string): string {
  return name.replace(/([a-z])([A-Z0-9])/g, "$1-$2").replace(/([0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

export interface IconProps {
  name: string;
  size?: number;
  label?: string;
  style?: CSSProperties;
}

/** Icon draws a lucide icon by its kebab name; without a label it is decoration. */
export function Icon({ name, size = 18, label, style }: IconProps) {
  const key = kebab(name);
  const node: Node = own[key] ?? table()[key] ?? own["circle"]!;
  return (
    <svg className="mx-icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={(1.5 * 24) / Math.max(size, 18)} strokeLinecap="round" strokeLinejoin="round" role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true} style={style}>
      {node.map(([tag, attributes], i) => createElement(tag, { ...attributes, key: i }))}
    </svg>
  );
}
