// The event stream: one WebSocket that resumes where it was cut. Durable events
// arrive in order, without gap or double, across any number of reconnects,
// because each connection asks for what follows the last sequence number seen.
// Ephemeral events may be lost. Events are handed over once per frame.
import { parseFrame, type Event } from "../protocol/events.ts";
import type { Seq } from "../protocol/wire.ts";

export type LinkState = "connecting" | "open" | "lost";

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((e: { data: unknown }) => void) | null;
  onclose: ((e: { code: number }) => void) | null;
  close(): void;
}

export interface StreamOptions {
  url: string; // without the query
  after: Seq;
  onEvents(events: Event[]): void; // in order, batched
  onState(state: LinkState): void;
  connect?(url: string): SocketLike;
  schedule?(run: () => void): void; // when to hand over a batch
  wait?(ms: number, run: () => void): () => void; // returns cancel
}

const firstDelay = 250;
const longestDelay = 8000;

/** nextDelay doubles up to a limit; jitter keeps many tabs apart. */
export function nextDelay(attempt: number, random = Math.random()): number {
  const base = Math.min(longestDelay, firstDelay * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.75 + random / 2));
}

export interface Stream {
  close(): void;
  retryNow(): void;
}

export function openStream(o: StreamOptions): Stream {
  const connect = o.connect ?? ((url: string) => new WebSocket(url) as unknown as SocketLike);
  const schedule = o.schedule ?? scheduleFrame;
  const wait = o.wait ?? ((ms: number, run: () => void) => {
    const t = setTimeout(run, ms);
    return () => clearTimeout(t);
  });
  let last = o.after;
  let attempt = 0;
  let closed = false;
  let socket: SocketLike | null = null;
  let cancelWait: (() => void) | null = null;
  let queue: Event[] = [];
  let scheduled = false;

  const flush = () => {
    scheduled = false;
    const batch = queue;
    queue = [];
    if (batch.length > 0 && !closed) o.onEvents(batch);
  };

  const receive = (text: string) => {
    const frame = parseFrame(text);
    for (const e of frame.events) {
      if (e.seq !== 0 && e.seq <= last) continue; // seen on an earlier connection
      queue.push(e);
    }
    last = Math.max(last, frame.last);
    if (!scheduled && queue.length > 0) {
      scheduled = true;
      schedule(flush);
    }
  };

  const dial = () => {
    cancelWait = null;
    if (closed) return;
    const s = connect(`${o.url}?after=${last}`);
    socket = s;
    s.onopen = () => {
      attempt = 0;
      o.onState("open");
    };
    s.onmessage = (e) => {
      if (socket === s && typeof e.data === "string") receive(e.data);
    };
    s.onclose = () => {
      if (socket !== s || closed) return;
      socket = null;
      o.onState("lost");
      cancelWait = wait(nextDelay(attempt++), dial);
    };
  };

  o.onState("connecting");
  dial();
  return {
    close() {
      closed = true;
      cancelWait?.();
      socket?.close();
    },
    retryNow() {
      if (cancelWait === null) return;
      cancelWait();
      attempt = 0;
      dial();
    },
  };
}

// A hidden tab gets no animation frames, but its state must not fall behind.
function scheduleFrame(run: () => void): void {
  if (document.visibilityState === "hidden") setTimeout(run, 100);
  else requestAnimationFrame(run);
}
