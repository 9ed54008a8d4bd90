import { afterEach, expect, test, vi } from "vitest";
import { linkFrame, type FrameLink, type Needs } from "./link.ts";

// The page's window, and the frames in it, as far as messages go.
class Page {
  listeners = new Set<(e: MessageEvent) => void>();
  addEventListener(_type: string, fn: unknown) {
    this.listeners.add(fn as (e: MessageEvent) => void);
  }
  removeEventListener(_type: string, fn: unknown) {
    this.listeners.delete(fn as (e: MessageEvent) => void);
  }
  say(source: unknown, data: unknown) {
    for (const fn of [...this.listeners]) fn({ source, data } as MessageEvent);
  }
}

interface Posted {
  message: { type: string; modules: unknown[]; app: { name: string } };
  port: MessagePort;
}

function fakeFrame() {
  const posted: Posted[] = [];
  return { posted, postMessage: (message: Posted["message"], _to: string, [port]: MessagePort[]) => void (port && posted.push({ message, port })) };
}

const open: (FrameLink | MessagePort)[] = [];
afterEach(() => open.splice(0).forEach((o) => o.close()));

function world(more: Partial<Needs> = {}) {
  const page = new Page();
  const frame = fakeFrame();
  const needs = {
    nonce: "n-1", name: "Expenses", design: "paper", frame: () => frame as unknown as Window, theme: () => ({ vars: {}, mode: "light" as const }),
    libraries: vi.fn(async () => [["a", "1"] as [string, string]]), bridge: vi.fn(async () => 42), onReady: vi.fn(), onTitle: vi.fn(), onError: vi.fn(),
    fonts: vi.fn(async () => []), keys: ["Mod+K"], onKey: vi.fn(), onUsed: vi.fn(), recording: () => null,
    onDocument: vi.fn(), onOver: vi.fn(), onPulse: vi.fn(), onWeight: vi.fn(), ...more,
  };
  const link = linkFrame(needs, page as unknown as Window);
  open.push(link);
  const connected = async () => {
    page.say(frame, { type: "matrixos:hello", nonce: "n-1" });
    await vi.waitFor(() => expect(frame.posted).toHaveLength(1));
    const { port } = frame.posted[0] as Posted;
    open.push(port);
    const got: unknown[] = [];
    port.onmessage = (e) => got.push(e.data);
    return { port, got };
  };
  return { page, frame, needs, link, connected };
}

const settle = () => new Promise((r) => setTimeout(r, 30));

test.each<[string, (w: ReturnType<typeof world>) => [unknown, unknown]]>([
  ["another window", () => [fakeFrame(), { type: "matrixos:hello", nonce: "n-1" }]],
  ["no window", () => [null, { type: "matrixos:hello", nonce: "n-1" }]],
  ["a wrong nonce", (w) => [w.frame, { type: "matrixos:hello", nonce: "n-2" }]],
  ["no nonce", (w) => [w.frame, { type: "matrixos:hello" }]],
  ["another type", (w) => [w.frame, { type: "hello", nonce: "n-1" }]],
  ["a text", (w) => [w.frame, "matrixos:hello"]],
])("%s gets no port", async (_name, from) => {
  const w = world();
  w.page.say(...from(w));
  await settle();
  expect(w.frame.posted).toHaveLength(0);
  expect(w.needs.libraries).not.toHaveBeenCalled();
});

test("one port, once, however often the frame says hello", async () => {
  const w = world();
  await w.connected();
  w.page.say(w.frame, { type: "matrixos:hello", nonce: "n-1" });
  await settle();
  expect(w.frame.posted).toHaveLength(1);
  expect(w.frame.posted[0]?.message).toMatchObject({ type: "matrixos:connect", app: { name: "Expenses" }, modules: [["a", "1"]] });
});

test("the next document of the app gets a port of its own, and that of the one before ends", async () => {
  const w = world();
  const { port, got } = await w.connected();
  w.page.say(w.frame, { type: "matrixos:hello", nonce: "n-1-second" });
  await vi.waitFor(() => expect(w.frame.posted).toHaveLength(2));
  const next = w.frame.posted[1]!.port;
  open.push(next);
  port.postMessage({ id: 1, method: "db.find" });
  await settle();
  expect(w.needs.bridge).not.toHaveBeenCalled();
  expect(got).toEqual([]);
  next.postMessage({ id: 1, method: "db.find" });
  await vi.waitFor(() => expect(w.needs.bridge).toHaveBeenCalledOnce());
  w.page.say(w.frame, { type: "matrixos:hello", nonce: "n-1" });
  w.page.say(w.frame, { type: "matrixos:hello", nonce: "n-1-second" });
  await settle();
  expect(w.frame.posted).toHaveLength(2);
});

test("calls are answered under their number, with a value or an error", async () => {
  const w = world({ bridge: vi.fn(async (method: string) => (method === "db.find" ? [1] : Promise.reject(new Error("not granted")))) });
  const { port, got } = await w.connected();
  port.postMessage({ id: 7, method: "db.find", params: { table: "t" } });
  port.postMessage({ id: 8, method: "service", params: {} });
  await vi.waitFor(() => expect(got).toEqual(expect.arrayContaining([{ id: 7, value: [1] }, { id: 8, error: "not granted" }])));
});

test("junk on the port is passed over", async () => {
  const w = world();
  const { port } = await w.connected();
  for (const junk of [null, 1, "x", {}, { id: "7", method: "db.find" }, { id: 7 }, { method: "db.find" }]) port.postMessage(junk);
  port.postMessage({ type: "ready" });
  await vi.waitFor(() => expect(w.needs.onReady).toHaveBeenCalledOnce());
  expect(w.needs.bridge).not.toHaveBeenCalled();
});

test("a window tells that it is used", async () => {
  const w = world();
  const { port } = await w.connected();
  port.postMessage({ type: "used" });
  await vi.waitFor(() => expect(w.needs.onUsed).toHaveBeenCalledOnce());
});

test("a frame hands on the shortcuts it was given, and no others", async () => {
  const w = world();
  const { port } = await w.connected();
  for (const shortcut of ["Mod+.", "Mod+K", undefined]) port.postMessage({ type: "key", shortcut });
  await vi.waitFor(() => expect(w.needs.onKey).toHaveBeenCalledWith("Mod+K"));
  expect(w.needs.onKey).toHaveBeenCalledTimes(1);
});

test("libraries that do not load are said in the window", async () => {
  const w = world({ libraries: async () => Promise.reject(new Error("The library react did not load (500).")) });
  w.page.say(w.frame, { type: "matrixos:hello", nonce: "n-1" });
  await vi.waitFor(() => expect(w.needs.onError).toHaveBeenCalledWith("The library react did not load (500).", ""));
});

test("after close nothing passes, in either direction", async () => {
  const w = world();
  const { port, got } = await w.connected();
  w.link.close();
  w.link.push({ type: "theme" });
  port.postMessage({ id: 1, method: "db.find" });
  await settle();
  expect(got).toEqual([]);
  expect(w.needs.bridge).not.toHaveBeenCalled();
  expect(w.page.listeners.size).toBe(0);
});

test("whether it answers and what it weighs reach the shell, in the form that they have to have", async () => {
  const [onPulse, onWeight] = [vi.fn(), vi.fn()];
  const w = world({ onPulse, onWeight });
  expect(w.link.push({ type: "pulse", n: 1 })).toBe(false);
  const { port, got } = await w.connected();
  expect(w.needs.onDocument).toHaveBeenCalledOnce();
  expect(w.link.push({ type: "pulse", n: 1 })).toBe(true);
  await vi.waitFor(() => expect(got).toContainEqual({ type: "pulse", n: 1 }));
  for (const m of [{ type: "pulse", n: "1" }, { type: "weight", bytes: "much" }, { type: "pulse", n: 1, alone: true }, { type: "pulse", n: 2 }, { type: "weight", bytes: 7 }]) port.postMessage(m);
  await vi.waitFor(() => expect(onWeight).toHaveBeenCalled());
  expect(onPulse.mock.calls).toEqual([[1, true], [2, false]]);
  expect(onWeight.mock.calls).toEqual([[7]]);
  port.close(); // the document is gone
  await vi.waitFor(() => expect(w.needs.onOver).toHaveBeenCalledOnce());
});

test("what the shell ends itself is not told as the document's end", async () => {
  const w = world();
  await w.connected();
  w.link.close();
  await settle();
  expect(w.needs.onOver).not.toHaveBeenCalled();
});
