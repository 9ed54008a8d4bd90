import { describe, expect, test } from "vitest";
import * as t from "./transitions.ts";
import { dragged } from "./useDrag.ts";

const view = { w: 1200, h: 800 };
const size = { w: 600, h: 400 };
const app = (slug: string): t.Content => ({ type: "app", slug });
const openAll = (...slugs: string[]) => slugs.reduce((l, s) => t.open(l, view, app(s), s, size), t.empty);
const at = (l: t.Layout, id: string) => t.find(l, id) ?? expect.unreachable(`no window ${id}`);

describe("open", () => {
  test("the same content has one window, which comes to the front", () => {
    const l = t.open(openAll("a", "b"), view, app("a"), "a", size);
    expect(l.wins.map((w) => w.id)).toEqual(["w1", "w2"]);
    expect(t.top(l)?.id).toBe("w1");
  });
  test("a minimised window comes back with what it is to show now", () => {
    const first = t.minimise(t.open(t.empty, view, { type: "program", name: "history" }, "History", size), "w1");
    const l = t.open(first, view, { type: "program", name: "history", arg: "7" }, "History", size);
    expect(at(l, "w1")).toMatchObject({ minimised: false, content: { arg: "7" } });
  });
  test("new windows step away from those that stand there", () => {
    const rects = openAll("a", "b", "c").wins.map((w) => `${w.rect.x},${w.rect.y}`);
    expect(new Set(rects).size).toBe(3);
  });
  test("ids are never used twice", () => {
    const l = t.open(t.close(openAll("a", "b"), "w2"), view, app("c"), "c", size);
    expect(l.wins.map((w) => w.id)).toEqual(["w1", "w3"]);
  });
});

describe("order", () => {
  const table: [name: string, run: (l: t.Layout) => t.Layout, top: string | undefined][] = [
    ["focus", (l) => t.focus(l, "w1"), "w1"],
    ["close the front one", (l) => t.close(l, "w3"), "w2"],
    ["minimise the front one", (l) => t.minimise(l, "w3"), "w2"],
    ["minimise all", t.minimiseAll, undefined],
    ["cycle", t.cycle, "w1"],
    ["cycle twice", (l) => t.cycle(t.cycle(l)), "w2"],
    ["cycle passes over the minimised", (l) => t.cycle(t.minimise(l, "w1")), "w2"],
    ["an unknown window changes nothing", (l) => t.focus(t.snap(t.close(l, "w9"), "w9", "left"), "w9"), "w3"],
  ];
  test.each(table)("%s", (_name, run, top) => {
    const l = run(openAll("a", "b", "c"));
    expect(t.top(l)?.id).toBe(top);
    expect([...l.order].sort()).toEqual(l.wins.map((w) => w.id));
  });
  test("frames never move in the document: focus keeps the order of wins", () => {
    expect(t.focus(openAll("a", "b", "c"), "w1").wins.map((w) => w.id)).toEqual(["w1", "w2", "w3"]);
  });
});

test.each<[t.Place, t.Rect]>([
  ["max", { x: 0, y: 0, w: 1201, h: 801 }],
  ["left", { x: 0, y: 0, w: 601, h: 801 }],
  ["right", { x: 601, y: 0, w: 600, h: 801 }],
  ["top-left", { x: 0, y: 0, w: 601, h: 401 }],
  ["top-right", { x: 601, y: 0, w: 600, h: 401 }],
  ["bottom-left", { x: 0, y: 401, w: 601, h: 400 }],
  ["bottom-right", { x: 601, y: 401, w: 600, h: 400 }],
])("%s covers its part of an odd screen without a gap", (place, want) => {
  const odd = { w: 1201, h: 801 };
  expect(t.rectOf(at(t.snap(openAll("a"), "w1", place), "w1"), odd)).toEqual(want);
});

test.each<[x: number, y: number, zone: t.Place | null]>([
  [600, 2, "max"], [600, 40, null], [3, 400, "left"], [1198, 400, "right"], [3, 5, "top-left"], [1199, 5, "top-right"], [3, 790, "bottom-left"], [1199, 799, "bottom-right"],
])("letting go at %i,%i", (x, y, zone) => expect(t.zoneAt(x, y, view)).toBe(zone));

describe("reach", () => {
  const rng = (seed: number) => () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  test("whatever is done, every title bar can be taken", () => {
    const random = rng(42);
    let l = openAll("a", "b", "c");
    let screen = view;
    for (let i = 0; i < 500; i++) {
      const id = `w${1 + Math.floor(random() * 3)}`;
      const n = () => Math.round((random() - 0.5) * 6000);
      const act = Math.floor(random() * 4);
      if (act === 0) l = t.move(l, screen, id, n(), n());
      else if (act === 1) l = t.resize(l, screen, id, { x: n(), y: n(), w: n(), h: n() });
      else if (act === 2) l = t.snap(l, id, random() < 0.5 ? "free" : "max");
      else {
        screen = { w: 720 + Math.floor(random() * 2000), h: 400 + Math.floor(random() * 1200) };
        l = t.refit(l, screen);
      }
      for (const w of l.wins) {
        const r = t.rectOf(w, screen);
        expect(r.y).toBeGreaterThanOrEqual(0);
        expect(r.y).toBeLessThanOrEqual(screen.h - t.titleBar);
        expect(Math.min(r.x + r.w, screen.w) - Math.max(r.x, 0)).toBeGreaterThanOrEqual(96);
      }
    }
  });
  test("a smaller screen pulls windows wholly inside", () => {
    const small = { w: 760, h: 500 };
    const r = at(t.refit(t.move(openAll("a"), view, "w1", 1000, 700), small), "w1").rect;
    expect(r.x + r.w).toBeLessThanOrEqual(small.w);
    expect(r.y + r.h).toBeLessThanOrEqual(small.h);
  });
});

describe("beside", () => {
  test("both fit, side by side", () => {
    const l = t.beside(openAll("chat", "app"), view, "w2", "w1");
    const [a, b] = [at(l, "w1").rect, at(l, "w2").rect];
    expect(a.x + a.w).toBeLessThan(b.x);
    expect(b.x + b.w).toBeLessThanOrEqual(view.w);
    expect(a.y).toBe(b.y);
  });
  test("a narrow screen is left alone", () => {
    const l = openAll("chat", "app");
    expect(t.beside(l, { w: 800, h: 600 }, "w2", "w1")).toBe(l);
  });
});

describe("restore", () => {
  test("gives back what save wrote", () => {
    const l = t.minimise(t.snap(openAll("a", "b", "c"), "w2", "left"), "w1");
    expect(t.restore(JSON.parse(JSON.stringify(t.save(l))), view)).toEqual(l);
  });
  test("forgets what a program was asked to show", () => {
    const l = t.open(t.empty, view, { type: "program", name: "files", arg: "apps" }, "Files", size);
    expect(t.restore(t.save(l), view).wins[0]?.content).toEqual({ type: "program", name: "files" });
  });
  const good = { id: "w1", content: app("a"), title: "a", rect: { x: 0, y: 0, w: 400, h: 300 }, place: "free", minimised: false };
  test.each<[string, unknown, number]>([
    ["nothing", null, 0],
    ["a text", "layout", 0],
    ["another version", { version: 2, wins: [good] }, 0],
    ["no list", { version: 1, wins: 7 }, 0],
    ["a window without a rectangle", { version: 1, wins: [{ ...good, rect: null }, { ...good, id: "w2", content: app("b") }] }, 1],
    ["a rectangle of no numbers", { version: 1, wins: [{ ...good, rect: { x: "0", y: 0, w: 1, h: Number.NaN } }] }, 0],
    ["the same id twice", { version: 1, wins: [good, { ...good, content: app("b") }] }, 1],
    ["the same app twice", { version: 1, wins: [good, { ...good, id: "w2" }] }, 1],
    ["an order of strangers", { version: 1, wins: [good], order: ["w7", "w1", "w1", 3] }, 1],
    ["an unknown place", { version: 1, wins: [{ ...good, place: "upstairs" }] }, 0],
    ["a hostile id", { version: 1, wins: [{ ...good, id: "w1e999" }] }, 0],
  ])("%s", (_name, saved, count) => {
    const l = t.restore(saved, view);
    expect(l.wins).toHaveLength(count);
    expect([...l.order].sort()).toEqual(l.wins.map((w) => w.id).sort());
    expect(t.open(l, view, app("new"), "new", size).wins).toHaveLength(count + 1);
  });
});

test.each<[Parameters<typeof dragged>[1], number, number, t.Rect]>([
  ["se", 50, 40, { x: 100, y: 100, w: 650, h: 440 }],
  ["nw", 50, 40, { x: 150, y: 140, w: 550, h: 360 }],
  ["w", 9000, 0, { x: 380, y: 100, w: 320, h: 400 }],
  ["n", 0, -9000, { x: 100, y: 0, w: 600, h: 500 }],
])("pulling edge %s by %i,%i", (edge, dx, dy, want) => {
  expect(dragged({ x: 100, y: 100, w: 600, h: 400 }, edge, dx, dy)).toEqual(want);
});
