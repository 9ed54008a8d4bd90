// What the owner does with the entries of an app as files: export, import, backup.
import type { AppBackup } from "../protocol/api.ts";
import type { AppInfo } from "../protocol/wire.ts";
import { api } from "../session/api.ts";
import { refusalOf } from "../session/http.ts";
import { attempt, notify } from "../session/store.ts";
import { count } from "../ui/words.ts";

function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// The promise stays open if nothing is chosen; nobody waits for it then.
function choose(accept: string): Promise<File> {
  return new Promise((resolve) => {
    const input = Object.assign(document.createElement("input"), { type: "file", accept });
    input.onchange = () => input.files?.[0] && resolve(input.files[0]);
    input.click();
  });
}

/** tableFor is the table that a file is for: the app's only one, or the one that the file is named after. */
export function tableFor(tables: readonly string[], file: string): string | undefined {
  if (tables.length === 1) return tables[0];
  const name = file.toLowerCase().replace(/\.[a-z]+$/, "");
  return tables.find((t) => name === t) ?? tables.find((t) => name.split(/[^a-z0-9_]+/).includes(t));
}

const none = (app: AppInfo) => notify({ level: "info", title: `${app.name} keeps no entries in tables`, text: "Back it up instead: that takes everything along." });

export async function exportEntries(app: AppInfo): Promise<void> {
  if (!app.tables?.length) return none(app);
  for (const table of app.tables) {
    const out = await attempt(`${table} was not exported`, () => api.exportRows(app.slug, table));
    if (out) save(`${app.slug}-${table}.csv`, out.text, "text/csv;charset=utf-8");
  }
}

export async function importEntries(app: AppInfo): Promise<void> {
  if (!app.tables?.length) return none(app);
  const file = await choose(".csv,.json,text/csv,application/json");
  const table = tableFor(app.tables, file.name);
  if (!table) {
    notify({ level: "error", title: `${app.name} has several tables`, text: `Name the file after one of them: ${app.tables.map((t) => `${t}.csv`).join(", ")}.` });
    return;
  }
  const form = file.name.toLowerCase().endsWith(".json") ? "json" : "csv";
  await bring({ app, table, form, name: file.name, text: await file.text() }, false);
}

interface Brought {
  app: AppInfo;
  table: string;
  form: "csv" | "json";
  name: string;
  text: string;
}

// refused is the file of which some rows break a rule of its app, until the next one.
let refused: Brought | undefined;

async function bring(file: Brought, leaveOut: boolean): Promise<void> {
  const { app } = file;
  refused = undefined;
  try {
    const done = await api.importRows(app.slug, file.table, file.form, file.text, leaveOut);
    const left = done.left ?? [];
    notify({
      level: left.length ? "waiting" : "info", title: `${count(done.rows, "entry", "entries")} added to ${app.name}`,
      text: left.length ? `${leftOut(left)} Undo takes back what was added.` : "Undo takes them back.", action: { label: "Show history", command: "go.history" },
    });
  } catch (error) {
    const why = refusalOf(error);
    const some = why.kind === "not verified" && why.hint.includes("all but these");
    if (some) refused = file;
    notify({
      level: "error", title: `${file.name} was not imported`, text: [why.message, why.hint && `${why.hint[0]?.toUpperCase()}${why.hint.slice(1)}.`].filter(Boolean).join("\n"),
      action: some ? { label: "Import the others", command: "app.import.others" } : undefined,
    });
  }
}

/** leftOut says which lines of a file were not imported. */
export function leftOut(lines: readonly number[]): string {
  const named = lines.slice(0, 10).join(", ") + (lines.length > 10 ? ", …" : "");
  return lines.length === 1 ? `Line ${named} breaks a rule of the app and was left out.` : `Lines ${named} break rules of the app and were left out.`;
}

/** importOthers brings in what was refused, without the rows that break a rule. */
export async function importOthers(): Promise<void> {
  if (refused) await bring(refused, true);
}

export async function backUpApp(app: AppInfo): Promise<void> {
  const backup = await attempt(`${app.name} was not backed up`, () => api.backupApp(app.slug));
  if (backup) save(`${app.slug}-${backup.made.slice(0, 10)}.backup.json`, JSON.stringify(backup), "application/json");
}

export async function restoreApp(): Promise<void> {
  const file = await choose(".json,application/json");
  const text = await file.text();
  const done = await attempt(`${file.name} was not restored`, () => api.restoreApp(JSON.parse(text) as AppBackup));
  if (!done) return;
  notify({
    level: "info", title: done.installed ? `${done.app} is back, with its data` : `The data of ${done.app} are as they were`,
    text: `${count(done.rows, "entry", "entries")} and ${count(done.keys, "value")}. What was added since has stayed.`, action: { label: "Show history", command: "go.history" },
  });
}
