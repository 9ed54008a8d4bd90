import assert from "node:assert/strict";
import { test } from "node:test";
import { ahead, lap, nameOf, offset, rest } from "../../../home/template/apps/clock/src/time.ts";

test("zones, with summer time and halves of hours", () => {
  const [winter, summer] = [new Date("2026-01-15T12:00:00.4Z"), new Date("2026-07-15T12:00:00Z")];
  assert.equal(offset("Europe/Berlin", winter), 60);
  assert.equal(offset("Europe/Berlin", summer), 120);
  assert.ok(offset("UTC", winter) === 0);
  assert.equal(ahead("Asia/Kolkata", "Europe/Berlin", winter), "4 h 30 min ahead");
  assert.equal(ahead("America/New_York", "Europe/Berlin", winter), "6 h behind");
  assert.equal(ahead("Europe/Rome", "Europe/Berlin", summer), "same time");
  assert.equal(ahead("Pacific/Auckland", "Pacific/Pago_Pago", winter), "24 h ahead");
  assert.equal(nameOf("America/Argentina/Buenos_Aires"), "Buenos Aires");
});

test("stretches of time", () => {
  assert.equal(lap(0), "0:00.00");
  assert.equal(lap(62_349), "1:02.34");
  assert.equal(lap(3_661_010), "1:01:01.01");
  assert.equal(rest(300_000), "05:00");
  assert.equal(rest(299_001), "05:00");
  assert.equal(rest(3_600_000), "1:00:00");
  assert.equal(rest(0), "00:00");
});
