// Landings in the words of a timeline. Pure.
import type { LandingInfo } from "../../protocol/wire.ts";
import { dayOf } from "../../ui/words.ts";

/** who says who made a landing. */
export function who(l: Pick<LandingInfo, "kind" | "provenance">): string {
  switch (l.kind) {
    case "agent":
      return l.provenance.program ?? "agent";
    case "owner":
      return "you";
    case "undo":
      return l.provenance.undoes ? `undo of L${l.provenance.undoes}` : "undo";
    case "healer":
      return "healer";
    case "system":
      return "system";
    case "merge":
      return l.provenance.remote?.split(" ")[0] ?? "another device";
  }
}

/** Place is what the history shows: a landing, a conflict by its id, what takes room, or nothing yet. */
export type Place = number | { conflict: string } | "storage" | null;

/** placeOf reads a window's argument: "12", "conflict:ID" or "storage". */
export function placeOf(arg: string | undefined): Place {
  if (arg?.startsWith("conflict:")) return { conflict: arg.slice("conflict:".length) };
  if (arg === "storage") return arg;
  return Number(arg) > 0 ? Number(arg) : null;
}

/** Group is landings that came of one request, or one that came of none. */
export interface Group {
  request?: string;
  landings: LandingInfo[];
}

export interface Day {
  name: string;
  groups: Group[];
}

/** byDay puts landings, newest first, under days, and those of one request together. */
export function byDay(list: readonly LandingInfo[], now = new Date()): Day[] {
  const days: Day[] = [];
  for (const l of list) {
    const name = dayOf(l.time, now);
    let day = days.at(-1);
    if (day?.name !== name) days.push((day = { name, groups: [] }));
    const request = l.provenance.request;
    const last = day.groups.at(-1);
    if (request && last?.request === request) last.landings.push(l);
    else day.groups.push({ request, landings: [l] });
  }
  return days;
}

/** snapshotName makes a name that the disk takes of what a person types. */
export function snapshotName(text: string): string {
  return text
    .trim()
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/\.{2,}/g, ".")
    .replace(/^[^\p{L}\p{N}]+|[-.]+$/gu, "")
    .slice(0, 64);
}

/** base64 writes a text as the gateway reads bytes. */
export function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join(""));
}
