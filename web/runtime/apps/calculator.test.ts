import assert from "node:assert/strict";
import { test } from "node:test";
import { reckon, show } from "../../../home/template/apps/calculator/src/reckon.ts";

test("sums as people write them", () => {
  const sums: [string, number][] = [
    ["1 + 2 × 3", 7], ["(1+2)*3", 9], ["0.1 + 0.2", 0.3], ["1,5 × 2", 3], ["10 ÷ 4", 2.5], ["2 − 5", -3], ["-2^2", -4], ["(-2)^2", 4], ["2^3^2", 512], ["2^-1", 0.5],
    ["80 + 19 %", 95.2], ["80 − 25%", 60], ["200 × 10 %", 20], ["50 %", 0.5], ["3²+4²", 25], ["√16", 4], ["√(9+16)", 5], ["2π", 6.28318530718], ["3(4+5)", 27], ["(1+1)(2+2)", 8],
    ["5!", 120], ["0!", 1], ["sin 90", 1], ["cos(60)", 0.5], ["ln e", 1], ["log(1000)", 3], ["17 mod 5", 2], ["-7 mod 3", 2], ["1e3 + 1", 1001], ["((2", 2], ["2 × (3 + 4", 14], ["1.1*1.1", 1.21], ["4.35*100", 435], ["ans × 2", 42], ["+5", 5], ["--5", 5], ["abs(-3)", 3], [".5+.5", 1],
  ];
  for (const [text, want] of sums) assert.ok(Math.abs(reckon(text, { answer: 21 }) - want) < 1e-11, `${text} is ${reckon(text, { answer: 21 })}, not ${want}`);
  assert.ok(Math.abs(reckon("sin(π/2)", { degrees: false }) - 1) < 1e-12);
});

test("what is no sum says why", () => {
  for (const [text, why] of [["1 ÷ 0", "divided by zero"], ["5 mod 0", "zero"], ["", "Write a sum"], ["2 +", "missing"], ["2 $ 3", "“$”"], ["foo(2)", "“foo”"], ["√(−1)", "no result"], ["170!×170!", "too large"], ["2.5!", "factorial"], ["2 3", "“3”"], ["constructor", "not known"], ["* 2", "“*”"]] as const) {
    assert.throws(() => reckon(text), (e: Error) => e.message.includes(why), `${text}: ${why}`);
  }
});

test("results are written for people, or to go on with", () => {
  assert.equal(show(1234567.5, "en-GB"), "1,234,567.5");
  assert.equal(show(-2, "en-GB"), "−2");
  assert.equal(show(1e21, "en-GB"), "1e21");
  assert.equal(show(1234.5, "de-DE", true), "1234.5");
  assert.equal(reckon(show(reckon("2^70"), "en", true)), reckon("2^70"));
});
