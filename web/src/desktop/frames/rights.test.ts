import { expect, test } from "vitest";
import { Refusal } from "../../session/http.ts";
import { rightsOf } from "./rights.ts";

// A home that knows one capability, and forgets it when it is started again.
function home() {
  let n = 1;
  let launches = 0;
  const written: string[] = [];
  return {
    written,
    launches: () => launches,
    startAgain: () => void n++,
    renew: async () => (launches++, `cap${n}`),
    write: (text: string) => async (capability: string) => {
      if (capability !== `cap${n}`) throw new Refusal("call db.insert: this window's right has ended", 424, "unauthorized", "open the app again");
      written.push(text);
      return text;
    },
  };
}

test("what is entered after the home was started again is kept", async () => {
  const h = home();
  const rights = rightsOf("cap1", h.renew);
  await rights.run(h.write("before"));
  h.startAgain();
  expect(await Promise.all([rights.run(h.write("one")), rights.run(h.write("two"))])).toEqual(["one", "two"]);
  await rights.run(h.write("three"));
  expect(h.written).toEqual(["before", "one", "two", "three"]);
  expect(h.launches()).toBe(1);
  expect(rights.capability).toBe("cap2");
});

test("other refusals, and a right that is not given again, reach the app", async () => {
  const h = home();
  const rights = rightsOf("cap1", async () => "stale");
  await expect(rights.run(async () => Promise.reject(new Refusal("no", 401, "unauthorized", "")))).rejects.toThrow("no");
  await expect(rights.run(async () => Promise.reject(new Refusal("no such table", 404, "not found", "")))).rejects.toThrow("no such table");
  expect(rights.capability).toBe("cap1");
  h.startAgain();
  await expect(rights.run(h.write("x"))).rejects.toThrow("has ended");
});
