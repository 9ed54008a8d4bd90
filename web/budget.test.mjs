// What a browser must load before the desktop is there: the page, and every script
// and style that it names or that those import statically. Fonts come after.
import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const limit = 130 * 1024;

test("the first load stays under 130 kB", () => {
  assert.ok(existsSync("dist/index.html"), "there is no build to weigh; run `npm run build`");
  const page = readFileSync("dist/index.html", "utf8");
  const files = new Set([...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((m) => m[1]));
  assert.ok(files.size >= 2, "the page names no script or style");
  for (const file of files) {
    if (!file.endsWith(".js")) continue;
    const text = readFileSync(`dist/${file}`, "utf8");
    for (const [, spec] of text.matchAll(/(?:^|;|\})import[^"'()]*["']\.\/([^"']+\.js)["']/g)) files.add(`assets/${spec}`);
  }
  let sum = gzipSync(page).length;
  for (const file of files) sum += gzipSync(readFileSync(`dist/${file}`)).length;
  console.log(`first load: ${(sum / 1024).toFixed(1)} kB gzipped, ${files.size} files`);
  assert.ok(sum < limit, `the first load is ${sum} bytes gzipped; the budget is ${limit}`);
});

test("the page needs nothing inline, as the gateway's policy forbids it", () => {
  const page = readFileSync("dist/index.html", "utf8");
  assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)/);
  assert.doesNotMatch(page, /\son\w+=/);
});
