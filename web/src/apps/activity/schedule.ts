// A schedule in words.
import type { Schemas } from "../../protocol/wire.ts";
import { ago, count } from "../../ui/words.ts";

export type Job = Schemas["JobStatus"];

const weekdays: Record<string, string> = { mon: "Monday", tue: "Tuesday", wed: "Wednesday", thu: "Thursday", fri: "Friday", sat: "Saturday", sun: "Sunday" };

/** rhythmText says when a job is due. */
export function rhythmText(j: Pick<Job, "at" | "every" | "cron" | "zone">): string {
  const zone = j.zone ? ` (${j.zone})` : "";
  const [unit, ...rest] = (j.every ?? "").split(" ");
  if (j.cron) return `cron ${j.cron}${zone}`;
  switch (unit) {
    case "hour":
      return "every hour";
    case "day":
      return `every day at ${rest[0]}${zone}`;
    case "week":
      return `every ${weekdays[(rest[0] ?? "").toLowerCase().slice(0, 3)] ?? rest[0]} at ${rest[1]}${zone}`;
    case "month":
      return `on day ${rest[0]} of each month at ${rest[1]}${zone}`;
    default:
      return "once";
  }
}

/** missedText says what becomes of times at which it could not run. */
export function missedText(j: Pick<Job, "missed" | "at_most" | "at" | "missed_runs">): string {
  const policy = j.missed || (j.at && !j.at.startsWith("0001") ? "once" : "skip");
  const words = { skip: "missed times are left out", once: "missed times are made up for once", all: `missed times are made up for, the newest ${j.at_most || 3}` }[policy];
  return j.missed_runs > 0 ? `${words}; ${count(j.missed_runs, "time")} missed so far` : words;
}

/** resultText says how the newest run went; null if there was none. */
export function resultText(j: Pick<Job, "result" | "text" | "last_run" | "failures">, now = Date.now()): string | null {
  if (!j.result) return null;
  const when = j.last_run ? ` ${ago(j.last_run, now)}` : "";
  const said = j.text ? `: ${j.text}` : "";
  switch (j.result) {
    case "told":
      return `You were reminded${when}.`;
    case "running":
      return `It runs now, since${when || " a moment ago"}.`;
    case "ok":
      return `It worked${when}${said}`;
    case "failed":
      return `It failed${when}${(j.failures ?? 0) > 1 ? `, ${j.failures} times in a row` : ""}${said}`;
    case "rests":
      return `It rests since${when}${said}`;
    case "stopped":
      return `You stopped it${when}.`;
  }
}

/** dueText is a time by the clock of the owner's zone, which the kernel has written it in. */
export function dueText(time: string, here = new Date(time).getTimezoneOffset()): string {
  const wall = new Date(`${time.slice(0, 19)}Z`);
  const text = wall.toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  const offset = Math.round((wall.getTime() - Date.parse(time)) / 60_000);
  if (offset === -here) return text;
  const minutes = Math.abs(offset);
  return `${text} (UTC${offset < 0 ? "−" : "+"}${Math.floor(minutes / 60)}${minutes % 60 ? `:${String(minutes % 60).padStart(2, "0")}` : ""})`;
}
