import { expect, test } from "vitest";
import { reachOf } from "./reach.ts";

test("a handle is claimed only where the homeserver is one's own", () => {
  expect(reachOf("@you:local", "child")).toBe("home");
  expect(reachOf("@you:local", "embedded")).toBe("home");
  expect(reachOf("@ben:local", "external")).toBe("server");
  expect(reachOf("@ben:local", undefined)).toBeNull();
  for (const driver of ["child", "external", undefined] as const) expect(reachOf("@ben:example.org", driver)).toBe("network");
});
