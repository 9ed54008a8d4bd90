// Time and chance of a trial: a clock that moves only when the runner moves it, and
// random numbers from a seed. What the browser had is kept for the runner itself.

import { elsewhere, localParts, sameZone } from "./zone.ts";

export interface Clock {
  /** yields lets the page do what it has queued. */
  yields(): Promise<void>;
  /** frame waits for the browser to draw once, in real time. */
  frame(): Promise<void>;
  /** pass lets ms go by, running what falls due. */
  pass(ms: number): Promise<void>;
  /** soon runs short delays that are due within the moment that began at from; true if any ran. */
  soon(from: number): Promise<boolean>;
  now(): number;
}

interface Timer {
  id: number;
  at: number;
  every: number; // 0: once
  fn: (...args: unknown[]) => unknown;
  args: unknown[];
}

const moment = 400; // ms: what a person does not notice as waiting
const frameLength = 16;
// In a wait of more than a minute what repeats is called less often until the end
// comes near, as in a window that nobody looks at.
const lengthy = 60_000;
const lastPart = 2000;

/** fakeClock puts the clock in place of the page's own. */
export function fakeClock(start: number, seed: number): Clock {
  const real = { setTimeout: setTimeout.bind(window), frame: requestAnimationFrame.bind(window), report: reportError.bind(window) };
  let now = start;
  let last = 0;
  const timers = new Map<number, Timer>();
  const add = (fn: unknown, ms: unknown, every: boolean, args: unknown[]) => {
    const id = ++last;
    const delay = Math.max(every ? 1 : 0, Number(ms) || 0);
    if (typeof fn === "function") timers.set(id, { id, at: now + delay, every: every ? delay : 0, fn: fn as Timer["fn"], args });
    return id;
  };
  const put = (name: string, value: unknown) => Object.defineProperty(window, name, { value, writable: true, configurable: true });
  put("setTimeout", (fn: unknown, ms?: unknown, ...args: unknown[]) => add(fn, ms, false, args));
  put("setInterval", (fn: unknown, ms?: unknown, ...args: unknown[]) => add(fn, ms, true, args));
  put("requestAnimationFrame", (fn: FrameRequestCallback) => add(() => fn(now - start), frameLength - ((now - start) % frameLength), false, []));
  put("requestIdleCallback", (fn: IdleRequestCallback) => add(() => fn({ didTimeout: false, timeRemaining: () => 10 }), 1, false, []));
  for (const name of ["clearTimeout", "clearInterval", "cancelAnimationFrame", "cancelIdleCallback"]) put(name, (id: number) => void timers.delete(id));
  fakeDate(() => now);
  Object.defineProperty(performance, "now", { value: () => now - start });
  fakeChance(seed);

  const channel = new MessageChannel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  const yields = () => new Promise<void>((done) => {
    waiting.push(done);
    channel.port2.postMessage(null);
  });
  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const t of timers.values()) if (!first || t.at < first.at || (t.at === first.at && t.id < first.id)) first = t;
    return first;
  };
  const run = async (t: Timer) => {
    now = Math.max(now, t.at);
    if (t.every) t.at += t.every;
    else timers.delete(t.id);
    try {
      t.fn(...t.args);
    } catch (error) {
      real.report(error);
    }
    await yields();
    await yields();
  };
  return {
    yields,
    now: () => now,
    frame: () => new Promise((done) => {
      real.frame(() => done());
      real.setTimeout(done, 60); // a window that is not drawn has no frames
    }),
    async pass(ms) {
      const end = now + ms;
      const beat = ms > lengthy ? ms / 240 : 0;
      for (let t = next(); t && t.at <= end; t = next()) {
        await run(t);
        if (t.every) t.at = Math.max(t.at, Math.min(now + beat, end - lastPart));
      }
      now = end;
    },
    async soon(from) {
      const once = [...timers.values()].filter((t) => !t.every && t.at <= from + moment).map((t) => t.at);
      if (once.length === 0) return false;
      const end = Math.min(...once);
      for (let t = next(); t && t.at <= end; t = next()) await run(t);
      return true;
    },
  };
}

function fakeDate(now: () => number): void {
  const Real = Date;
  const local = localParts();
  const parse = (text: unknown) => new Real(...(local([String(text)]) as [number])).getTime();
  const fake = new Proxy(Real, {
    construct: (target, args, made) => Reflect.construct(target, args.length ? local(args) : [now()], made) as object,
    apply: () => new Real(now()).toString(),
    get: (target, key, self) => (key === "now" ? now : key === "parse" ? parse : Reflect.get(target, key, self)),
  });
  Object.defineProperty(Real.prototype, "constructor", { value: fake, writable: true, configurable: true });
  Object.defineProperty(window, "Date", { value: fake, writable: true, configurable: true });
}

function fakeChance(seed: number): void {
  let state = seed >>> 0;
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  Math.random = draw;
  const fill = <T extends ArrayBufferView | null>(array: T): T => {
    if (array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(draw() * 256);
    }
    return array;
  };
  Object.defineProperty(crypto, "getRandomValues", { value: fill });
  const hex = (n: number) => Array.from({ length: n }, () => Math.floor(draw() * 16).toString(16)).join("");
  Object.defineProperty(crypto, "randomUUID", { value: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}` });
}

/** sameEverywhere gives the page one language, zone and device, and still pictures, whatever the owner's are. */
export function sameEverywhere(): void {
  const language = "en-US";
  const zone = elsewhere() ? { timeZone: "UTC" } : {};
  sameZone();
  for (const [name, value] of Object.entries({ language, languages: [language], platform: "Linux x86_64", maxTouchPoints: 0, onLine: true })) {
    Object.defineProperty(Navigator.prototype, name, { get: () => value, configurable: true });
  }
  Object.defineProperty(window, "devicePixelRatio", { get: () => 1, configurable: true });
  for (const name of ["NumberFormat", "DateTimeFormat", "Collator", "PluralRules", "RelativeTimeFormat", "ListFormat"] as const) {
    const Real = Intl[name] as unknown as new (...args: unknown[]) => object;
    const own = name === "DateTimeFormat" ? zone : {};
    const withLanguage = ([locale, options, ...rest]: unknown[]) => [locale ?? language, { ...own, ...(options as object) }, ...rest];
    (Intl as Record<string, unknown>)[name] = new Proxy(Real, {
      construct: (target, args, made) => Reflect.construct(target, withLanguage(args), made) as object,
      apply: (target, self, args) => Reflect.apply(target as unknown as (...a: unknown[]) => unknown, self, withLanguage(args)),
    });
  }
  for (const [owner, names, own] of [[Number.prototype, ["toLocaleString"], {}], [Date.prototype, ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"], zone]] as const) {
    for (const name of names) {
      const real = (owner as unknown as Record<string, (...a: unknown[]) => string>)[name]!;
      Object.defineProperty(owner, name, { value(this: unknown, locale?: unknown, options?: object) { return real.call(this, locale ?? language, { ...own, ...options }); }, writable: true, configurable: true });
    }
  }
  const match = window.matchMedia.bind(window);
  window.matchMedia = (query) => match(device.reduce((q, [feature, holds]) => q.replace(feature, holds ? "(min-width: 0px)" : "(max-width: 0px)"), query));
  const still = new CSSStyleSheet();
  still.replaceSync("*,*::before,*::after{animation:none!important;transition:none!important;scroll-behavior:auto!important;caret-color:transparent!important}");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}

// What a page may ask of the device that it is on: a desk with a mouse, by day, that does not move.
const device: readonly [RegExp, boolean][] = [
  [/\(\s*prefers-reduced-motion(?:\s*:\s*reduce)?\s*\)/g, true],
  [/\(\s*prefers-reduced-motion\s*:\s*no-preference\s*\)/g, false],
  [/\(\s*prefers-color-scheme\s*:\s*dark\s*\)/g, false],
  [/\(\s*prefers-color-scheme\s*:\s*light\s*\)/g, true],
  [/\(\s*(?:any-)?pointer\s*:\s*fine\s*\)|\(\s*(?:any-)?hover(?:\s*:\s*hover)?\s*\)/g, true],
  [/\(\s*(?:any-)?pointer\s*:\s*(?:coarse|none)\s*\)|\(\s*(?:any-)?hover\s*:\s*none\s*\)/g, false],
];
