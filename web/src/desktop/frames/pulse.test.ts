import { expect, test, vi } from "vitest";
import { beat, stuck, told, Ward, weight, type Ill } from "./pulse.ts";

const MB = 1 << 20;

// A desktop with windows of which the test says whether they answer.
function desktop() {
  let now = 0;
  let inView = true;
  const ward = new Ward(() => now, () => inView);
  const pass = (seconds: number) => {
    for (let s = 0; s < seconds; s += beat) {
      now += beat * 1000;
      ward.tick();
    }
  };
  const open = (name: string, alone = true) => {
    const w = {
      answers: true, weighs: 0, ill: null as Ill | null, shown: 0,
      report: vi.fn(async () => undefined),
      pulse: undefined as unknown as ReturnType<Ward["watch"]>,
    };
    w.pulse = ward.watch({
      name,
      ask(m) {
        if (m.type === "weigh") w.weighs++;
        else if (w.answers) queueMicrotask(() => w.pulse.heard(m.n, alone));
        return true;
      },
      onIll(ill) {
        w.ill = ill;
        if (ill) w.shown++;
      },
      report: w.report,
    });
    w.pulse.begin();
    return w;
  };
  // Time in which windows can answer, which they do between two ticks.
  const live = async (seconds: number) => {
    for (let s = 0; s < seconds; s += beat) {
      pass(beat);
      await Promise.resolve();
    }
  };
  return { open, live, sleep: (seconds: number) => void (now += seconds * 1000), see: (yes: boolean) => void (inView = yes) };
}

test("a window that answers is never ill, for an hour", async () => {
  const d = desktop();
  const w = d.open("Notes");
  await d.live(3600);
  expect(w.shown).toBe(0);
  expect(w.report).not.toHaveBeenCalled();
});

test("a stuck one: the owner hears after ten seconds, the healer after thirty, once", async () => {
  const d = desktop();
  const w = d.open("Notes");
  await d.live(20);
  w.answers = false;
  await d.live(told);
  expect(w.ill).toBeNull();
  await d.live(2 * beat);
  expect(w.ill).toMatchObject({ kind: "silent", with: [] });
  expect(w.report).not.toHaveBeenCalled();
  await d.live(stuck);
  expect(w.report.mock.calls).toEqual([["app.stuck", {}]]);
  await d.live(600);
  expect(w.report).toHaveBeenCalledOnce();
});

test("work that takes long and ends is told while it lasts, and not reported", async () => {
  const d = desktop();
  const w = d.open("Chess");
  w.answers = false;
  await d.live(stuck - 2 * beat);
  expect(w.ill?.kind).toBe("silent");
  w.answers = true;
  w.pulse.heard(1, true);
  expect(w.ill).toBeNull();
  await d.live(600);
  expect(w.report).not.toHaveBeenCalled();
});

test("work under ten seconds is not even told", async () => {
  const d = desktop();
  const w = d.open("Chess");
  for (let n = 0; n < 20; n++) {
    w.answers = false;
    await d.live(told - beat);
    w.answers = true;
    w.pulse.heard(1e9, true); // what was not asked counts for nothing
    await d.live(beat);
    w.pulse.begin();
  }
  expect(w.shown).toBe(0);
});

test("neither a sleeping laptop nor a tab in the background makes an app ill", async () => {
  const d = desktop();
  const w = d.open("Notes");
  w.answers = false;
  for (let n = 0; n < 50; n++) {
    await d.live(told - beat);
    d.sleep(8 * 3600);
  }
  d.see(false);
  await d.live(600);
  d.see(true);
  await d.live(told - beat);
  expect(w.shown).toBe(0);
});

test("waiting gives it twenty seconds more, and the healer its word all the same", async () => {
  const d = desktop();
  const w = d.open("Notes");
  w.answers = false;
  await d.live(told + 2 * beat);
  w.pulse.patient();
  expect(w.ill).toBeNull();
  await d.live(2 * told - 2 * beat);
  expect(w.ill).toBeNull();
  await d.live(4 * beat);
  expect(w.ill?.kind).toBe("silent");
  expect(w.report).toHaveBeenCalledOnce();
});

test("what the owner ends while it does not answer is reported at once; what answers is not", async () => {
  const d = desktop();
  const [w, well] = [d.open("Notes"), d.open("Chess")];
  w.answers = false;
  await d.live(told + 2 * beat);
  await Promise.all([w.pulse.givenUp(), well.pulse.givenUp()]);
  expect(w.report).toHaveBeenCalledOnce();
  expect(well.report).not.toHaveBeenCalled();
});

test("where windows share a process nobody is blamed for another", async () => {
  const d = desktop();
  const [a, b, c] = [d.open("Notes", false), d.open("Chess", false), d.open("Clock", false)];
  await d.live(20);
  a.answers = b.answers = false;
  await d.live(2 * stuck);
  expect(a.ill).toMatchObject({ kind: "silent", with: ["Chess"] });
  expect(b.ill).toMatchObject({ kind: "silent", with: ["Notes"] });
  expect([a, b, c].map((w) => w.report.mock.calls.length)).toEqual([0, 0, 0]);
  b.pulse.end(); // the owner closes one, and the other is still stuck
  await d.live(stuck);
  expect(a.report).toHaveBeenCalledOnce();
});

test("a window that never answered is taken to be alone where others are", async () => {
  const d = desktop();
  d.open("Notes");
  await d.live(20);
  const [a, b] = [d.open("Chess"), d.open("Clock")];
  a.answers = b.answers = false;
  await d.live(2 * stuck);
  expect([a, b].map((w) => w.report.mock.calls.length)).toEqual([1, 1]);
});

test("a document that ends is followed by the next, or missed", async () => {
  const d = desktop();
  const w = d.open("Shop");
  w.pulse.over();
  await d.live(told - 2 * beat);
  w.pulse.begin();
  await d.live(60);
  expect(w.shown).toBe(0);
  w.pulse.over();
  await d.live(told + beat);
  expect(w.ill).toEqual({ kind: "gone" });
  w.pulse.patient();
  await d.live(600);
  expect(w.shown).toBe(1);
  expect(w.report).not.toHaveBeenCalled();
});

test("what grows without end is told and reported once, what is large and rests is not", async () => {
  const d = desktop();
  const [w, calm] = [d.open("Notes"), d.open("Board")];
  await d.live(11 * 60);
  expect(w.weighs).toBe(11);
  for (let minute = 0; minute < 30; minute++) {
    w.pulse.weighed((200 + 20 * minute) * MB);
    calm.pulse.weighed((800 + (minute % 3)) * MB);
  }
  expect(w.ill).toEqual({ kind: "heavy", bytes: 380 * MB, before: 200 * MB, minutes: 9 });
  expect(w.report.mock.calls).toEqual([["app.heavy", { bytes: 380 * MB, before: 200 * MB, minutes: 9 }]]);
  expect(calm.shown).toBe(0);
});

test.each<[string, number[], boolean]>([
  ["nothing yet", [], false],
  ["one peak", [100, 2000, 100], false],
  ["too much, twice", [100, 1100, 1030], true],
  ["growing, but little", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], false],
  ["growing slowly", [400, 401, 402, 403, 404, 405, 406, 407, 408, 409], false],
  ["growing, with a fall", [200, 230, 260, 290, 320, 300, 380, 410, 440, 470], false],
  ["growing, not for long", [200, 300, 400, 500], false],
  ["growing", [100, 130, 160, 190, 220, 250, 280, 310, 340, 370], true],
])("weight: %s", (_what, list, heavy) => {
  expect(weight(list.map((m) => m * MB)) !== null).toBe(heavy);
});
