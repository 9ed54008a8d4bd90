// Plays scenarios of contracts for the home, one at a time, in a hidden window of this
// desktop: a home without a browser of its own asks for it. The runner (web/runtime/trial)
// stands in this page, where the app does not reach; whatever it asks or says goes under
// the nonce that the home gave for this one job. The home has the say: what is not played
// to its end is given back, and nothing is claimed of it.
import type { Env, Job, ScenarioResult } from "../../../runtime/trial/host.ts";
import type { Schemas } from "../../protocol/wire.ts";

export type TrialJob = Schemas["TrialJob"];
export type TrialOutcome = Schemas["TrialOutcome"];
type Work = Job & { launch: { url: string; nonce: string }; app: string };

/** Stage is a place that the owner does not see. */
export interface Stage {
  place: HTMLElement;
  dress(frame: HTMLIFrameElement): void; // before it is put there
  strike(): void;
}

/** Needs is what a player works with. */
export interface Needs {
  take(id: string): Promise<TrialJob>;
  call(id: string, body: { nonce: string; method: string; params: unknown; now: number }): Promise<{ value?: unknown; error?: string }>;
  beat(id: string, nonce: string): Promise<void>;
  settle(id: string, outcome: TrialOutcome, leaving: boolean): Promise<void>;
  conduct(job: Job, env: Env): Promise<ScenarioResult>;
  modules(wanted: readonly string[]): Promise<[string, string][]>;
  stage(): Stage;
  inView(): boolean; // what nobody looks at is slowed down by browsers: then nothing is played
  calm(): Promise<void>; // returns when the owner can spare a moment
  every(ms: number, run: () => void): () => void; // returns how to end it
}

export interface Player {
  offered(id: string): void;
  giveBack(leaving: boolean): void; // ends what is played now
}

const beat = 3000; // ms between signs of life
const second = 1000;
/** patience is how many seconds an app may take for a scenario, the owner's pauses not counted. */
export const patience = 90;

interface End {
  result?: ScenarioResult;
  hangs?: boolean;
  leaving?: boolean;
}

export function makePlayer(n: Needs): Player {
  let busy = false;
  let next: string | null = null; // offered while another is played
  let giveBack: (leaving: boolean) => void = () => undefined;

  const play = async (id: string) => {
    const job = await n.take(id).catch(() => null); // another desktop has it, or it is over
    if (!job) return;
    const end = new AbortController();
    const stage = n.stage();
    const ends: (() => void)[] = [];
    let seconds = 0;
    let paused = false;
    const over = new Promise<End>((done) => {
      giveBack = (leaving) => done({ leaving });
      end.signal.addEventListener("abort", () => done({}));
      ends.push(n.every(second, () => (paused ? undefined : ++seconds > patience && done({ hangs: true }))));
    });
    ends.push(n.every(beat, () => void n.beat(id, job.nonce).catch(() => end.abort())));
    const calm = async () => {
      paused = true;
      await n.calm();
      paused = false;
    };
    const played = n.conduct(job.work as Work, envOf(n, job, stage, calm, end)).then(
      (result): End => ({ result }),
      (): End => ({}), // the runner has failed, not the app
    );
    const { result, hangs, leaving = false } = await Promise.race([played, over]);
    for (const stop of ends) stop();
    const heard = !end.signal.aborted;
    end.abort();
    stage.strike();
    if (heard) await n.settle(id, { nonce: job.nonce, version: job.version, ...(result ? { result } : {}), ...(hangs ? { hangs } : {}) }, leaving).catch(() => undefined); // then it is over without us
  };

  const offered = (id: string) => {
    if (!n.inView()) return;
    if (busy) {
      next = id;
      return;
    }
    busy = true;
    void play(id).finally(() => {
      busy = false;
      giveBack = () => undefined;
      const waits = next;
      next = null;
      if (waits !== null && waits !== id) offered(waits);
    });
  };
  return { offered, giveBack: (leaving) => giveBack(leaving) };
}

// Calls are made one after the other, as the runner's own page makes them: what a window
// does first is done first.
function envOf(n: Needs, job: TrialJob, { place, dress }: Stage, calm: () => Promise<void>, end: AbortController): Env {
  const { launch, app } = job.work as Work;
  let line: Promise<unknown> = Promise.resolve();
  const call = async (method: string, params: unknown, now: number) => {
    const answer = await n.call(job.id, { nonce: job.nonce, method, params, now }).catch((error: unknown) => {
      end.abort(); // the home no longer hears of this job
      throw error;
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value ?? null;
  };
  return {
    launch,
    name: app,
    place,
    theme: () => ({ vars: {}, mode: "light" }),
    modules: n.modules,
    unseen: { calm, dress, end: end.signal },
    call: (method, params, now) => {
      const next = line.then(() => call(method, params, now));
      line = next.catch(() => undefined);
      return next;
    },
  };
}
