// The page of a trial without a desktop: what a program that drives a browser opens.
// Its server answers below the folder that the page lies in.
import { conduct, type Job, type ScenarioResult } from "./host.ts";

declare global {
  interface Window {
    trial(job: Job & { launch: { url: string; nonce: string }; app: string; id: string }): Promise<ScenarioResult>;
  }
}

interface Answer {
  n: number;
  value?: unknown;
  error?: string;
}

// Calls go over one socket, in order, and are answered in order: a request for each
// costs several times as much as what it asks for.
let line: Promise<WebSocket> | null = null;
let last = 0;
const waiting = new Map<number, (a: Answer) => void>();

function open(): Promise<WebSocket> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(new URL("calls", location.href.replace(/^http/, "ws")));
    socket.onopen = () => done(socket);
    socket.onmessage = (m) => {
      const a = JSON.parse(m.data as string) as Answer;
      waiting.get(a.n)?.(a);
      waiting.delete(a.n);
    };
    socket.onclose = () => {
      line = null;
      fail(new Error("the trial's line did not open"));
      for (const [n, hear] of waiting) hear({ n, error: "the trial's line has broken" });
      waiting.clear();
    };
  });
}

async function call(id: string, method: string, params: unknown, now: number): Promise<unknown> {
  const socket = await (line ??= open());
  const n = ++last;
  const a = await new Promise<Answer>((hear) => {
    waiting.set(n, hear);
    socket.send(JSON.stringify({ n, id, method, params, now }));
  });
  if (a.error !== undefined) throw new Error(a.error);
  return a.value ?? null;
}

window.trial = (job) =>
  conduct(job, {
    launch: job.launch,
    name: job.app,
    theme: () => ({ vars: {}, mode: "light" }),
    place: document.body,
    call: (method, params, now) => call(job.id, method, params, now),
  });
