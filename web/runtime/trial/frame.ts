// The first script of an app that is on trial, before the loader: it puts clock,
// chance and language in place and does in the window what the conductor (host.ts)
// asks for, over a port of its own that the app does not see. The app may change whatever
// the page has: what reads orders and sends answers is therefore taken from it before the
// app is there, so that nobody but this script can answer for a step.
import { act, type Step } from "./acts.ts";
import { apart } from "./apart.ts";
import { fakeClock, sameEverywhere } from "./clock.ts";
import { blank, figures, Miss } from "./dom.ts";

interface Order {
  id: number;
  quiet?: { answered: number; again?: boolean }; // come to rest, having had so many answers
  step?: Step;
  pass?: number; // ms
  frame?: boolean;
  figures?: string;
  blank?: boolean;
}

const { apply } = Reflect;
const { setPrototypeOf } = Object;
const reader = <T>(of: object, name: string) => {
  const { get } = Object.getOwnPropertyDescriptor(of, name)!;
  return (on: object) => apply(get!, on, []) as T;
};
const dataOf = reader<unknown>(MessageEvent.prototype, "data");
const portsOf = reader<readonly MessagePort[]>(MessageEvent.prototype, "ports");
const sourceOf = reader<unknown>(MessageEvent.prototype, "source");
const { stopImmediatePropagation } = Event.prototype;
const { set: setHandler } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage")!;
const around = window.parent;

const config = JSON.parse(window.name || "{}") as { now?: number; seed?: number; unseen?: boolean };
window.name = "";
const clock = fakeClock(config.now ?? Date.now(), config.seed ?? 1);
sameEverywhere();
if (config.unseen) apart();

const stringify = JSON.stringify.bind(JSON);
let port: MessagePort | null = null;
let waiting: object[] = [];
const say = (message: object) => (port ? apply(send, port, [message]) : void waiting.push(message));

// Calls of the app are counted as they leave, and answers as they come, so that rest
// is known and not guessed.
const send = MessagePort.prototype.postMessage as (this: MessagePort, message: unknown) => void;
let sent = 0;
let answered = 0;
let changes = 0;
MessagePort.prototype.postMessage = function (this: MessagePort, message: any, ...rest: any[]) {
  if (this !== port && message && typeof message === "object" && typeof message.method === "string" && typeof message.id === "number") sent++;
  return (send as any).call(this, message, ...rest);
};
new MutationObserver(() => changes++).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });

const harmless = /^ResizeObserver loop/;
addEventListener("error", (e) => {
  if (e.message && !harmless.test(e.message)) say({ log: "error", text: clip(e.error?.message ?? e.message) });
});
addEventListener("unhandledrejection", (e) => say({ log: "error", text: `a promise was rejected: ${clip(e.reason?.message ?? String(e.reason))}` }));
const complain = console.error.bind(console);
console.error = (...args: unknown[]) => {
  complain(...args);
  say({ log: "console", text: clip(args.map((a) => (typeof a === "string" ? a : a instanceof Error ? a.message : safe(a))).join(" ")) });
};

function safe(value: unknown): string {
  try {
    return stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function clip(text: unknown): string {
  return String(text).slice(0, 500);
}

// The port comes in a message that nobody else gets to see, however early they listen.
addEventListener(
  "message",
  (e) => {
    const m = dataOf(e) as { type?: unknown } | null;
    if (m === null || typeof m !== "object" || sourceOf(e) !== around) return;
    const [first] = portsOf(e);
    if (m.type === "matrixos:connect" && first) {
      first.addEventListener("message", (answer) => {
        if (typeof answer.data?.id === "number") answered++;
      });
    }
    if (m.type !== "matrixos:trial" || port || !first) return;
    apply(stopImmediatePropagation, e, []);
    port = first;
    apply(setHandler!, port, [(order: MessageEvent) => void obey(own(dataOf(order)) as Order)]);
    const early = waiting;
    waiting = [];
    for (const message of early) say(message);
  },
  true,
);

// own takes from what was sent all that it may have from the page.
function own(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  setPrototypeOf(value, null);
  for (const name in value) own((value as Record<string, unknown>)[name]);
  return value;
}

async function obey(o: Order): Promise<void> {
  try {
    say({ id: o.id, value: await perform(o), sent, now: clock.now() });
  } catch (error) {
    if (error instanceof Miss) say({ id: o.id, miss: error.seen, sent, now: clock.now() });
    else say({ id: o.id, error: clip((error as Error).message), sent, now: clock.now() });
  }
}

let began = clock.now(); // the moment of the newest act

async function perform(o: Order): Promise<unknown> {
  if (o.quiet) return quiet(o.quiet.answered);
  if (o.frame) return clock.frame();
  if (o.pass !== undefined) {
    await clock.pass(o.pass);
    began = clock.now();
    return null;
  }
  if (o.blank) return blank();
  if (o.figures !== undefined) return figures(o.figures);
  if (o.step) {
    const deed = o.step.see === undefined && o.step.see_not === undefined && o.step.see_order === undefined && o.step.find === undefined && o.step.value === undefined;
    if (deed) began = clock.now();
    act(o.step);
  }
  return null;
}

// What an app asks its own server is waited for, to the end of the answer.
const asking = new Set<Promise<unknown>>();
const ask = window.fetch;
window.fetch = (...request) => {
  const answer = ask(...request);
  const whole: Promise<unknown> = answer
    .then((r) => (r.headers.get("Content-Type")?.startsWith("text/event-stream") ? null : r.clone().arrayBuffer()))
    .catch(() => null)
    .finally(() => asking.delete(whole));
  asking.add(whole);
  return answer;
};

// At rest: all answers are in, nothing short is due, and nothing has changed for a few turns.
async function quiet(wanted: number): Promise<null> {
  for (let i = 0, still = 0; i < 2000 && still < 3; i++) {
    const before = changes;
    if (asking.size > 0) {
      still = 0;
      await Promise.all(asking);
    }
    await clock.yields();
    const ran = await clock.soon(began);
    still = ran || changes !== before || answered < wanted ? 0 : still + 1;
  }
  return null;
}
