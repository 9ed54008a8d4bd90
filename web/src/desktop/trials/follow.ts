// Wires the player to the home: offers come as events, and the home hears when this
// desktop is in view, so that what waited for one can be played.
import { onEvent, useSession } from "../../session/store.ts";
import { api } from "../../session/api.ts";
import { libraries } from "../frames/libraries.ts";
import { spare, watchOwner } from "./calm.ts";
import { makePlayer } from "./player.ts";
import { makeStage } from "./stage.ts";

const settled = 4000; // ms in view until the home hears of it

const inView = () => document.visibilityState === "visible";

/** followTrials keeps doing so as long as the page lives. */
export function followTrials(): void {
  watchOwner();
  const player = makePlayer({
    take: api.takeTrial,
    call: api.callTrial,
    beat: api.beatTrial,
    settle: api.endTrial,
    conduct: async (job, env) => (await import("../../../runtime/trial/host.ts")).conduct(job, env),
    modules: libraries,
    stage: makeStage,
    inView,
    calm: spare,
    every(ms, run) {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    },
  });
  onEvent((e) => {
    if (e.kind === "trial") player.offered(e.data.id);
  });
  addEventListener("pagehide", () => player.giveBack(true));

  let timer: ReturnType<typeof setTimeout> | undefined;
  const here = () => {
    clearTimeout(timer);
    if (!inView()) return player.giveBack(false);
    timer = setTimeout(() => {
      if (inView() && useSession.getState().link === "open") api.desktopHere().catch(() => undefined); // at the next occasion
    }, settled);
  };
  document.addEventListener("visibilitychange", here);
  useSession.subscribe((s, before) => {
    if (s.link === "open" && before.link !== "open") here();
  });
}
