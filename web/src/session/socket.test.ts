import { expect, test } from "vitest";
import type { Event } from "../protocol/events.ts";
import { nextDelay, openStream, type SocketLike } from "./socket.ts";

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;
  closed = false;
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
  close() {
    this.closed = true;
  }
}

const event = (seq: number) => ({ seq, time: "", kind: "notice", data: { level: "info", title: `n${seq}` } });

function world(after = 0) {
  const sockets: FakeSocket[] = [];
  const got: Event[] = [];
  const states: string[] = [];
  const frames: (() => void)[] = [];
  const waits: { ms: number; run: () => void }[] = [];
  const stream = openStream({
    url: "ws://x/api/events",
    after,
    onEvents: (e) => got.push(...e),
    onState: (s) => states.push(s),
    connect: (url) => {
      const s = new FakeSocket(url);
      sockets.push(s);
      return s;
    },
    schedule: (run) => frames.push(run),
    wait: (ms, run) => {
      waits.push({ ms, run });
      return () => undefined;
    },
  });
  const last = () => sockets.at(-1) ?? expect.unreachable();
  return {
    sockets, got, states, waits, frames, stream, last,
    send: (...events: unknown[]) => last().onmessage?.({ data: JSON.stringify(events) }),
    frame: () => frames.splice(0).forEach((run) => run()),
    drop: () => last().onclose?.({ code: 1006 }),
    redial: () => waits.splice(0).forEach((w) => w.run()),
  };
}

test("resumes after the last number seen, without loss or double", () => {
  const w = world(10);
  expect(w.last().url).toBe("ws://x/api/events?after=10");
  w.send(event(11), event(12));
  w.drop();
  w.redial();
  expect(w.last().url).toBe("ws://x/api/events?after=12");
  w.send(event(12), event(13));
  w.frame();
  expect(w.got.map((e) => e.seq)).toEqual([11, 12, 13]);
});

test("hands over once per frame, however many messages came", () => {
  const w = world();
  w.send(event(1));
  w.send(event(2));
  w.send({ ...event(0) });
  expect(w.frames).toHaveLength(1);
  expect(w.got).toHaveLength(0);
  w.frame();
  expect(w.got.map((e) => e.seq)).toEqual([1, 2, 0]);
});

test("kinds of a newer gateway are passed over, and still count", () => {
  const w = world();
  w.send(event(1), { seq: 2, time: "", kind: "telepathy", data: {} });
  w.frame();
  expect(w.got.map((e) => e.seq)).toEqual([1]);
  w.drop();
  w.redial();
  expect(w.last().url).toContain("after=2");
});

test("a socket that was replaced or closed is not listened to", () => {
  const w = world();
  const old = w.last();
  w.drop();
  w.redial();
  old.onmessage?.({ data: JSON.stringify([event(5)]) });
  old.onclose?.({ code: 1000 });
  w.frame();
  expect(w.got).toHaveLength(0);
  w.stream.close();
  expect(w.last().closed).toBe(true);
  w.drop();
  expect(w.waits).toHaveLength(0);
});

test("waits longer each time, up to a limit, and starts over once connected", () => {
  const delays = [0, 1, 2, 3, 20].map((n) => nextDelay(n, 0.5));
  expect(delays).toEqual([250, 500, 1000, 2000, 8000]);
  expect(nextDelay(2, 0)).toBeLessThan(nextDelay(2, 0.99));
  const w = world();
  w.drop();
  w.redial();
  w.drop();
  expect(w.waits[0]?.ms).toBeGreaterThan(300);
  w.redial();
  w.last().onopen?.();
  w.drop();
  expect(w.waits[0]?.ms).toBeLessThan(350);
  expect(w.states).toEqual(["connecting", "lost", "lost", "open", "lost"]);
});
