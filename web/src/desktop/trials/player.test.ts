import { expect, test, vi } from "vitest";
import type { Env, Job, ScenarioResult } from "../../../runtime/trial/host.ts";
import { makeCalm } from "./calm.ts";
import { makePlayer, patience, type Needs } from "./player.ts";

const result: ScenarioResult = { name: "one", green: true, steps: [], properties: [], errors: [], console: [], millis: 3 };

// A home with one job, and a runner of which the test decides how it ends.
function world(more: Partial<Needs> = {}) {
  const ticks: { ms: number; run: () => void; on: boolean }[] = [];
  let env: Env | undefined;
  let finish: (r: ScenarioResult) => void = () => undefined;
  const strike = vi.fn();
  const needs = {
    take: vi.fn(async (id: string) => ({ id, nonce: `nonce-${id}`, version: "v1", work: { launch: { url: "/app/t/", nonce: "n" }, app: "Notes" } })),
    call: vi.fn(async () => ({ value: 42 })),
    beat: vi.fn(async () => undefined),
    settle: vi.fn(async () => undefined),
    conduct: vi.fn((_job: Job, e: Env) => new Promise<ScenarioResult>((done) => ((env = e), (finish = done)))),
    modules: vi.fn(async () => []),
    stage: () => ({ place: {} as HTMLElement, dress: () => undefined, strike }),
    inView: () => true,
    calm: async () => undefined,
    every(ms: number, run: () => void) {
      const tick = { ms, run, on: true };
      ticks.push(tick);
      return () => void (tick.on = false);
    },
    ...more,
  } satisfies Needs;
  const player = makePlayer(needs);
  const begun = async (id = "a") => {
    player.offered(id);
    await vi.waitFor(() => expect(needs.conduct).toHaveBeenCalled());
  };
  const tick = (ms: number) => ticks.filter((t) => t.on && t.ms === ms).forEach((t) => t.run());
  return { needs, player, begun, tick, strike, ticks, env: () => env!, finish: (r: ScenarioResult) => finish(r) };
}

const settled = (w: ReturnType<typeof world>) => vi.waitFor(() => expect(w.needs.settle).toHaveBeenCalledOnce());

test("a job is taken, played, and its result told once, under its nonce and version", async () => {
  const w = world();
  await w.begun();
  w.finish(result);
  await settled(w);
  expect(w.needs.settle).toHaveBeenCalledWith("a", { nonce: "nonce-a", version: "v1", result }, false);
  expect(w.strike).toHaveBeenCalledOnce();
  expect(w.ticks.every((t) => !t.on)).toBe(true);
});

test("a job that another desktop has is left to it", async () => {
  const w = world({ take: vi.fn(() => Promise.reject(new Error("another desktop has it"))) });
  w.player.offered("a");
  await vi.waitFor(() => expect(w.needs.take).toHaveBeenCalled());
  expect(w.needs.conduct).not.toHaveBeenCalled();
  expect(w.needs.settle).not.toHaveBeenCalled();
});

test("out of view nothing is taken", async () => {
  const w = world({ inView: () => false });
  w.player.offered("a");
  await Promise.resolve();
  expect(w.needs.take).not.toHaveBeenCalled();
});

test("one at a time; what is offered meanwhile comes next", async () => {
  const w = world();
  await w.begun("a");
  w.player.offered("a"); // said again
  w.player.offered("b");
  expect(w.needs.take).toHaveBeenCalledTimes(1);
  w.finish(result);
  await vi.waitFor(() => expect(w.needs.take).toHaveBeenLastCalledWith("b"));
});

test("a tab that goes out of view, or closes, gives the job back without a word of the app", async () => {
  for (const leaving of [false, true]) {
    const w = world();
    await w.begun();
    w.player.giveBack(leaving);
    await settled(w);
    expect(w.needs.settle).toHaveBeenCalledWith("a", { nonce: "nonce-a", version: "v1" }, leaving);
    expect(w.env().unseen?.end.aborted).toBe(true);
  }
});

test("a runner that fails says nothing of the app", async () => {
  const w = world({ conduct: () => Promise.reject(new Error("not loaded")) });
  w.player.offered("a");
  await settled(w);
  expect(w.needs.settle).toHaveBeenCalledWith("a", { nonce: "nonce-a", version: "v1" }, false);
});

test("an app that does not come to an end hangs; the owner's pauses do not count", async () => {
  let go: () => void = () => undefined;
  const w = world({ calm: () => new Promise((done) => (go = done)) });
  await w.begun();
  const pause = w.env().unseen!.calm();
  for (let i = 0; i < 2 * patience; i++) w.tick(1000);
  expect(w.needs.settle).not.toHaveBeenCalled();
  go();
  await pause;
  for (let i = 0; i <= patience; i++) w.tick(1000);
  await settled(w);
  expect(w.needs.settle).toHaveBeenCalledWith("a", { nonce: "nonce-a", version: "v1", hangs: true }, false);
});

test("a home that no longer hears of the job ends it, and is told nothing", async () => {
  const w = world({ beat: vi.fn(() => Promise.reject(new Error("over"))) });
  await w.begun();
  w.tick(3000);
  await vi.waitFor(() => expect(w.strike).toHaveBeenCalled());
  expect(w.needs.settle).not.toHaveBeenCalled();
});

test("calls go one after the other, and their errors are the app's", async () => {
  const order: string[] = [];
  let first: () => void = () => undefined;
  const w = world({
    call: vi.fn(async (_id, { method }) => {
      order.push(method);
      if (method === "db.insert") await new Promise<void>((done) => (first = done));
      return method === "db.find" ? { error: "no such table" } : {};
    }),
  });
  await w.begun();
  const a = w.env().call("db.insert", {}, 1);
  const b = w.env().call("db.find", {}, 2);
  const c = w.env().call("data.read", {}, 3);
  await vi.waitFor(() => expect(order).toEqual(["db.insert"]));
  first();
  expect(await a).toBeNull();
  await expect(b).rejects.toThrow("no such table");
  expect(await c).toBeNull();
  expect(order).toEqual(["db.insert", "db.find", "data.read"]);
});

test("what the owner does makes it wait, but not for ever", async () => {
  let now = 0;
  const waited: number[] = [];
  const calm = makeCalm(() => now, async (ms) => void ((now += ms), waited.push(ms)));
  await calm.calm();
  expect(waited).toEqual([]);
  calm.noted();
  await calm.calm();
  expect(now).toBeGreaterThanOrEqual(900);
  const busy = makeCalm(() => now, async (ms) => void ((now += ms), busy.noted()));
  busy.noted();
  const from = now;
  await busy.calm();
  expect(now - from).toBeLessThan(22_000);
});
