// What an owner does at the desktop, as verbs. Tests read as a story; how a thing
// is found on the page is known only here.
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type FrameLocator, type Locator, type Page } from "@playwright/test";
import { serve } from "./mock/server.mjs";

type Gateway = Awaited<ReturnType<typeof serve>>;

export class Owner {
  readonly page: Page;
  readonly gateway: Gateway;
  readonly troubles: string[] = [];

  constructor(page: Page, gateway: Gateway) {
    this.page = page;
    this.gateway = gateway;
    page.on("pageerror", (e) => this.troubles.push(e.message));
    page.on("console", (m) => {
      if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) this.troubles.push(m.text());
    });
  }

  async opensTheDesktop() {
    await this.page.goto(this.gateway.url);
    const { page } = this;
    await expect(page.getByRole("navigation", { name: /Dock|Main/ }).or(page.getByLabel("Link or code"))).toBeVisible(); // keys before that are lost
  }
  async signsIn(code: string) {
    await this.page.getByLabel("Link or code").fill(code);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }
  async asks(text: string) {
    const chat = this.window("Ask");
    const field = (await chat.isVisible()) ? chat.getByRole("textbox", { name: "Ask" }) : this.page.getByRole("textbox", { name: "Ask Matrix OS" });
    await field.fill(text);
    await field.press("Enter");
  }
  async answers(choice: string) {
    await this.page.getByRole("group", { name: "A question for you" }).getByRole("button", { name: choice }).click();
  }
  async presses(keys: string) {
    await this.page.keyboard.press(keys);
  }
  async opens(program: string) {
    await this.page.getByRole("navigation", { name: "Dock" }).getByRole("button", { name: program }).click();
  }
  async drags(title: string, dx: number, dy: number) {
    const bar = await this.window(title).locator(".title").boundingBox();
    if (!bar) throw new Error(`no window ${title}`);
    const [x, y] = [bar.x + 60, bar.y + 10];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + dx / 2, y + dy / 2, { steps: 4 });
    await this.page.mouse.move(x + dx, y + dy, { steps: 4 });
    await this.page.mouse.up();
  }
  window(title: string): Locator {
    return this.page.getByRole("dialog", { name: title, exact: true });
  }
  windows(): Locator {
    return this.page.locator(".window:visible");
  }
  app(name: string): FrameLocator {
    return this.window(name).frameLocator("iframe.shown");
  }
  landing(id: number): Locator {
    return this.page.getByRole("region", { name: `Landing L${id}` });
  }
  async place(title: string) {
    const box = await this.window(title).boundingBox();
    if (!box) throw new Error(`no window ${title}`);
    return box;
  }
  async findsNoBarrier() {
    const found = await new AxeBuilder({ page: this.page }).exclude("iframe").withTags(["wcag2a", "wcag2aa", "wcag21aa"]).analyze();
    expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`)).toEqual([]);
  }
}

interface Setting {
  signedIn: boolean;
  pace: number;
}

export const test = base.extend<Setting & { gateway: Gateway; owner: Owner }>({
  signedIn: [true, { option: true }],
  pace: [0.2, { option: true }],
  gateway: async ({ signedIn, pace }, use) => {
    const gateway = await serve({ port: 0, signedIn, pace });
    await use(gateway);
    await gateway.close();
  },
  owner: async ({ page, gateway }, use) => {
    const owner = new Owner(page, gateway);
    await use(owner);
    expect(owner.troubles, "nothing may go wrong in the background").toEqual([]);
  },
});

export { expect };
