// Drives Chromium through one scenario against the test server of package app:
// node drive.mjs BROWSER URL SCENARIO [FOLDER]. Prints one JSON object of texts.
import { chromium } from "playwright-core";

const [executablePath, url, scenario, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const found = {};
const errors = [];

async function newPage(options = {}, query = "") {
  const context = await browser.newContext({ viewport: { width: 1200, height: 850 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("pageerror", (e) => errors.push(e.message));
  await page.goto(`${url}/${query}`);
  return page;
}

async function open(page, slug) {
  await page.evaluate((s) => openApp(s), slug);
  return page.frameLocator(`iframe[data-slug="${slug}"]`);
}

const write = async (path, text) => {
  const r = await fetch(`${url}/test/write?path=${encodeURIComponent(path)}`, { method: "POST", body: text });
  if (!r.ok) throw new Error(`write ${path}: ${r.status}`);
};

// What the hostile app gets in its first window.
async function attempts() {
  const page = await newPage();
  const launch = await page.evaluate(() => openApp("hostile"));
  await page.waitForFunction(() => log.some((e) => e.type === "report"), null, { timeout: 120000 }).catch(async (error) => {
    throw new Error(`${error.message} in ${await page.evaluate(() => log.findLast((e) => e.type === "title")?.title)}`);
  });
  Object.assign(found, await page.evaluate(() => log.find((e) => e.type === "report").out));
  return { page, launch };
}

const scenarios = {
  async attempts() {
    await attempts();
  },

  async hostile() {
    const { page, launch } = await attempts();
    const up = await fetch(`${url}${launch.url}..%2f..%2fdata/bank/pin.json`);
    found["path out of the app"] = up.status === 404 ? "nothing" : String(up.status);
    for (let i = 0; i < 10; i++) {
      await page.evaluate(() => openApp("hostile"));
      await page.waitForTimeout(700); // it ends its document in another way each time
    }
    const texts = await Promise.all(page.frames().map((f) => f.evaluate(() => document.body?.innerText ?? "").catch(() => "")));
    found["a frame showing what is not its own"] = texts.some((t) => t.includes("SECRET") || t.includes("capability")) ? texts.join(" | ") : "nothing";
    found["top level page"] = page.url() === `${url}/` ? "nothing" : page.url();
    found["other pages"] = page.context().pages().length === 1 ? "nothing" : "a popup is open";
    found["replayed capability"] = await page.evaluate(async (l) => {
      const r = await fetch("/api/bridge", { method: "POST", headers: { "X-App-Capability": l.capability.toLowerCase() }, body: JSON.stringify({ method: "db.find", params: { table: "loot" } }) });
      return (await r.json()).value ? "READ" : "nothing";
    }, launch);
    found["ticket as capability"] = await page.evaluate(async (l) => {
      const r = await fetch("/api/bridge", { method: "POST", headers: { "X-App-Capability": l.url.split("/")[2] }, body: JSON.stringify({ method: "db.find", params: { table: "loot" } }) });
      return (await r.json()).value ? "READ" : "nothing";
    }, launch);
    const guess = await fetch(`${url}/app/${"A".repeat(26)}/`);
    found["guessed ticket"] = guess.status === 410 ? "nothing" : String(guess.status);
  },

  async tracker() {
    const page = await newPage();
    const app = await open(page, "expenses");
    await app.getByRole("heading", { name: "Expenses" }).waitFor();
    await app.getByText("Nothing here yet. Add an expense to begin.").waitFor();
    await add(app, "Groceries", "54,30", "Food");
    await add(app, "Train", "20", "Travel");
    await app.getByRole("row", { name: /Groceries/ }).waitFor();
    await app.getByRole("row", { name: /Train/ }).hover();
    await app.getByRole("button", { name: "Delete Train" }).click();
    await app.getByRole("button", { name: "Undo" }).click();
    await app.getByRole("row", { name: /Train/ }).waitFor();
    await app.getByText("Total").waitFor();
    await shot(page, "tracker");
    found.live = await elsewhere(page, app);
    const source = await (await fetch(`${url}/test/read?path=apps/expenses/src/App.tsx`)).text();
    await write("apps/expenses/src/App.tsx", source.replace('title="Expenses"', 'title="Spending"'));
    found.edited = await app.getByRole("heading", { name: "Spending" }).innerText();
    await write("apps/expenses/src/App.tsx", source.replace("</Stats>", ""));
    found.broken = await app.getByRole("alert").innerText();
    await shot(page, "broken");
    await write("apps/expenses/src/App.tsx", source.replace('title="Expenses"', 'title="Expenses again"'));
    found.mended = await app.getByRole("heading", { name: "Expenses again" }).innerText();
    found.errors = errors.join("\n");
  },

  async parts() {
    const page = await newPage();
    const app = await open(page, "expenses");
    await app.getByRole("tab", { name: "Board" }).click();
    await app.getByRole("button", { name: "Add task to To do" }).click();
    await app.getByLabel("Title").fill("Paint the door");
    await app.getByLabel("Tags").fill("home, colour");
    await app.getByRole("button", { name: "Save" }).click();
    const card = app.locator("[data-card]", { hasText: "Paint the door" });
    await card.focus();
    await card.press("ArrowRight");
    await app.getByRole("region", { name: "Doing" }).getByText("Paint the door").waitFor();
    found.keyboard = "Doing";
    const from = await card.boundingBox();
    const to = await app.getByRole("region", { name: "Done" }).boundingBox();
    await page.mouse.move(from.x + 30, from.y + 15);
    await page.mouse.down();
    await page.mouse.move(to.x + 60, to.y + 80, { steps: 6 });
    await page.mouse.up();
    await app.getByRole("region", { name: "Done" }).getByText("Paint the door").waitFor();
    found.drag = "Done";
    await app.getByRole("tab", { name: "Calendar" }).click();
    await app.locator("[aria-current=date]").click();
    await app.getByLabel("Title").fill("Dentist");
    await app.getByLabel("Time").fill("08:30");
    await app.getByRole("button", { name: "Save" }).click();
    found.calendar = await app.locator("[aria-current=date] .mx-ev").innerText();
    await app.getByRole("radio", { name: "Agenda" }).click();
    found.agenda = await app.locator(".mx-agenda").innerText();
    await app.getByRole("button", { name: "Dentist" }).click();
    await app.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await app.getByText("Nothing ahead.").waitFor();
    await app.getByRole("button", { name: "Undo" }).click();
    await app.locator(".mx-agenda").getByText("Dentist").waitFor();
    await app.getByRole("tab", { name: "List" }).click();
    await add(app, "Groceries", "54,30", "Food");
    await add(app, "Train", "20", "Travel");
    await app.getByRole("searchbox", { name: "Search" }).fill("train");
    await app.getByRole("button", { name: "Groceries", exact: true }).waitFor({ state: "detached" });
    found.total = await app.locator("tfoot").innerText();
    await app.getByRole("searchbox", { name: "Search" }).fill("");
    await app.getByRole("columnheader", { name: "Amount" }).getByRole("button").click();
    found.sorted = (await app.locator("tr.mx-line .mx-main").allInnerTexts()).join();
    await app.getByRole("button", { name: "Train", exact: true }).click();
    await app.getByRole("dialog").getByLabel("Amount").fill("25");
    await app.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await app.getByRole("row", { name: /Train/ }).getByText("€25.00").waitFor();
    await app.getByRole("tab", { name: "Chart" }).click();
    found.chart = await app.getByRole("table", { name: "Largest" }).innerText();
    found.narrow = await narrow();
    found.errors = errors.join("\n");
  },

  async wild() {
    const page = await newPage();
    const counter = await open(page, "counter");
    await counter.getByRole("button").click();
    await page.evaluate(() => push("counter", { type: "theme", theme: { mode: "dark", vars: { "--matrix-bg": "#123456" } }, design: "desk" }));
    await page.waitForTimeout(100);
    await counter.getByRole("button").click();
    await counter.getByText("counter 2").waitFor();
    found.count = await counter.locator("#count").innerText();
    found.theme = await counter.locator("#theme").innerText();
    await counter.locator("body[data-changed][data-table]").waitFor();
    found.table = await counter.locator("body").getAttribute("data-table");
    found.changed = await counter.locator("body").getAttribute("data-changed");
    found.design = await counter.locator("html").getAttribute("data-matrix-design");
    const studio = await open(page, "studio");
    await studio.getByRole("button", { name: "More" }).click();
    found.studio = await studio.getByRole("heading", { name: "Level" }).innerText();
    found.meter = await studio.getByTestId("meter").innerText();
    found.legend = await studio.getByRole("list").innerText();
    found.footer = await studio.locator("footer").innerText();
    found.icons = String(await studio.locator("svg.lucide").count());
    found.errors = errors.join("\n");
  },

  // Two windows on two desktops change the same row.
  async windows() {
    const [one, two] = [await open(await newPage(), "expenses"), await open(await newPage(), "expenses")];
    await add(one, "Groceries", "20", "Food");
    const edit = async (w, fields) => {
      const dialog = w.getByRole("dialog");
      for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label).fill(value);
      await dialog.getByRole("button", { name: "Save" }).click();
    };
    const begin = async (w, title) => w.getByRole("button", { name: title, exact: true }).click();
    await begin(one, "Groceries");
    await begin(two, "Groceries");
    await edit(two, { Amount: "30" });
    await one.locator("body").getByText("30.00").first().waitFor({ state: "attached" }); // it has heard
    await edit(one, { Title: "Market" });
    await one.getByRole("button", { name: "Market", exact: true }).waitFor();
    found.merged = await one.getByRole("row", { name: /Market/ }).innerText();
    await two.getByRole("button", { name: "Market", exact: true }).waitFor();
    await begin(one, "Market");
    await begin(two, "Market");
    await edit(two, { Amount: "40" });
    await one.locator("body").getByText("40.00").first().waitFor({ state: "attached" });
    await edit(one, { Amount: "50" });
    found.clash = await one.getByRole("dialog").getByText("Changed elsewhere").innerText();
    found.typed = await one.getByRole("dialog").getByLabel("Amount").inputValue();
    found.kept = await two.getByRole("row", { name: /Market/ }).innerText();
    await edit(one, {});
    await two.getByRole("row", { name: /Market.*50\.00/ }).waitFor();
    found.again = await two.getByRole("row", { name: /Market/ }).innerText();
    found.errors = errors.join("\n");
  },

  async field() {
    const page = await newPage();
    const style = (locator, name) => locator.evaluate((e, n) => getComputedStyle(e)[n], name);
    const shelf = await open(page, "shelf");
    const count = shelf.getByRole("button", { name: "Count 0" });
    await count.waitFor();
    found.facts = (await shelf.getByTestId("facts").locator("li").allInnerTexts()).join("; ");
    await until(async () => (await style(count, "backgroundColor")) === "rgb(12, 34, 56)", "Tailwind's classes");
    found.pill = await style(count, "paddingLeft");
    await count.click();
    found.motion = await shelf.getByTestId("motion").innerText();
    found.query = await shelf.getByTestId("query").innerText();
    found.markdown = await shelf.getByTestId("markdown").innerHTML();
    await shelf.getByLabel("Name").fill("Ada");
    await shelf.getByRole("button", { name: "Greet" }).click();
    found.toast = await shelf.getByText("Hello Ada").innerText();
    await shelf.getByRole("button", { name: "Details" }).click();
    found.dialog = await shelf.getByRole("dialog").getByRole("heading").innerText();
    await shelf.getByRole("button", { name: "Close", exact: true }).click();
    await shelf.getByRole("link", { name: "About" }).click();
    found.route = await shelf.getByRole("heading", { name: "About this shelf" }).innerText();
    const retro = await open(page, "retro");
    const title = retro.getByRole("heading", { name: "Retro" });
    await until(async () => (await style(title, "backgroundColor")) === "rgb(1, 2, 3)", "the colours of tailwind.config.js");
    found.retro = [await style(title, "borderRadius"), await style(title, "color"), await style(title, "padding")].join(" ");
    const poster = await open(page, "poster");
    await until(async () => (await style(poster.getByRole("heading"), "backgroundColor")) === "rgb(7, 8, 9)", "the colours of the page's config");
    found.poster = await style(poster.getByRole("heading"), "padding");
    found.errors = errors.join("\n");
  },
};

async function until(holds, what) {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error(`never came: ${what}`);
}

async function add(app, title, amount, category) {
  if (!(await app.getByLabel("Title").isVisible())) await app.getByRole("button", { name: "Add expense" }).click();
  await app.getByLabel("Title").fill(title);
  await app.getByLabel("Amount").fill(amount);
  await app.getByRole("combobox", { name: "Category", exact: true }).selectOption(category);
  await app.getByRole("button", { name: "Save" }).click();
  await app.getByRole("button", { name: title, exact: true }).waitFor();
}

// At 320 px nothing may be cut off sideways, and what is touched is large enough.
async function narrow() {
  const page = await newPage({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  const app = await open(page, "expenses");
  const wrong = [];
  for (const tab of ["List", "Chart", "Board", "Calendar"]) {
    await app.getByRole("tab", { name: tab }).click();
    await page.waitForTimeout(200);
    wrong.push(...(await page.frames()[1].evaluate((name) => {
      const out = document.documentElement.scrollWidth > 320 ? [`${name} is ${document.documentElement.scrollWidth} px wide`] : [];
      for (const b of document.querySelectorAll(".mx-btn, .mx-icb, .mx-in")) {
        const r = b.getBoundingClientRect();
        if (r.height > 0 && r.height < 43.5) out.push(`${name}: ${b.getAttribute("aria-label") ?? b.textContent} is ${r.height} px high`);
      }
      return out;
    }, tab)));
  }
  return wrong.join("; ");
}

// A row that another window adds shows up here by itself.
async function elsewhere(page, app) {
  await page.evaluate(async () => {
    const l = await (await fetch("/api/apps/expenses/launch", { method: "POST" })).json();
    const call = async (method, params) => (await (await fetch("/api/bridge", { method: "POST", headers: { "X-App-Capability": l.capability }, body: JSON.stringify({ method, params }) })).json()).value;
    window.outside = (await call("db.insert", { table: "expenses", data: { title: "Written outside", amount: 1 } })).id;
    window.callOutside = call;
  });
  const text = await app.getByRole("button", { name: "Written outside", exact: true }).innerText();
  await page.evaluate(() => callOutside("db.delete", { table: "expenses", id: outside }));
  await app.getByRole("button", { name: "Written outside", exact: true }).waitFor({ state: "detached" });
  return text;
}

async function shot(page, name) {
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

try {
  await scenarios[scenario]();
  console.log(JSON.stringify(found));
} catch (error) {
  console.error(error.message, errors.slice(0, 10));
  process.exitCode = 1;
} finally {
  await browser.close();
}
