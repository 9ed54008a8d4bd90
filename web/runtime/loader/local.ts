// A frame with an opaque origin has no localStorage. Apps of the web count on one, so
// the system keeps it as one JSON value of the app's data.
import type { Link } from "./port.ts";

/** The key of the app's data that holds it. */
export const localKey = "local-storage";

const quota = 5 << 20; // as browsers have it, in characters
const settle = 50; // ms from a change until it is written

type Items = Record<string, string>;

/** MemoryStorage is a Storage; changed hears which keys are different now. */
export class MemoryStorage {
  #items: Map<string, string>;
  readonly #changed: (keys: string[]) => void;

  constructor(items: Items, changed: (keys: string[]) => void = () => undefined) {
    this.#items = new Map(Object.entries(items).filter(([, v]) => typeof v === "string"));
    this.#changed = changed;
  }
  get length(): number {
    return this.#items.size;
  }
  key(n: number): string | null {
    return [...this.#items.keys()][n] ?? null;
  }
  getItem(key: string): string | null {
    return this.#items.get(String(key)) ?? null;
  }
  setItem(key: string, value: string): void {
    const next = new Map(this.#items).set(String(key), String(value));
    let size = 0;
    for (const [k, v] of next) size += k.length + v.length;
    if (size > quota) throw new DOMException(`Setting the value of '${key}' exceeded the quota.`, "QuotaExceededError");
    this.#items = next;
    this.#changed([String(key)]);
  }
  removeItem(key: string): void {
    if (this.#items.delete(String(key))) this.#changed([String(key)]);
  }
  clear(): void {
    const keys = [...this.#items.keys()];
    this.#items.clear();
    if (keys.length > 0) this.#changed(keys);
  }
  /** adopt takes over what another window has made of a key, and yields what it was; null is none. */
  adopt(key: string, value: string | null): string | null {
    const old = this.#items.get(key) ?? null;
    if (value === null) this.#items.delete(key);
    else this.#items.set(key, value);
    return old;
  }
}

/** asStorage gives the items as properties too, as pages use them: localStorage.theme = "dark". */
export function asStorage(own: MemoryStorage): Storage {
  const bound = (name: string) => {
    const value = (own as any)[name];
    return typeof value === "function" ? value.bind(own) : value;
  };
  return new Proxy(own as unknown as Storage, {
    get: (_, name) => (typeof name === "symbol" ? undefined : name in own ? bound(name) : (own.getItem(name) ?? undefined)),
    set: (_, name, value) => {
      own.setItem(String(name), value);
      return true;
    },
    has: (_, name) => typeof name === "string" && (name in own || own.getItem(name) !== null),
    deleteProperty: (_, name) => {
      own.removeItem(String(name));
      return true;
    },
    ownKeys: () => Array.from({ length: own.length }, (_, i) => own.key(i)!),
    getOwnPropertyDescriptor: (_, name) => {
      const value = typeof name === "string" ? own.getItem(name) : null;
      return value === null ? undefined : { value, writable: true, enumerable: true, configurable: true };
    },
  });
}

/**
 * keepLocal makes localStorage of what the app has kept, and sessionStorage for as long
 * as the window is open. What other windows change arrives as a storage event.
 */
export function keepLocal(link: Link, kept: Items | null): void {
  let changed = new Set<string>();
  let timer = 0;
  let writing = Promise.resolve();
  const write = async () => {
    timer = 0;
    const [keys] = [changed, (changed = new Set())];
    const now: Items = (await link.call("data.read", { key: localKey })) ?? {}; // others write too
    for (const key of keys) {
      const value = own.getItem(key);
      if (value === null) delete now[key];
      else now[key] = value;
    }
    await link.call("data.write", { key: localKey, value: now });
  };
  const flush = () => (writing = writing.then(write).catch((error) => reportError(error)));
  const own = new MemoryStorage(kept ?? {}, (keys) => {
    for (const key of keys) changed.add(key);
    if (timer === 0) timer = setTimeout(flush, settle) as unknown as number;
  });
  addEventListener("pagehide", () => void (timer !== 0 && flush()));
  link.on("data", async (m) => {
    if (m.key !== localKey) return;
    const now: Items = (await link.call("data.read", { key: localKey })) ?? {};
    const all = new Set([...Object.keys(now), ...Array.from({ length: own.length }, (_, i) => own.key(i)!)]);
    for (const key of all) {
      const value = now[key] ?? null;
      if (changed.has(key) || own.getItem(key) === value) continue;
      const oldValue = own.adopt(key, value);
      dispatchEvent(new StorageEvent("storage", { key, oldValue, newValue: value }));
    }
  });
  const put = (name: string, value: Storage) => Object.defineProperty(window, name, { configurable: true, enumerable: true, get: () => value });
  put("localStorage", asStorage(own));
  put("sessionStorage", asStorage(new MemoryStorage({})));
}
