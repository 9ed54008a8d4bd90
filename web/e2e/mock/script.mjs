// The scripted agent: what it does depends on words in the request.
import { randomUUID } from "node:crypto";

const cost = (usd, n = 1) => ({ input: 1200 * n, output: 340 * n, cache_read: 8000 * n, cache_write: 0, usd });
const none = cost(0, 0);

/** run begins a request and returns its ticket; the rest happens as events. */
export function run(home, { text, conversation, app }) {
  const request = `r-${randomUUID().slice(0, 8)}`;
  const talk = conversation ?? `c-${randomUUID().slice(0, 8)}`;
  const pid = home.processes.size + 1;
  const of = { pid, conversation: talk, request };
  const agent = new Agent(home, of, text);
  home.emit("request", { text, from: "desktop", app }, of);
  agent.begin("kernel", text.split("\n")[0]);
  setTimeout(() => agent.play(), 0);
  return { request, conversation: talk, pid };
}

class Stopped extends Error {}

class Agent {
  constructor(home, of, text, parent) {
    Object.assign(this, { home, of, text, parent, spent: none, calls: 0, started: Date.now() });
    this.stop = parent?.stop ?? new AbortController();
    home.stops.set(of.pid, this.stop);
  }

  begin(program, task) {
    this.row = {
      pid: this.of.pid, parent: this.parent?.of.pid, program, conversation: this.of.conversation, request: this.of.request, task, state: "running",
      model: this.home.model, label: { integrity: 0, confidentiality: 0 }, cost: none, steps: 1, calls: 0, started: new Date().toISOString(),
    };
    this.home.process(this.row);
  }

  state(state, more = {}) {
    this.row = { ...this.row, state, cost: this.spent, calls: this.calls, ...more };
    if (["done", "failed", "killed"].includes(state)) this.row.ended = new Date().toISOString();
    this.home.process(this.row);
  }

  async pause(ms) {
    await new Promise((r) => setTimeout(r, ms * this.home.pace));
    if (this.stop.signal.aborted) throw new Stopped();
  }

  async say(text, { thinking = "", usd = 0 } = {}) {
    for (const part of thinking.match(/.{1,18}/gs) ?? []) {
      this.home.emit("delta", { thinking: part }, this.of, true);
      await this.pause(25);
    }
    for (const part of text.match(/.{1,14}/gs) ?? []) {
      this.home.emit("delta", { text: part }, this.of, true);
      await this.pause(20);
    }
    const c = cost(usd);
    this.spent = { ...this.spent, usd: this.spent.usd + usd, input: this.spent.input + c.input, output: this.spent.output + c.output };
    this.home.emit("message", { role: "assistant", text, cost: c }, this.of);
  }

  async call(name, title, { ms = 160, text = "", failed = false, input = {} } = {}, during) {
    const id = randomUUID();
    this.calls++;
    this.home.emit("call", { id, name, title, input }, this.of);
    if (name === "Write") {
      for (let i = 0; i < 6; i++) {
        this.home.emit("delta", { writing: "const line = 1;\n".repeat(7) }, this.of, true);
        await this.pause(30);
      }
    }
    const begun = Date.now();
    await during?.();
    await this.pause(ms);
    this.home.emit("result", { id, name, text, failed, millis: Date.now() - begun }, this.of);
    this.state("running");
  }

  async play() {
    const t = this.text.toLowerCase();
    try {
      if (/fail/.test(t)) return await this.fail();
      if (/which|ask me/.test(t)) return await this.ask();
      if (/what can you do/.test(t)) return await this.explain();
      if (/shop|repair|change /.test(t) && this.home.apps.size > 0) return await this.change();
      if (/remind/.test(t)) return await this.remind();
      await this.build(nameOf(this.text));
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      this.state("killed");
      this.finish({ ok: false, kind: "canceled", text: "Stopped on your request." });
    }
  }

  finish(answer) {
    this.home.emit("answer", { cost: this.spent, millis: Date.now() - this.started, ...answer }, this.of);
  }

  async build({ slug, name, icon, description }) {
    await this.say(`I'll make an app for that.`, { thinking: "They want something to keep and look at. A table, a form, a chart per month would do. One table with three columns.", usd: 0.004 });
    if (/retry/.test(this.text.toLowerCase())) {
      this.home.emit("delta", { text: "This text will be vo" }, this.of, true);
      await this.pause(60);
      this.home.emit("retry", { attempt: 1, millis: 900, reason: "overloaded" }, this.of, true);
      await this.pause(900);
    }
    const child = new Agent(this.home, { ...this.of, pid: this.home.processes.size + 1 }, this.text, this);
    await this.call("spawn", `Handing it to the builder`, { ms: 40, text: "L2 landed" }, async () => {
      this.state("waiting", { waiting_for: "child" });
      child.begin("builder", `Build ${name}`);
      await child.call("Glob", "Looking for `apps/*`", { text: "no files" });
      await child.say("", { thinking: "A Tracker with totals, and a Chart by month beside it. The fields go into one list so that both share them.", usd: 0.006 });
      await child.call("Write", `Writing \`apps/${slug}/matrix.json\``, { text: "14 lines" });
      await child.call("Write", `Writing \`apps/${slug}/src/App.tsx\``, { text: "src/App.tsx:12:7: the field `amuont` is not in the table\n\n12 |   y=\"amuont\"\n   |   ^", failed: true });
      await child.call("Edit", `Changing \`apps/${slug}/src/App.tsx\``, { text: "1 replacement" });
      await child.call("Bash", "Checking that it compiles", { ms: 420, text: "ok, 9.8 kB" });
      await child.say(`Built ${name}.`, { usd: 0.008 });
      child.state("landing");
      await child.pause(120);
      this.land(child.of.pid, `Add the app ${name}`, appFiles(slug, name, description), { slug, name, icon, description, version: "1.0.0", runtime: "vite", folder: `apps/${slug}`, ok: true, verified: "static", tables: ["items"] });
      child.state("done");
    });
    this.spent = { ...this.spent, usd: this.spent.usd + child.spent.usd };
    const text = `**${name}** is ready. Enter ${description.toLowerCase()}; the chart adds up each month.\n\nTwo things you could ask for next:\n- *add a field for the shop*\n- *show the chart per week*`;
    await this.say(text, { usd: 0.002 });
    this.state("done");
    this.finish({ ok: true, text, landings: [this.home.landings.length], open: [slug], verified: "static" });
  }

  land(process, title, files, app) {
    return this.home.land({
      kind: "agent", title, files, app, conversation: this.of.conversation,
      provenance: { process, parent: this.of.pid, program: "builder", request: this.of.request, conversation: this.of.conversation, model: this.home.model, cost: cost(0.014, 3), verified: "static" },
    });
  }

  async change() {
    const app = [...this.home.apps.values()].at(-1);
    const path = `apps/${app.slug}/src/App.tsx`;
    await this.say("", { thinking: "One more column, and the form has it too.", usd: 0.003 });
    await this.call("Read", `Reading \`${path}\``, { text: "     1\timport { App, Tracker } from \"@matrixos/ui\";" });
    await this.call("Edit", `Changing \`${path}\``, { text: "1 replacement" });
    const files = { [path]: this.home.files.get(path).replace("{ name: \"date\"", "{ name: \"shop\" },\n  { name: \"date\"") };
    this.land(this.of.pid, `${app.name}: add a field for the shop`, files, { ...app, ok: true, diagnostics: undefined });
    const text = "Added the field **shop**. Your rows are as they were.";
    await this.say(text, { usd: 0.002 });
    this.state("done");
    this.finish({ ok: true, text, landings: [this.home.landings.length], verified: "static" });
  }

  async ask() {
    const id = randomUUID();
    this.state("waiting", { waiting_for: "approval" });
    this.home.emit("question", { id, text: "Which currency do you count in?", choices: ["Euro", "US dollar", "Swiss franc"] }, this.of);
    const answer = await new Promise((resolve, reject) => {
      this.home.questions.set(id, resolve);
      this.stop.signal.addEventListener("abort", () => reject(new Stopped()));
    });
    this.state("running");
    const text = `Noted: you count in ${answer}.`;
    await this.say(text);
    this.state("done");
    this.finish({ ok: true, text });
  }

  async explain() {
    const text = "I make **apps** out of a description, change them later, and keep every step so that it can be undone.\n\n| You say | You get |\n|---|---|\n| *track my expenses* | a table with totals and a chart |\n| *a board for the move* | columns of cards |\n| *remind me on Saturday* | a notice, on time |\n\nEverything is a file in your home: `apps/`, `data/`, `system/`.";
    await this.say(text);
    this.state("done");
    this.finish({ ok: true, text });
  }

  async remind() {
    await this.call("manage_cron", "Noting the reminder", { text: "week sat 09:00" });
    const text = "I will remind you every Saturday at 9:00.";
    await this.say(text);
    this.state("done");
    this.finish({ ok: true, text });
    this.home.emit("notice", { level: "waiting", title: "Water the plants", text: "You asked to be reminded." });
  }

  async fail() {
    await this.call("Read", "Reading `apps/notes/src/App.tsx`", { text: "There is no such file.", failed: true });
    this.state("failed", { error: "The provider refused the key." });
    this.finish({ ok: false, kind: "unauthorized", text: "The model's provider refused the key.", hint: "Enter the key again in the settings, or go on with the offline model." });
  }
}

function nameOf(text) {
  if (/habit/i.test(text)) return { slug: "habits", name: "Habits", icon: "flame", description: "Habits with their streaks" };
  if (/flash ?card|spanish/i.test(text)) return { slug: "spanish-cards", name: "Spanish cards", icon: "languages", description: "Words with their meaning" };
  return { slug: "expenses", name: "Expenses", icon: "wallet", description: "Amount, category and date" };
}

function appFiles(slug, name, description) {
  return {
    [`apps/${slug}/matrix.json`]: JSON.stringify({ name, slug, description, version: "1.0.0", runtime: "vite", storage: { tables: { items: { columns: { amount: "float", category: "text", date: "text" } } } } }, null, 2) + "\n",
    [`apps/${slug}/index.html`]: `<div id="root"></div>\n<script type="module" src="/src/main.tsx"></script>\n`,
    [`apps/${slug}/src/App.tsx`]: `import { App, Chart, Tracker } from "@matrixos/ui";\n\nconst fields = [\n  { name: "amount", type: "money", required: true },\n  { name: "category", type: "choice", options: ["Food", "Home", "Travel"] },\n  { name: "date", type: "date", default: "today" },\n];\n\nexport default () => (\n  <App title="${name}">\n    <Tracker table="items" noun="expense" fields={fields} totals={["amount"]} />\n    <Chart table="items" kind="bar" x="date" every="month" y="amount" />\n  </App>\n);\n`,
  };
}

export { appFiles };
