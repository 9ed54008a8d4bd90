// The conductor of a trial, in the page around the app's frame: opens the window,
// has the frame do each step, carries the app's calls, and asks the data.
import type { Step as Deed } from "./acts.ts";

export interface Step extends Deed {
  rows?: string;
  where?: unknown;
  count?: number;
  key?: string;
  reload?: boolean;
  go_to?: string;
  wait?: string;
}

export interface Property {
  name: string;
  shown: string;
  sql: string;
  tolerance?: number;
}

export interface Job {
  name: string;
  at: string;
  steps: Step[];
  words: string[]; // each step, said
  pauses: number[]; // of wait steps, in ms
  properties: Property[];
}

export interface Launch {
  url: string;
  nonce: string;
}

/** Env is what a page has to bring for one scenario. */
export interface Env {
  launch: Launch;
  name: string;
  /** now is the trial's clock: what is written is of that time. */
  call(method: string, params: unknown, now: number): Promise<unknown>;
  theme(): { vars: Record<string, string>; mode: "light" | "dark" };
  place: HTMLElement; // where the frame is put
  /** modules are the libraries that a window asks for; without it they are served to it. */
  modules?(wanted: readonly string[]): Promise<[specifier: string, source: string][]>;
  /** unseen says that this is played behind the owner's back, in their own desktop. */
  unseen?: {
    calm(): Promise<void>; // returns when the owner can spare a moment; asked before each step
    dress(frame: HTMLIFrameElement): void; // before it is put in its place
    end: AbortSignal; // closes the window at once
  };
}

export interface StepResult {
  step: string;
  green: boolean;
  expected?: string;
  seen?: string;
  millis: number;
}

export interface CheckResult {
  name: string;
  green: boolean;
  skipped?: boolean;
  expected?: string;
  seen?: string;
}

export interface ScenarioResult {
  name: string;
  green: boolean;
  steps: StepResult[];
  properties: CheckResult[];
  errors: string[];
  console: string[];
  millis: number;
}

const changing: Record<string, true> = { "db.insert": true, "db.bulkInsert": true, "db.update": true, "db.bulkUpdate": true, "db.delete": true, "data.write": true, "room.set": true, "room.append": true, "room.score": true, "room.act": true };
const rounds = 6; // of rest without the expected, before it is missed
const longest = 2000; // frames until a window has to have started

/** conduct runs one scenario. It never throws: what goes wrong is in the result. */
export async function conduct(job: Job, env: Env): Promise<ScenarioResult> {
  const start = performance.now();
  const result: ScenarioResult = { name: job.name, green: false, steps: [], properties: [], errors: [], console: [], millis: 0 };
  const view = new View(env, moment(job.at), result);
  env.unseen?.end.addEventListener("abort", () => view.close());
  const timed = async (step: string, run: () => Promise<Outcome>) => {
    await env.unseen?.calm();
    const from = performance.now();
    let o: Outcome;
    try {
      o = await run();
    } catch (error) {
      o = { seen: (error as Error).message };
    }
    result.steps.push({ step, green: o === null, ...(o ?? {}), millis: Math.round(performance.now() - from) });
    return o === null;
  };
  let well = await timed("open the app", () => view.open());
  for (let i = 0; well && i < job.steps.length; i++) well = await timed(job.words[i] ?? "", () => view.step(job.steps[i]!, job.pauses[i] ?? 0));
  if (well) for (const p of job.properties) result.properties.push(await view.property(p).catch((e: Error) => ({ name: p.name, green: false, seen: e.message })));
  view.close();
  result.green = well && result.errors.length === 0 && result.properties.every((p) => p.green || p.skipped);
  result.millis = Math.round(performance.now() - start);
  return result;
}

/** moment is a local time of a contract: the zone of a trial is UTC. */
const moment = (local: string) => new Date(`${local}Z`).getTime();

type Outcome = { expected?: string; seen: string } | null; // null: as it should be

interface Reply {
  value?: unknown;
  miss?: string;
  error?: string;
}

/** View is the window of one scenario, over its reloads. */
class View {
  private frame: HTMLIFrameElement | null = null;
  private app: MessagePort | null = null;
  private trial: MessagePort | null = null;
  private readonly asked = new Map<number, (r: Reply) => void>();
  private last = 0;
  private received = 0; // calls of this load
  private answered = 0;
  private sent = 0; // calls, as the frame counts them
  private onAnswer: (() => void)[] = [];
  private started = false;
  private loaded = false;

  constructor(
    private readonly env: Env,
    private now: number,
    private readonly result: ScenarioResult,
  ) {}

  /** open loads the window afresh and waits until it has something to show. */
  async open(): Promise<Outcome> {
    this.close();
    this.received = this.answered = this.sent = 0;
    this.started = this.loaded = false;
    const frame = document.createElement("iframe");
    this.frame = frame;
    frame.title = "trial";
    frame.name = JSON.stringify({ now: this.now, seed: 7, unseen: this.env.unseen !== undefined });
    frame.setAttribute("sandbox", this.env.unseen ? "allow-scripts allow-forms" : "allow-scripts allow-forms allow-downloads");
    this.env.unseen?.dress(frame);
    frame.referrerPolicy = "no-referrer";
    const connected = this.handshake(frame);
    frame.src = this.env.launch.url;
    this.env.place.append(frame);
    await connected;
    const before = this.result.errors.length;
    for (let i = 0, idle = 0; i < longest && !(this.started && this.loaded); i++) {
      await this.settle();
      if (this.result.errors.length > before && this.loaded) break;
      if (this.loaded && ++idle > rounds) break;
      await this.ask({ frame: true });
    }
    await this.settle();
    if (this.result.errors.length > before) return { expected: "the app to start", seen: this.result.errors[before]! };
    if (!this.loaded) return { expected: "the app to start", seen: "a window that does not finish loading" };
    if (((await this.ask({ blank: true })).value as boolean) === true) return { expected: "something to look at", seen: "a blank window" };
    return null;
  }

  private handshake(frame: HTMLIFrameElement): Promise<void> {
    return new Promise((done, fail) => {
      const late = setTimeout(() => {
        removeEventListener("message", hello);
        fail(new Error("the window did not start"));
      }, 30_000);
      const hello = (e: MessageEvent) => {
        if (e.data?.type !== "matrixos:hello" || e.source !== frame.contentWindow || !String(e.data.nonce).startsWith(this.env.launch.nonce)) return;
        removeEventListener("message", hello);
        clearTimeout(late);
        const wanted = Array.isArray(e.data.modules) ? e.data.modules.filter((m: unknown) => typeof m === "string") : [];
        Promise.resolve(this.env.modules?.(wanted) ?? [])
          .then((modules) => this.connect(e.source as Window, modules))
          .then(done, fail);
      };
      addEventListener("message", hello);
    });
  }

  // The trial's port goes first, and alone: only the first script of the window gets to see it.
  private connect(frame: Window, modules: [string, string][]): void {
    const app = new MessageChannel();
    const trial = new MessageChannel();
    this.app = app.port1;
    this.trial = trial.port1;
    this.app.onmessage = (m) => void this.serve(app.port1, m.data);
    this.trial.onmessage = (m) => this.hear(m.data);
    frame.postMessage({ type: "matrixos:trial" }, "*", [trial.port2]);
    frame.postMessage({ type: "matrixos:connect", theme: this.env.theme(), design: "paper", app: { name: this.env.name }, modules }, "*", [app.port2]);
  }

  // A call of the app. The desktop's own methods do nothing here.
  private async serve(port: MessagePort, m: any): Promise<void> {
    if (m === null || typeof m !== "object") return;
    if (m.type === "ready") this.started = true;
    if (m.type === "loaded") this.loaded = true;
    if (typeof m.id !== "number" || typeof m.method !== "string") return;
    this.received++;
    const answer: Record<string, unknown> = { id: m.id };
    try {
      if (m.method === "generate") throw new Error("The owner is not here.");
      if (m.method.startsWith("trial.")) throw new Error("There is no such method.");
      answer.value = m.method === "openApp" || m.method === "navigate" ? null : await this.env.call(m.method, m.params ?? {}, this.now);
    } catch (error) {
      answer.error = error instanceof Error ? error.message : String(error);
    }
    if (port !== this.app) return; // of a load that is gone
    this.answered++;
    port.postMessage(answer);
    if (changing[m.method] && !answer.error) port.postMessage({ type: "data", table: m.params?.table, ...(m.method.startsWith("room.") ? { room: m.params?.room } : { key: m.params?.key }) });
    for (const fn of this.onAnswer.splice(0)) fn();
  }

  private hear(m: any): void {
    if (m?.log === "error" && this.result.errors.length < 20) this.result.errors.push(m.text);
    if (m?.log === "console" && this.result.console.length < 20) this.result.console.push(m.text);
    if (typeof m?.id !== "number") return;
    this.sent = m.sent;
    this.now = m.now;
    const fn = this.asked.get(m.id);
    this.asked.delete(m.id);
    fn?.(m);
  }

  private ask(order: object): Promise<Reply> {
    const id = ++this.last;
    return new Promise((done) => {
      this.asked.set(id, done);
      this.trial?.postMessage({ id, ...order });
    });
  }

  /** settle waits until the app has nothing left to do. */
  private async settle(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const answered = this.answered;
      await this.ask({ quiet: { answered } });
      if (this.sent === this.received && this.received === this.answered && answered === this.answered) return;
      if (this.received > this.answered) await new Promise<void>((done) => this.onAnswer.push(done));
    }
  }

  /** until tries until it is as it should be, or the app is at rest and it is not. */
  private async until(expected: string | undefined, attempt: () => Promise<string | null>): Promise<Outcome> {
    for (let i = 0; ; i++) {
      await this.settle();
      const seen = await attempt();
      if (seen === null) return null;
      if (i >= rounds) return { ...(expected ? { expected } : {}), seen };
      await this.ask({ frame: true });
    }
  }

  private async inFrame(step: Step): Promise<string | null> {
    const r = await this.ask({ step });
    return r.miss ?? r.error ?? null;
  }

  async step(s: Step, pause: number): Promise<Outcome> {
    if (s.reload) return this.open();
    if (s.go_to !== undefined) {
      this.now = moment(s.go_to.length === 10 ? `${s.go_to}T09:00` : s.go_to);
      return this.open();
    }
    if (s.wait !== undefined) {
      await this.settle();
      await this.ask({ pass: pause });
      await this.settle();
      return null;
    }
    if (s.rows !== undefined) return this.until(`${s.count} rows`, () => this.rows(s));
    if (s.key !== undefined) return this.until(JSON.stringify(s.is), () => this.key(s));
    let o: Outcome = null;
    for (let i = 0; o === null && i < Math.max(1, (s.press !== undefined && s.times) || 1); i++) o = await this.until(expectation(s), () => this.inFrame(s));
    if (o === null && expectation(s) === undefined) await this.settle(); // a look changes nothing
    return o;
  }

  private async rows(s: Step): Promise<string | null> {
    const n = (await this.env.call("db.count", { table: s.rows, where: s.where }, this.now)) as number;
    if (n === s.count) return null;
    const all = (await this.env.call("db.find", { table: s.rows, limit: 10 }, this.now)) as Record<string, unknown>[];
    return `${n} rows; the table has ${JSON.stringify(all.map(({ id: _i, created_at: _c, updated_at: _u, ...rest }) => rest)).slice(0, 600)}`;
  }

  private async key(s: Step): Promise<string | null> {
    const value = await this.env.call("data.read", { key: s.key }, this.now);
    return same(value, s.is) ? null : (JSON.stringify(value) ?? "nothing").slice(0, 600);
  }

  async property(p: Property): Promise<CheckResult> {
    await this.settle();
    const shown = (await this.ask({ figures: p.shown })).value as number[];
    const stored = (await this.env.call("trial.query", { sql: p.sql }, this.now)) as number | null;
    if (shown.length === 0 || stored === null) return { name: p.name, green: false, skipped: true };
    const near = p.tolerance || 0.005;
    const green = shown.some((n) => Math.abs(n - stored) <= near + 1e-9);
    return { name: p.name, green, expected: `${stored} beside ${JSON.stringify(p.shown)}`, seen: shown.join(", ") };
  }

  close(): void {
    this.frame?.remove();
    this.app?.close();
    this.trial?.close();
    this.frame = this.app = this.trial = null;
  }
}

function expectation(s: Step): string | undefined {
  if (s.see !== undefined) return JSON.stringify(s.see);
  if (s.see_not !== undefined) return `no ${JSON.stringify(s.see_not)}`;
  if (s.see_order) return s.see_order.join(", ");
  if (s.value !== undefined) return JSON.stringify(s.is);
  if (s.find !== undefined) return s.count === undefined ? "to find it" : `${s.count} of them`;
  return undefined;
}

// What is expected of an object may leave fields out.
function same(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === "number" && typeof value === "number") return Math.abs(value - wanted) < 1e-9;
  if (wanted === null || typeof wanted !== "object") return value === wanted;
  if (Array.isArray(wanted)) return Array.isArray(value) && value.length === wanted.length && wanted.every((w, i) => same(value[i], w));
  return value !== null && typeof value === "object" && !Array.isArray(value) && Object.entries(wanted).every(([k, w]) => same((value as Record<string, unknown>)[k], w));
}
