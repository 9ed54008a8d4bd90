// When the owner is at work, what is done behind their back waits.

const rest = 900; // ms after a key or a pointer
const longest = 20_000; // that one wait may take: an app that always says it is used keeps nothing from being tried

export interface Calm {
  noted(): void; // the owner has just done something
  calm(): Promise<void>; // returns when they have not for a moment
}

export function makeCalm(now: () => number = () => performance.now(), wait: (ms: number) => Promise<void> = (ms) => new Promise((r) => setTimeout(r, ms))): Calm {
  let last = -rest;
  return {
    noted: () => void (last = now()),
    async calm() {
      for (const from = now(); now() - last < rest && now() - from < longest; ) await wait(Math.max(50, rest - (now() - last)));
    },
  };
}

export const owner = makeCalm();

/** watchOwner notes what the owner does in this page; app windows tell of theirs (frames/link.ts). */
export function watchOwner(): void {
  for (const type of ["keydown", "pointerdown", "input", "wheel"]) addEventListener(type, owner.noted, { capture: true, passive: true });
}

/** spare waits for a moment in which the browser has nothing better to do, too. */
export async function spare(): Promise<void> {
  await owner.calm();
  if ("requestIdleCallback" in window) await new Promise<void>((done) => requestIdleCallback(() => done(), { timeout: 500 }));
}
