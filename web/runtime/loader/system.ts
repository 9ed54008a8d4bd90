// window.MatrixOS: every method is a message to the shell.
import type { MatrixOS } from "../sdk/types.ts";
import { localKey } from "./local.ts";
import type { Link } from "./port.ts";
import { makeRooms } from "./rooms.ts";
import { seenRows } from "./seen.ts";
import { apply, initial } from "./theme.ts";

/** makeSystem builds the object that apps find as window.MatrixOS. */
export function makeSystem(link: Link, name: string): MatrixOS {
  const tables = new Map<string, Set<(change: { table: string }) => void>>();
  const keys = new Set<(key: string, app: string) => void>();
  const theme: Record<string, string> = initial();
  const app = { name };
  const rows = seenRows(link);
  let design = "";

  const putOn = (next: { vars: Record<string, string>; mode: "light" | "dark" } | undefined, id?: string) => {
    if (next) {
      apply(next);
      Object.assign(theme, next.vars);
    }
    if (id !== undefined) {
      design = id;
      document.documentElement.dataset.matrixDesign = id;
    }
    dispatchEvent(new CustomEvent("matrixos:theme", { detail: { theme, design } }));
  };

  link.connected.then(
    (c) => {
      Object.assign(app, c.app);
      putOn(c.theme, c.design ?? "");
    },
    () => undefined,
  );
  link.on("theme", (m) => putOn(m.theme, m.design));
  link.on("data", (m) => {
    if (m.table) for (const fn of tables.get(m.table) ?? []) run(() => fn({ table: m.table }));
    if (m.key && m.key !== localKey) for (const fn of keys) run(() => fn(m.key, m.app));
  });

  return {
    room: makeRooms(link),
    db: {
      find: (table, query = {}) => rows.find(table, query),
      findOne: rows.findOne,
      insert: (table, data) => link.call("db.insert", { table, data }),
      bulkInsert: (table, rows) => link.call("db.bulkInsert", { table, rows }),
      update: rows.update,
      bulkUpdate: rows.bulkUpdate,
      onConflict: rows.onConflict,
      delete: (table, id) => link.call("db.delete", { table, id }),
      count: (table, where) => link.call("db.count", { table, where }),
      search: (text, { table = "", limit } = {}) => link.call("db.search", { text, table, limit }),
      appInfo: () => link.call("db.appInfo", {}),
      onChange(table, fn) {
        const set = tables.get(table) ?? new Set();
        tables.set(table, set.add(fn));
        return () => void set.delete(fn);
      },
    },
    readData: (key) => link.call("data.read", { key }),
    writeData: (key, value) => link.call("data.write", { key, value }),
    onDataChange(fn) {
      keys.add(fn);
      return () => void keys.delete(fn);
    },
    openApp: (name, path) => link.call("openApp", { name, path }),
    navigate: (route, context) => link.call("navigate", { route, context }),
    generate: (context) => link.call("generate", { context }),
    integrations: () => link.call("integrations", {}),
    service: (service, action, params, label) => link.call("service", { service, action, params, label }),
    proxyFetch: (url) => link.call("proxyFetch", { url }),
    gatewayFetch: (url, init, timeoutMs) => link.call("gatewayFetch", { url, init, timeoutMs }),
    theme,
    get design() {
      return design;
    },
    app,
  };
}

// One listener's fault must not keep the others from hearing.
function run(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    reportError(error);
  }
}
