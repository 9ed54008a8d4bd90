import assert from "node:assert/strict";
import { test } from "node:test";
import { below } from "./base.ts";

test("addresses of an app's server lie below its base, and no other is touched", () => {
  for (const [address, want] of [
    ["/api/x", "/app/T/api/x"],
    ["/app/T/api/x", "/app/T/api/x"],
    ["api/x", "api/x"],
    ["//evil.example/x", "//evil.example/x"],
    ["http://127.0.0.1:4000/api", "http://127.0.0.1:4000/app/T/api"],
    ["ws://127.0.0.1:4000/live", "ws://127.0.0.1:4000/app/T/live"],
    ["http://127.0.0.1:4000", "http://127.0.0.1:4000/app/T/"],
    ["https://evil.example/api", "https://evil.example/api"],
    ["data:text/plain,x", "data:text/plain,x"],
  ] as const)
    assert.equal(below(address, "/app/T", "http://127.0.0.1:4000"), want);
});
