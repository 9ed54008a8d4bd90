// A home in memory: files, landings, apps with their rows, processes, and the log.
import { createHash, randomUUID } from "node:crypto";

const sha = (text) => createHash("sha1").update(text).digest("hex");
const refuse = (status, kind, title, hint = "") => Object.assign(new Error(title), { status, kind, hint });

export class Home {
  constructor({ signedIn, pace }) {
    this.signedIn = signedIn;
    this.pace = pace; // stretches every pause of the script
    this.code = "first-light-4711";
    this.log = [];
    this.listeners = new Set();
    this.files = new Map([
      ["system/soul.md", "# Soul\n\nPlain, calm, and on the owner's side.\n"],
      ["system/user.md", "# You\n\nNothing is known yet.\n"],
      ["agents/builder.md", "---\nname: builder\n---\nYou build small apps.\n"],
    ]);
    this.landings = [];
    this.diffs = new Map();
    this.pasts = new Map(); // the files as of each landing
    this.snapshots = [];
    this.conflicts = [];
    this.refused = new Map(); // by conflict, the text that did not land
    this.builtOn = new Set(); // landings that cannot come back whole
    this.garbage = 9_000;
    this.apps = new Map();
    this.rows = new Map();
    this.processes = new Map();
    this.stops = new Map();
    this.questions = new Map();
    this.launches = new Map();
    this.layout = null;
    this.theme = { mode: "system", accent: "#1F7A4D", wallpaper: "contours" };
    this.model = "offline";
    this.land({ kind: "system", title: "A new home", files: Object.fromEntries(this.files), provenance: {} });
  }

  session() {
    const choice = this.models().choices.find((c) => c.id === this.model);
    return {
      handle: "@neo:local", name: "Neo", home: "/home/neo/matrixos", version: "0.1.0", seq: this.log.length,
      model: { id: this.model, label: choice?.label ?? this.model, note: choice?.note, attached: true },
    };
  }

  models() {
    return {
      current: this.model,
      choices: [
        { id: "offline", label: "Built-in", note: "Rule-based, on this machine, free. It builds everyday apps; it is not a language model.", attached: true },
        { id: "anthropic:claude-opus-4-6", label: "Claude Opus 4.6", note: "Anthropic. Needs a key; about $0.20 for a new app.", needs_key: true, attached: false },
        { id: "openai:NAME", label: "Any OpenAI-compatible model", note: "OpenAI, OpenRouter, Ollama, llama.cpp, vLLM.", needs_key: true, attached: false },
      ],
    };
  }

  setModel({ model, key }) {
    if (key === "wrong") throw refuse(401, "unauthorized", "The provider refused this key.", "Copy it again from the provider's page; keys end without a space.");
    this.model = model;
    this.emit("settings", { path: "system/config.json" }, {}, true);
    return this.models();
  }

  setTheme(theme) {
    this.theme = theme;
    this.emit("settings", { path: "system/theme.json" }, {}, true);
  }

  listen(fn) {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  emit(kind, data, of = {}, ephemeral = false) {
    const e = { seq: ephemeral ? 0 : this.log.length + 1, time: new Date().toISOString(), kind, ...of, data };
    if (!ephemeral) this.log.push(e);
    for (const fn of this.listeners) fn(e);
    return e;
  }

  conversations() {
    const out = new Map();
    for (const e of this.log) {
      if (e.kind !== "request") continue;
      const c = out.get(e.conversation) ?? { id: e.conversation, title: e.data.text, messages: 0 };
      out.set(e.conversation, { ...c, updated: e.time, messages: c.messages + 1 });
    }
    return [...out.values()].sort((a, b) => b.updated.localeCompare(a.updated));
  }

  process(p) {
    this.processes.set(p.pid, { ...p });
    this.emit("process", { ...p }, { pid: p.pid, conversation: p.conversation, request: p.request });
  }

  signal(pid, signal) {
    if (signal === "interrupt" || signal === "kill" || signal === "stop") this.stops.get(pid)?.abort();
  }

  answer(id, text) {
    const waiting = this.questions.get(id);
    if (!waiting) throw refuse(404, "not found", "That question is settled already.");
    this.questions.delete(id);
    waiting(text);
  }

  land({ kind, title, files, provenance, app, conversation }) {
    const id = this.landings.length + 1;
    const changes = [];
    const diffs = [];
    for (const [path, text] of Object.entries(files)) {
      const old = id === 1 ? undefined : this.files.get(path);
      if (text === null && old === undefined) continue;
      const op = text === null ? "deleted" : old === undefined ? "added" : "modified";
      changes.push({ path, op });
      diffs.push({ path, op, binary: false, patch: patchOf(old, text), old, text });
      if (text === null) this.files.delete(path);
      else this.files.set(path, text);
    }
    const slugs = [...new Set(changes.map((c) => /^apps\/([^/]+)\//.exec(c.path)?.[1]).filter(Boolean))];
    const landing = {
      id, commit: sha(`${id}${title}`), kind, title, time: new Date().toISOString(), changes, apps: slugs.length ? slugs : undefined,
      created: app && !this.apps.has(app.slug) ? [app.slug] : undefined, provenance,
    };
    this.landings.push(landing);
    this.diffs.set(id, diffs);
    this.pasts.set(id, new Map(this.files));
    this.emit("landing", landing, { pid: provenance.process, conversation, request: provenance.request });
    if (app) {
      const info = { ...app, landing: id, updated: landing.time };
      this.apps.set(app.slug, info);
      this.emit("app", { app: info });
    }
    return landing;
  }

  landingsPage(limit, before, text, by) {
    const has = (l) => `${l.title} ${l.changes.map((c) => c.path).join(" ")}`.toLowerCase().includes(text.toLowerCase());
    return this.landings.filter((l) => (!before || l.id < before) && (!text || has(l)) && (!by || l.kind === by)).toReversed().slice(0, limit);
  }

  filesAt(at) {
    if (!at) return this.files;
    const past = this.pasts.get(Number(at.replace(/^L/, "")));
    if (!past) throw refuse(404, "not found", `There is no ${at}.`);
    return past;
  }

  nameSnapshot({ name, at }) {
    if (this.snapshots.some((s) => s.name === name)) throw refuse(409, "exists", "The name is taken.", "Choose another.");
    const landing = this.landings[Number(at.replace(/^L/, "")) - 1];
    const snapshot = { name, landing: landing.id, title: landing.title, time: landing.time };
    this.snapshots.push(snapshot);
    return snapshot;
  }

  why(path) {
    const { content } = this.file(path);
    const by = this.landings.findLast((l) => l.changes.some((c) => c.path === path));
    const lines = content.replace(/\n$/, "").split("\n").map((text, i) => ({ number: i + 1, text, landing: by.id }));
    return { path, at: this.landings.length, kind: "text", lines, causes: [{ landing: by.id, kind: by.kind, title: by.title, time: by.time, provenance: by.provenance, lines: lines.length, files: [] }] };
  }

  compare(from, path, old = this.filesAt(from), now = this.files) {
    const files = [];
    for (const p of new Set([...old.keys(), ...now.keys()])) {
      const [a, b] = [old.get(p), now.get(p)];
      if (a === b || (path && p !== path && !p.startsWith(`${path}/`))) continue;
      files.push({ path: p, op: a === undefined ? "added" : b === undefined ? "deleted" : "modified", binary: false, patch: patchOf(a, b) });
    }
    return { from: Number(from.replace(/^L/, "")), to: this.landings.length, files };
  }

  restore({ path, at, preview }) {
    const past = this.filesAt(at);
    const { files } = this.compare(at, path, this.files, past);
    if (files.length === 0) throw refuse(409, "exists", `It is as it was at ${at} already.`, "Choose another moment.");
    if (preview) return { landing: { id: 0 }, files, skipped: [] };
    const title = `Restored ${path || "everything"} as of ${at}`;
    const landing = this.land({ kind: "owner", title, files: Object.fromEntries(files.map((f) => [f.path, past.get(f.path) ?? null])), provenance: { restores: Number(at.replace(/^L/, "")) } });
    return { landing, files, skipped: [] };
  }

  show(id) {
    const landing = this.landings[id - 1];
    if (!landing) throw refuse(404, "not found", `There is no L${id}.`);
    return { landing, files: this.diffs.get(id).map(({ old: _o, text: _t, ...d }) => d) };
  }

  refuse({ path, theirs, request, conversation }) {
    const conflict = {
      id: randomUUID().slice(0, 8), state: "waiting", time: new Date().toISOString(), title: `New words in ${path}`, tries: 3, base: this.landings.length, met: this.landings.length,
      files: [{ path }], changes: [{ path, op: "modified" }], provenance: { program: "builder", request, conversation },
    };
    this.conflicts.push(conflict);
    this.refused.set(conflict.id, theirs);
    this.emit("conflict", conflict, { request, conversation });
    return conflict;
  }

  conflict(id) {
    const conflict = this.conflicts.find((c) => c.id === id);
    if (!conflict) throw refuse(404, "not found", `There is no conflict ${id}.`);
    const side = (text) => ({ exists: text !== undefined, size: text?.length ?? 0, text });
    const files = conflict.files.map(({ path, choice }) => {
      const [ours, theirs] = [this.files.get(path), this.refused.get(id)];
      return { path, binary: false, choice, ours: side(ours), theirs: side(theirs), ours_patch: patchOf("", ours), theirs_patch: patchOf("", theirs) };
    });
    return { conflict, files };
  }

  resolve(id, { choice, content }) {
    const { conflict, files } = this.conflict(id);
    const text = choice === "file" ? Buffer.from(content, "base64").toString() : this.refused.get(id);
    const landing = choice === "ours" ? undefined : this.land({ kind: "agent", title: conflict.title, files: { [files[0].path]: text }, provenance: conflict.provenance });
    return { conflict: this.settle(id, landing?.id), landing };
  }

  settle(id, landing) {
    const { conflict } = this.conflict(id);
    Object.assign(conflict, { state: "settled", landing });
    this.emit("conflict", conflict, {});
    return conflict;
  }

  space() {
    const largest = [...this.files].map(([name, text]) => ({ name, bytes: text.length })).toSorted((a, b) => b.bytes - a.bytes);
    const home = largest.reduce((sum, f) => sum + f.bytes, 0);
    const store = 40_000 + this.garbage;
    return { home, store, free: 2e10, total: 5e10, apps: [], parts: [{ name: "history", bytes: store }], garbage: this.garbage, largest };
  }

  collect() {
    const { store } = this.space();
    this.garbage = 0;
    return { before: store, after: this.space().store };
  }

  undo(id, { preview, partial }) {
    const { landing } = this.show(id);
    if (landing.undone_by) throw refuse(409, "conflict", `L${id} has been undone by L${landing.undone_by}.`);
    if (this.builtOn.has(id) && !partial) throw refuse(409, "conflict", "later changes build on it", "take back only what nothing builds on with --partial");
    const inverse = this.diffs.get(id);
    const files = inverse.map((d) => ({ path: d.path, op: d.op === "added" ? "deleted" : d.op === "deleted" ? "added" : "modified", binary: false, patch: patchOf(d.text ?? undefined, d.old ?? null) }));
    if (preview) return { landing: { ...landing, id: 0 }, files };
    const touched = landing.apps?.[0];
    const undone = this.land({ kind: "undo", title: `Undo: ${landing.title}`, files: Object.fromEntries(inverse.map((d) => [d.path, d.old ?? null])), provenance: { undoes: id } });
    landing.undone_by = undone.id;
    if (touched && landing.created?.includes(touched)) {
      const app = this.apps.get(touched);
      this.apps.delete(touched);
      this.emit("app", { app, removed: true });
    }
    return { landing: undone, files };
  }

  removeApp(slug) {
    const app = this.apps.get(slug);
    if (!app) throw refuse(404, "not found", `There is no app ${slug}.`);
    const files = Object.fromEntries([...this.files.keys()].filter((p) => p.startsWith(`apps/${slug}/`)).map((p) => [p, null]));
    const landing = this.land({ kind: "owner", title: `Remove ${app.name}`, files, provenance: {} });
    this.apps.delete(slug);
    this.emit("app", { app, removed: true });
    return landing;
  }

  list(folder, at) {
    const prefix = folder === "" ? "" : `${folder}/`;
    const out = new Map();
    for (const [path, text] of this.filesAt(at)) {
      if (!path.startsWith(prefix)) continue;
      const [name, ...rest] = path.slice(prefix.length).split("/");
      out.set(name, { name, path: prefix + name, dir: rest.length > 0, size: rest.length ? 0 : text.length, modified: this.landings[0].time });
    }
    return [...out.values()];
  }

  file(path, at) {
    const content = this.filesAt(at).get(path);
    if (content === undefined) throw refuse(404, "not found", `There is no file ${path}.`);
    return { path, content, hash: sha(content) };
  }

  write({ path, content, hash }) {
    const old = this.files.get(path);
    if (hash && old !== undefined && sha(old) !== hash) throw refuse(409, "conflict", `${path} changed meanwhile.`);
    this.land({ kind: "owner", title: `Edit ${path}`, files: { [path]: content }, provenance: {} });
    return this.file(path);
  }

  launch(slug) {
    if (!this.apps.has(slug)) throw refuse(404, "not found", `There is no app ${slug}.`, "It may have been removed; the history brings it back.");
    const ticket = randomUUID();
    const launch = { slug, ticket, nonce: randomUUID(), capability: randomUUID() };
    this.launches.set(ticket, launch);
    return { url: `/app/${ticket}/`, nonce: launch.nonce, capability: launch.capability };
  }

  leave(capability) {
    for (const [ticket, l] of this.launches) if (l.capability === capability) this.launches.delete(ticket);
  }

  bridge(capability, method, params) {
    const launch = [...this.launches.values()].find((l) => l.capability === capability);
    if (!launch) throw refuse(403, "refused", "No app holds this capability.");
    const rows = this.rows.get(launch.slug) ?? [];
    if (method === "db.find") return rows;
    if (method === "db.insert") {
      const row = { id: randomUUID(), ...params.data };
      this.rows.set(launch.slug, [...rows, row]);
      this.emit("data", { app: launch.slug, table: params.table }, {}, true);
      return { id: row.id };
    }
    if (method === "app.error") return null;
    throw refuse(403, "refused", `This app may not use ${method}.`);
  }
}

// Whole files as one hunk will do for a mock.
function patchOf(old, text) {
  const a = old === undefined || old === null ? [] : old.replace(/\n$/, "").split("\n");
  const b = text === undefined || text === null ? [] : text.replace(/\n$/, "").split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const from = Math.max(0, head - 3);
  const after = Math.min(3, tail);
  const old_ = a.slice(head, a.length - tail);
  const new_ = b.slice(head, b.length - tail);
  const lines = [...a.slice(from, head).map((l) => ` ${l}`), ...old_.map((l) => `-${l}`), ...new_.map((l) => `+${l}`), ...a.slice(a.length - tail, a.length - tail + after).map((l) => ` ${l}`)];
  const n = head - from + after;
  return `--- a\n+++ b\n@@ -${from + 1},${old_.length + n} +${from + 1},${new_.length + n} @@\n${lines.join("\n")}\n`;
}
