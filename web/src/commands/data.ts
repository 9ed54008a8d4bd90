// What the owner does with the entries of an app as files: export, import, backup.
import type { AppBackup } from "../protocol/api.ts";
import type { AppInfo } from "../protocol/wire.ts";
import { api } from "../session/api.ts";
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
  const text = await file.text();
  const form = file.name.toLowerCase().endsWith(".json") ? "json" : "csv";
  const done = await attempt(`${file.name} was not imported`, () => api.importRows(app.slug, table, form, text));
  if (done) notify({ level: "info", title: `${count(done.rows, "entry", "entries")} added to ${app.name}`, text: "Undo takes them back.", action: { label: "Show history", command: "go.history" } });
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
