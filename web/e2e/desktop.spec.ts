import { expect, test } from "./owner.ts";

const expenses = "Track my expenses with amount, category and date, and show a chart per month";

test.describe("signing in", () => {
  test.use({ signedIn: false });
  test("a wrong code says what to do; the link from the terminal opens the home", async ({ owner }) => {
    await owner.opensTheDesktop();
    await owner.findsNoBarrier();
    await owner.signsIn("wrong");
    await expect(owner.page.getByRole("alert")).toContainText("That code does not open this home.");
    await owner.signsIn(`${owner.gateway.url}/signin?code=first-light-4711`);
    await expect(owner.page.getByRole("heading", { name: /Neo/ })).toBeVisible();
  });
});

test("the first minute: a caret in the line, three things to try", async ({ owner }) => {
  await owner.opensTheDesktop();
  await expect(owner.page.getByRole("textbox", { name: "Ask Matrix OS" })).toBeFocused();
  await expect(owner.page.getByRole("list", { name: "Three things to try" }).getByRole("button")).toHaveCount(3);
  await expect(owner.page.getByText("The built-in model answers")).toBeVisible();
  await owner.findsNoBarrier();
});

test("a description becomes an app: live activity, its window, a card with the way back", async ({ owner }) => {
  owner.gateway.home.pace = 0.6;
  await owner.opensTheDesktop();
  await owner.page.getByRole("button", { name: expenses }).click();
  await expect(owner.window("Ask").getByText("Writing apps/expenses/src/App.tsx")).toBeVisible();
  await expect(owner.window("Ask").getByText("builder", { exact: true })).toBeVisible();
  await owner.findsNoBarrier();

  const app = owner.app("Expenses");
  await expect(app.getByRole("heading", { name: "Expenses" })).toBeVisible();
  await expect(owner.window("Ask").getByRole("button", { name: /6 steps/ })).toBeVisible();
  await expect(owner.landing(2)).toContainText("3 files added · checked: it compiles");
  await owner.findsNoBarrier();

  await app.getByLabel("What").fill("Groceries");
  await app.getByLabel("Amount").fill("42.50");
  await app.getByRole("button", { name: "Add" }).click();
  await expect(app.getByText("1 rows · $42.50")).toBeVisible();

  await owner.landing(2).getByRole("button", { name: "Undo" }).click();
  await expect(owner.landing(2)).toContainText("Undone by L3");
  expect(owner.gateway.home.files.has("apps/expenses/src/App.tsx")).toBe(false);
});

test("a change reloads the app when it has something to show; a broken one leaves it on screen", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  await expect(owner.app("Expenses").getByText("L2")).toBeVisible();
  await expect(owner.window("Ask").getByRole("button", { name: /6 steps/ })).toBeVisible();

  await owner.window("Ask").getByRole("textbox", { name: "Ask" }).fill("add a field for the shop");
  await owner.presses("Enter");
  await expect(owner.app("Expenses").getByText("L3")).toBeVisible();
  await expect(owner.window("Expenses").locator("iframe")).toHaveCount(1);

  const { home } = owner.gateway;
  const app = home.apps.get("expenses");
  home.emit("app", { app: { ...app, ok: false, landing: 4, diagnostics: [{ severity: "error", text: "Unexpected }", file: "apps/expenses/src/App.tsx", line: 7 }] } });
  await expect(owner.window("Expenses").getByRole("alert")).toContainText("you see the last good build");
  await expect(owner.window("Expenses").getByRole("alert")).toContainText("apps/expenses/src/App.tsx:7");
  await expect(owner.app("Expenses").getByText("L3")).toBeVisible();
});

test("an error inside an app is shown in its window, quietly, with a way on", async ({ owner }) => {
  owner.gateway.home.land({ kind: "agent", title: "Add Faulty", files: { "apps/faulty/index.html": "x" }, provenance: {}, app: { slug: "faulty", name: "Faulty", description: "crashes", version: "1", runtime: "static", folder: "apps/faulty", ok: true, verified: "static" } });
  await owner.opensTheDesktop();
  await owner.page.getByRole("list", { name: "Your newest apps" }).getByRole("button", { name: "Faulty" }).click();
  await expect(owner.window("Faulty").getByRole("alert")).toContainText("amount is undefined");
  await expect(owner.window("Faulty").getByRole("button", { name: "Ask to repair" })).toBeVisible();
});

test("a question has ready answers, and the work goes on with the one chosen", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks("Which currency? ask me");
  await owner.answers("Swiss franc");
  await expect(owner.window("Ask").getByText("Noted: you count in Swiss franc.")).toBeVisible();
});

test("what was running can be stopped", async ({ owner }) => {
  owner.gateway.home.pace = 2;
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  await owner.window("Ask").getByRole("button", { name: "Stop" }).click();
  await expect(owner.window("Ask").getByRole("alert")).toContainText("Stopped. Nothing was changed.");
});

test("a failure says what happened, why, and the way out", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks("Now fail");
  const alert = owner.window("Ask").getByRole("alert");
  await expect(alert).toContainText("This did not work.");
  await expect(alert).toContainText("refused the key");
  await alert.getByRole("button", { name: "Check the model" }).click();
  await expect(owner.window("Settings")).toBeVisible();
});

test("partial text is void after a retry", async ({ owner }) => {
  owner.gateway.home.pace = 1;
  await owner.opensTheDesktop();
  await owner.asks("Track habits and retry");
  await expect(owner.window("Ask").getByText("Trying again, attempt 2")).toBeVisible();
  await expect(owner.page.getByText("This text will be vo")).toHaveCount(0);
});

test("a cut connection loses nothing and doubles nothing", async ({ owner }) => {
  owner.gateway.home.pace = 0.8;
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  for (let i = 0; i < 3; i++) {
    await owner.page.waitForTimeout(500);
    owner.gateway.dropSockets();
  }
  const fold = owner.window("Ask").getByRole("button", { name: /6 steps/ });
  await fold.click();
  await expect(owner.window("Ask").locator(".step-title")).toHaveText([
    "Handing it to the builder", "Looking for apps/*", "Writing apps/expenses/matrix.json", "Writing apps/expenses/src/App.tsx", "Changing apps/expenses/src/App.tsx", "Checking that it compiles",
  ]);
});

test("a conversation is there again after a reload, and so are the windows", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  await expect(owner.landing(2)).toBeVisible();
  await expect.poll(() => owner.gateway.home.layout?.wins.map((w) => w.title)).toEqual(["Ask", "Expenses"]);
  await owner.page.reload();
  await expect(owner.windows()).toHaveCount(2);
  await expect(owner.app("Expenses").getByRole("heading")).toBeVisible();
  await expect(owner.landing(2)).toContainText("3 files added");
  await owner.window("Ask").getByRole("button", { name: "New conversation" }).click();
  await expect(owner.landing(2)).toHaveCount(0);
  await owner.window("Ask").getByRole("button", { name: "Conversations" }).click();
  await owner.window("Ask").getByRole("navigation").getByRole("button", { name: /Track my expenses/ }).click();
  await expect(owner.landing(2)).toContainText("3 files added");
});

test("windows move, snap, fill and stay within reach", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.opens("Settings");
  await owner.drags("Settings", -3000, 200);
  expect(await owner.place("Settings")).toMatchObject({ x: 0, y: 0, width: 720, height: 832 });
  await owner.presses("Alt+ArrowRight");
  expect(await owner.place("Settings")).toMatchObject({ x: 720, width: 720 });
  await owner.window("Settings").locator(".title-bar").dblclick({ position: { x: 200, y: 10 } });
  expect(await owner.place("Settings")).toMatchObject({ x: 0, width: 1440 });
  await owner.presses("Alt+ArrowUp");
  await owner.page.setViewportSize({ width: 900, height: 600 });
  const edges = async () => {
    const r = await owner.place("Settings");
    return r.x >= 0 && r.x + r.width <= 900 && r.y + r.height <= 600;
  };
  await expect.poll(edges).toBe(true);
  await owner.presses("Alt+W");
  await expect(owner.windows()).toHaveCount(0);
});

test("the keyboard finds everything", async ({ owner }) => {
  await owner.opensTheDesktop();
  await expect(owner.page.getByRole("textbox", { name: "Ask Matrix OS" })).toBeFocused();
  await owner.presses("Control+k");
  await expect(owner.page.getByRole("combobox")).toBeFocused();
  await owner.page.keyboard.type("hist");
  await owner.presses("Enter");
  await expect(owner.window("History")).toBeVisible();
  await owner.presses("?");
  await expect(owner.page.getByRole("dialog", { name: "Shortcuts" })).toContainText("Close window");
  await owner.findsNoBarrier();
  await owner.presses("Escape");
  await owner.presses("Alt+a");
  await owner.page.keyboard.type("sett");
  await owner.presses("Enter");
  await expect(owner.window("Settings")).toBeVisible();
});

test("undo shows first what it would change", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  await expect(owner.landing(2)).toBeVisible();
  await owner.landing(2).getByRole("button", { name: "Show changes" }).click();
  const history = owner.window("History");
  await history.getByRole("button", { name: "Undo…" }).click();
  await expect(history.getByRole("group", { name: "Undo preview" })).toBeVisible();
  await owner.findsNoBarrier();
  await history.getByRole("button", { name: "Undo it" }).click();
  await expect(history.getByText("Undone by L3.")).toBeVisible();
});

test("work that was refused waits in the history and is decided there", async ({ owner }) => {
  await owner.opensTheDesktop();
  const { home } = owner.gateway;
  home.write({ path: "notes/list.md", content: "mine\n" });
  const dock = owner.page.getByRole("navigation", { name: "Dock" });
  home.refuse({ path: "notes/list.md", theirs: "theirs\n" });
  await dock.getByRole("button", { name: "History, 1 to decide" }).click();
  const history = owner.window("History");
  await history.getByRole("button", { name: /New words in notes/ }).click();
  await expect(history.getByRole("region", { name: "Changes of notes/list.md" })).toHaveText([/mine/, /theirs/]);
  await owner.findsNoBarrier();
  await history.getByRole("button", { name: "Write it myself…" }).click();
  await history.getByLabel("Your version of notes/list.md").fill("both, über\n");
  await history.getByRole("button", { name: "Take this version" }).click();
  await expect(history.getByRole("heading", { name: "New words in notes/list.md" })).toBeVisible();
  expect(home.files.get("notes/list.md")).toBe("both, über\n");
  await expect(dock.getByRole("button", { name: "History", exact: true })).toBeVisible();
});

test("a change that others build on comes back in part", async ({ owner }) => {
  await owner.opensTheDesktop();
  owner.gateway.home.write({ path: "notes/list.md", content: "One\n" });
  owner.gateway.home.builtOn.add(2);
  await owner.presses("Control+h");
  const history = owner.window("History");
  await history.getByRole("button", { name: /notes\/list.md/ }).first().click();
  await history.getByRole("button", { name: "Undo…" }).click();
  await history.getByRole("button", { name: "See which part can come back" }).click();
  await history.getByRole("button", { name: "Undo this part" }).click();
  await expect(history.getByText("Undone by L3.")).toBeVisible();
});

test("what takes room is said, and what need not be kept is freed", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.presses("Control+h");
  const history = owner.window("History");
  await history.getByRole("button", { name: "Storage and backup" }).click();
  await expect(history.getByText("About 8.8 kB need not be kept.")).toBeVisible();
  await owner.findsNoBarrier();
  await history.getByRole("button", { name: "Free space" }).click();
  await expect(history.getByText("8.8 kB freed.")).toBeVisible();
});

test("the owner travels back, names a moment and restores a file", async ({ owner }) => {
  await owner.opensTheDesktop();
  for (const line of ["One", "Two"]) owner.gateway.home.write({ path: "notes/list.md", content: `${line}\n` });
  await owner.presses("Control+h");
  const history = owner.window("History");
  await history.getByRole("button", { name: /Edit notes\/list.md/ }).first().click();
  const slider = history.getByRole("slider", { name: "Moment" });
  await slider.focus();
  await owner.presses("ArrowLeft");
  await expect(slider).toHaveAttribute("aria-valuetext", /^L2, today/);
  await history.getByRole("button", { name: "Name this moment" }).click();
  await history.getByLabel("Name of this moment").fill("before Two");
  await owner.presses("Enter");
  await expect(history.getByText("before-Two").first()).toBeVisible();
  await expect(history.getByText("1 file different now")).toBeVisible();
  await history.getByRole("button", { name: /^notes/ }).click();
  await history.getByRole("button", { name: /^list.md/ }).click();
  await expect(history.getByLabel(/^Text of notes\/list.md as of L2/)).toHaveText("One");
  await history.getByRole("radio", { name: "Against now" }).click();
  await expect(history.locator(".diff .add")).toContainText("Two");
  await owner.findsNoBarrier();
  await history.getByRole("button", { name: "Restore…" }).click();
  await history.getByRole("button", { name: "Restore", exact: true }).click();
  await expect(owner.page.getByText("notes/list.md is back as of L2")).toBeVisible();
  expect(owner.gateway.home.files.get("notes/list.md")).toBe("One\n");
  await history.getByRole("searchbox").fill("restored");
  await expect(history.getByRole("navigation", { name: "Changes" }).getByRole("listitem")).toHaveCount(1);
});

test("each line of a file says who wrote it", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.opens("Files");
  const files = owner.window("Files");
  await files.getByRole("button", { name: "system" }).click();
  await files.getByRole("button", { name: /soul.md/ }).click();
  await files.getByRole("button", { name: "Why" }).click();
  await expect(files.getByRole("region", { name: "Why system/soul.md is as it is" })).toContainText("Plain, calm");
  await owner.findsNoBarrier();
  await files.getByRole("button", { name: /A new home/ }).click();
  await expect(owner.window("History").getByRole("heading", { name: "A new home" })).toBeVisible();
});

test("a file is edited; somebody else's change is never overwritten unseen", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.opens("Files");
  const files = owner.window("Files");
  await files.getByRole("button", { name: "system" }).click();
  await files.getByRole("button", { name: /soul.md/ }).click();
  await files.getByLabel("Text of system/soul.md").fill("# Soul\n\nMine.\n");
  await owner.findsNoBarrier();
  owner.gateway.home.files.set("system/soul.md", "theirs");
  await files.getByRole("button", { name: "Save" }).click();
  await expect(files.getByRole("alert")).toContainText("Somebody else changed this file first.");
  await files.getByRole("button", { name: "Save mine anyway" }).click();
  await expect(files.getByText("Saved", { exact: true })).toBeVisible();
  expect(owner.gateway.home.files.get("system/soul.md")).toBe("# Soul\n\nMine.\n");
});

test("theme and accent reach the page and the apps at once", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks(expenses);
  await expect(owner.app("Expenses").getByRole("heading")).toBeVisible();
  await owner.opens("Settings");
  await owner.page.getByRole("radio", { name: "Dark" }).click();
  await owner.page.getByRole("radio", { name: "Plum" }).click();
  await expect(owner.app("Expenses").locator("html")).toHaveAttribute("data-mode", "dark");
  await expect.poll(() => owner.app("Expenses").locator("body").evaluate((b) => getComputedStyle(b).backgroundColor)).toBe("rgb(29, 28, 26)");
  await owner.findsNoBarrier();
});

test("a model is attached; a wrong key is explained where it was entered", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.page.getByRole("button", { name: "Attach another model" }).click();
  const settings = owner.window("Settings");
  await settings.getByRole("button", { name: "Attach…" }).first().click();
  await settings.getByLabel("Key", { exact: false }).first().fill("wrong");
  await settings.getByRole("button", { name: "Attach", exact: true }).click();
  await expect(settings.getByRole("alert")).toContainText("refused this key");
  await settings.getByLabel("Key", { exact: false }).first().fill("right");
  await settings.getByRole("button", { name: "Attach", exact: true }).click();
  await expect(settings.getByText("In use")).toBeVisible();
});

test("a reminder appears and waits to be seen", async ({ owner }) => {
  await owner.opensTheDesktop();
  await owner.asks("Remind me to water the plants on Saturday");
  await expect(owner.page.getByRole("status").filter({ hasText: "Water the plants" })).toBeVisible();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  test("four places within reach, windows as full cards", async ({ owner }) => {
    await owner.opensTheDesktop();
    await owner.findsNoBarrier();
    await owner.asks(expenses);
    await expect(owner.app("Expenses").getByRole("heading")).toBeVisible();
    expect(await owner.place("Expenses")).toMatchObject({ x: 0, y: 0, width: 390, height: 788 });
    const bar = owner.page.getByRole("navigation", { name: "Main" });
    await bar.getByRole("button", { name: "Ask" }).tap();
    await expect(owner.landing(2)).toBeVisible();
    await owner.findsNoBarrier();
    for (const b of await owner.window("Ask").getByRole("button").all()) {
      const box = await b.boundingBox();
      if (box && (await b.getAttribute("class"))?.match(/button|composer-send/)) expect(box.height, await b.innerText()).toBeGreaterThanOrEqual(40);
    }
    await bar.getByRole("button", { name: "Apps" }).tap();
    await owner.page.getByRole("dialog", { name: "All apps" }).getByRole("button", { name: "History" }).tap();
    await expect(owner.window("History").getByText("Add the app Expenses")).toBeVisible();
    await bar.getByRole("button", { name: "Home" }).tap();
    await expect(owner.windows()).toHaveCount(0);
  });
});
