import assert from "node:assert/strict";
import { test } from "node:test";
import { ownPath, rootOf } from "./files.ts";

test("an app's own files are those below its folder", () => {
  const root = rootOf("http://127.0.0.1:4000/app/TICKET/pages/about.html?x=1#y");
  assert.equal(root, "http://127.0.0.1:4000/app/TICKET/");
  for (const [address, want] of [
    ["data/levels.json", "data/levels.json"],
    ["./data/levels.json?v=2", "data/levels.json"],
    ["/data/a%20b.json", "data/a b.json"],
    ["http://127.0.0.1:4000/app/TICKET/x.json", "x.json"],
    ["http://127.0.0.1:4000/app/OTHER/x.json", null],
    ["http://127.0.0.1:4000/api/apps", null],
    ["../OTHER/x.json", null],
    ["//evil.example/x", null],
    ["https://evil.example/app/TICKET/x", null],
    ["data:text/plain,x", null],
  ] as const)
    assert.equal(ownPath(address, root), want, address);
});
