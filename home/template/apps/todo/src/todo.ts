// What a line of text says is to be done, and when it comes again.
import { addDays, isoDay, parseDay, type Row } from "@matrixos/sdk";

export interface Wish {
  title: string;
  due: string | null;
  list: string | null;
  important: boolean;
  repeat: string | null;
}

const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const dayName = days.map((d) => `${d}|${d.slice(0, 3)}`).join("|");
const number = (name: string) => days.findIndex((d) => d.startsWith(name.slice(0, 3).toLowerCase()));

/** nextDay is the first such day of the week after today, or on it if withToday. */
function nextDay(today: string, name: string, withToday = false): string {
  const ahead = (number(name) - parseDay(today)!.getDay() + 7) % 7;
  return addDays(today, ahead === 0 && !withToday ? 7 : ahead);
}

/**
 * readWish reads "Water the plants every friday #home !": words for a day and a
 * rhythm, a list after #, and a lone ! for what is important.
 */
export function readWish(text: string, today: string): Wish {
  const w: Wish = { title: "", due: null, list: null, important: false, repeat: null };
  let rest = ` ${text.trim()} `;
  const take = (form: RegExp, fn: (m: RegExpExecArray) => unknown) => {
    const m = form.exec(rest);
    if (!m || fn(m) === null) return; // null: it means nothing, and stays in the title
    rest = `${rest.slice(0, m.index)} ${rest.slice(m.index + m[0].length)}`;
  };
  take(/\s#([\p{L}\d_-]+)(?=\s)/u, (m) => (w.list = m[1]!.replaceAll("_", " ")));
  take(/\s!(?=\s)/, () => (w.important = true));
  take(/\severy (day|week|month|year)(?=\s)/i, (m) => ([w.repeat, w.due] = [{ day: "Daily", week: "Weekly", month: "Monthly", year: "Yearly" }[m[1]!.toLowerCase()]!, today]));
  take(new RegExp(`\\severy (${dayName})(?=\\s)`, "i"), (m) => ([w.repeat, w.due] = ["Weekly", nextDay(today, m[1]!, true)]));
  take(/\s(today|tonight|tomorrow)(?=\s)/i, (m) => (w.due = m[1]!.toLowerCase() === "tomorrow" ? addDays(today, 1) : today));
  take(/\s(?:next week)(?=\s)/i, () => (w.due = nextDay(today, "monday")));
  take(/\sin (\d{1,3}) (day|week)s?(?=\s)/i, (m) => (w.due = addDays(today, Number(m[1]) * (m[2]!.toLowerCase() === "week" ? 7 : 1))));
  take(new RegExp(`\\s(?:on |next )(${dayName})(?=\\s)`, "i"), (m) => (w.due = nextDay(today, m[1]!)));
  take(/\s(?:on )?(\d{4}-\d{2}-\d{2})(?=\s)/, (m) => parseDay(m[1]) && (w.due = m[1]!));
  w.title = rest.replace(/\s+/g, " ").trim();
  return w.title ? w : { title: text.trim(), due: null, list: null, important: false, repeat: null };
}

/** nextDue is when a repeating task comes again after it was done: after its day and not in the past. */
export function nextDue(due: string, repeat: string, today: string): string | null {
  const d = parseDay(due);
  const step = { Daily: [0, 1], Weekly: [0, 7], Monthly: [1, 0], Yearly: [12, 0] }[repeat];
  if (!d || !step) return null;
  for (let n = 1; ; n++) {
    const month = new Date(d.getFullYear(), d.getMonth() + n * step[0]!, 1);
    const last = new Date(month.getFullYear(), month.getMonth() + 1, 0).getDate();
    const day = step[0] ? isoDay(new Date(month.getFullYear(), month.getMonth(), Math.min(d.getDate(), last))) : addDays(due, n * step[1]!);
    if (day > due && day >= today) return day;
  }
}

export type View = "Today" | "Upcoming" | "All" | "Done";

/** inView keeps the tasks that belong to a view, in the order in which they are wanted. */
export function inView(rows: readonly Row[], view: View, list: string, today: string): Row[] {
  const own = rows.filter((r) => !list || r.list === list);
  if (view === "Done") return own.filter((r) => r.done).sort((a, b) => String(b.done_at ?? "").localeCompare(String(a.done_at ?? "")));
  const open = own.filter((r) => !r.done);
  const kept = view === "Today" ? open.filter((r) => r.due && r.due <= today) : view === "Upcoming" ? open.filter((r) => r.due && r.due > today) : open;
  const late = (r: Row) => String(r.due || "9999");
  return kept.sort((a, b) => late(a).localeCompare(late(b)) || Number(b.important ?? 0) - Number(a.important ?? 0) || String(a.created_at).localeCompare(String(b.created_at)));
}
