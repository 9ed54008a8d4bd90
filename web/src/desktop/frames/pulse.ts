// Whether an app's window answers, and what memory it takes. The shell asks each window
// every few seconds over its port; a window that is stuck in a loop does not answer. Asking
// costs next to nothing, and what browsers slow down in what nobody sees does not touch it:
// messages are not timers. What is counted is only time in which the shell itself was
// awake and in view, so neither a sleeping laptop nor a tab in the background is mistaken
// for a stuck app.

/** Ill is what is wrong with a window. */
export type Ill =
  | { kind: "silent"; seconds: number; with: string[] } // names of others that do not answer either, and may be the ones
  | { kind: "gone" } // it crashed, or shows what is none of the app's pages
  | { kind: "heavy"; bytes: number; before: number; minutes: number };

export const beat = 2; // seconds between two questions
export const told = 10; // seconds of silence until the owner hears of it
export const stuck = 30; // and until it counts as a fault: no work that is worth it takes the whole window so long
const slept = 5; // seconds too late at which the shell itself was away
const weighEvery = 60; // seconds

const MB = 1 << 20;
const tooMuch = 1024 * MB; // twice in a row
const grows = { times: 10, from: 256 * MB, by: 128 * MB }; // each more than the one before

/** Needs is what a pulse works with. */
export interface Needs {
  name: string;
  ask(message: { type: "pulse"; n: number } | { type: "weigh" }): boolean; // false while nobody is there to hear it
  onIll(ill: Ill | null): void;
  report(method: "app.stuck" | "app.heavy", params: object): Promise<void>; // once for each time
}

export interface Pulse {
  heard(n: number, alone: boolean): void;
  weighed(bytes: number): void;
  begin(): void; // a document has come
  over(): void; // it has ended; another one may follow
  patient(): void; // the owner wants to wait, or to keep it as it is
  givenUp(): Promise<void>; // the owner ends what does not answer
  end(): void;
}

interface Watched {
  name: string;
  alone: boolean | null; // null until it has answered once
  silence(): number; // seconds
  tick(seconds: number): void;
  forget(): void; // what was counted
}

/** Ward watches the windows of one desktop. */
export class Ward {
  private readonly all = new Set<Watched>();
  private last: number;
  private known = false; // that windows have processes of their own here

  constructor(private readonly now: () => number, private readonly inView: () => boolean) {
    this.last = now();
  }

  /** tick is to be called every few seconds. */
  tick(): void {
    const seconds = (this.now() - this.last) / 1000;
    this.last = this.now();
    const away = !this.inView() || seconds > beat + slept;
    for (const one of [...this.all]) away ? one.forget() : one.tick(Math.min(seconds, 2 * beat));
  }

  watch(n: Needs): Pulse {
    let on = false;
    let without = 0; // seconds without a document, after the first
    let begun = false;
    let asked = 0; // the number of the last question
    let open = false; // it has not been answered
    let silence = 0;
    let patience = told;
    let reported = false; // of this silence
    let ill: Ill | null = null;
    let sinceWeighed = weighEvery - 3 * beat; // the first time soon
    let weights: number[] = [];
    let heavyTold = false;

    const say = (next: Ill | null) => {
      if (ill === null && next === null) return;
      ill = next;
      n.onIll(next);
    };
    const forget = () => {
      silence = 0;
      open = false;
    };
    const one: Watched = { name: n.name, alone: null, silence: () => (on ? silence : 0), tick, forget };
    const better = () => {
      if (ill && ill.kind !== "heavy") say(null);
    };
    const report = () => {
      if (reported || this.suspects(one).length > 0) return Promise.resolve();
      reported = true;
      return n.report("app.stuck", {});
    };
    const weigh = (seconds: number) => {
      sinceWeighed += seconds;
      if (sinceWeighed < weighEvery || !one.alone) return;
      sinceWeighed = 0;
      n.ask({ type: "weigh" });
    };
    function tick(this: void, seconds: number): void {
      if (!on) {
        if (begun && (without += seconds) >= told && without - seconds < told) say({ kind: "gone" });
        return;
      }
      if (!open) {
        open = n.ask({ type: "pulse", n: ++asked });
        return weigh(seconds);
      }
      silence += seconds;
      if (silence >= patience) say({ kind: "silent", seconds: Math.round(silence), with: suspects() });
      if (silence >= stuck) void report();
    }
    const suspects = () => this.suspects(one).map((o) => o.name);
    this.all.add(one);

    return {
      heard: (answered, alone) => {
        one.alone = alone;
        if (alone) this.known = true;
        if (answered !== asked) return;
        forget();
        patience = told;
        reported = false;
        better();
      },
      weighed(bytes) {
        weights = [...weights.slice(1 - grows.times), bytes];
        const heavy = weight(weights);
        if (!heavy || heavyTold || ill !== null) return;
        heavyTold = true;
        say(heavy);
        void n.report("app.heavy", { bytes, before: heavy.before, minutes: heavy.minutes });
      },
      begin() {
        forget();
        [on, begun, reported, without, weights] = [true, true, false, 0, []];
        better();
      },
      over() {
        forget();
        on = false;
        better();
      },
      patient() {
        patience = silence + 2 * told;
        say(null);
      },
      givenUp: () => (ill?.kind === "silent" ? report() : Promise.resolve()),
      end: () => void this.all.delete(one),
    };
  }

  // Who else does not answer, and may be what keeps this one from it: where windows share
  // a process, one that is stuck stops all.
  private suspects(one: Watched): Watched[] {
    const apart = (o: Watched) => o.alone ?? this.known;
    if (apart(one)) return [];
    return [...this.all].filter((o) => o !== one && !apart(o) && o.silence() >= told / 2);
  }
}

/** weight says whether what a window took, minute by minute, is too much. */
export function weight(list: readonly number[]): Extract<Ill, { kind: "heavy" }> | null {
  const [before = 0, last = 0] = [list.at(-2), list.at(-1)];
  if (before > tooMuch && last > tooMuch) return { kind: "heavy", bytes: last, before, minutes: 0 };
  const first = list[0] ?? 0;
  const more = list.every((b, i) => i === 0 || b > list[i - 1]!);
  if (list.length < grows.times || !more || last < grows.from || last - first < grows.by) return null;
  return { kind: "heavy", bytes: last, before: first, minutes: ((list.length - 1) * weighEvery) / 60 };
}

/** ward is that of this desktop. */
export const ward = new Ward(() => performance.now(), () => document.visibilityState === "visible");

/** watchWindows keeps doing so as long as the page lives. */
export function watchWindows(): void {
  setInterval(() => ward.tick(), beat * 1000);
}
