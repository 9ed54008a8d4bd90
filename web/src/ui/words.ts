// Figures and times in words, the same everywhere.
import type { Cost } from "../protocol/wire.ts";

export function money(usd: number, estimated = false): string {
  const digits = usd > 0 && usd < 0.01 ? 4 : 2;
  return `${estimated ? "about " : ""}$${usd.toFixed(digits)}`;
}

export function costText(cost: Cost): string {
  return money(cost.usd, cost.estimated);
}

export function tokens(n: number): string {
  if (n < 1000) return String(n);
  if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** ago is a relative time; exact belongs beside it, on hover. */
export function ago(time: string, now = Date.now()): string {
  const s = Math.round((now - Date.parse(time)) / 1000);
  if (Number.isNaN(s)) return "";
  if (s < 10) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  if (s < 7 * 86_400) return count(Math.floor(s / 86_400), "day") + " ago";
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export function exact(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** dayOf is the heading that a landing stands under. */
export function dayOf(time: string, now = new Date()): string {
  const day = new Date(time);
  const days = Math.round((new Date(now.toDateString()).getTime() - new Date(day.toDateString()).getTime()) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: now.getFullYear() === day.getFullYear() ? undefined : "numeric" });
}

/** whenText is a moment as people say it: "today, 14:03". */
export function whenText(time: string, now = new Date()): string {
  const clock = new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return `${dayOf(time, now).replace(/^(Today|Yesterday)$/, (d) => d.toLowerCase())}, ${clock}`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  if (n < 1024 ** 2) return `${(n / 1024).toFixed(n < 10 * 1024 ? 1 : 0)} kB`;
  if (n < 1024 ** 3) return `${(n / 1024 ** 2).toFixed(1)} MB`;
  return `${(n / 1024 ** 3).toFixed(1)} GB`;
}

/** greeting fits the hour and the person. */
export function greeting(name: string, hour: number): string {
  const part = hour < 5 ? "Good night" : hour < 12 ? "Good morning" : hour < 18 ? "Good afternoon" : "Good evening";
  return name ? `${part}, ${name}.` : `${part}.`;
}

/** sentence is a clause as one: with a capital letter and a full stop. */
export function sentence(text = ""): string {
  const head = text.charAt(0).toUpperCase() + text.slice(1);
  return head === "" || /[.!?`]$/.test(head) ? head : `${head}.`;
}
