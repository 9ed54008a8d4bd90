import { expect, test } from "vitest";
import type { Process, Schemas } from "../protocol/wire.ts";
import { jobOf } from "./activity/JobForm.tsx";
import { grantText, stateText, tree } from "./activity/process.ts";
import { dueText, missedText, resultText, rhythmText } from "./activity/schedule.ts";
import { limitText } from "./mind/Agents.tsx";
import { provedText } from "./mind/Made.tsx";
import { bodyOf } from "./mind/Skills.tsx";
import { hostsOf } from "./settings/KeysSection.tsx";

const cost = (usd: number) => ({ input: 1, output: 1, cache_read: 0, cache_write: 0, usd });
const row = (more: Partial<Process>) => ({ pid: 1, state: "running", cost: cost(0), ...more }) as Process;

test.each<[Partial<Process>, string]>([
  [{ state: "ready" }, "in the queue"],
  [{ state: "waiting", waiting_for: "tool", waiting_on: "Bash" }, "using Bash"],
  [{ state: "waiting", waiting_for: "approval" }, "waiting for your answer"],
  [{ state: "parked", parked: "budget" }, "rests: what it may spend is spent"],
  [{ state: "parked", parked: "model" }, "rests: no model answers"],
  [{ state: "killed" }, "ended by you"],
])("%o is %s", (p, want) => expect(stateText(row(p))).toBe(want));

test("going on says what it may cost, if that is why it rests", () => {
  expect(grantText(row({ parked: "budget", budget: { usd: 2 } }))).toBe("Go on, with $2.00 more");
  expect(grantText(row({ parked: "stop", budget: { usd: 2 } }))).toBe("Go on");
});

test("a process knows its helpers and what they cost together", () => {
  const [main, helper, under] = tree([row({ pid: 1, cost: cost(1) }), row({ pid: 2, parent: 1, cost: cost(2) }), row({ pid: 3, parent: 2, cost: cost(4) }), row({ pid: 4, cost: cost(8) })]);
  expect([main?.helpers, main?.together.usd, helper?.helpers, helper?.together.usd, under?.helpers]).toEqual([2, 7, 1, 6, 0]);
});

test.each([
  [{ every: "hour" }, "every hour"],
  [{ every: "day 08:00", zone: "Europe/Berlin" }, "every day at 08:00 (Europe/Berlin)"],
  [{ every: "week mon 09:00" }, "every Monday at 09:00"],
  [{ every: "month 1 09:00" }, "on day 1 of each month at 09:00"],
  [{ cron: "30 7 * * 1-5" }, "cron 30 7 * * 1-5"],
  [{ at: "2026-12-01T09:00:00Z" }, "once"],
])("%o is %s", (j, want) => expect(rhythmText(j)).toBe(want));

test("what became of a job is said as it is", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  const last_run = "2026-11-25T11:00:00Z";
  expect(missedText({ missed_runs: 2 })).toBe("missed times are left out; 2 times missed so far");
  expect(missedText({ at: last_run, missed_runs: 0 })).toBe("missed times are made up for once");
  expect(resultText({ result: "failed", failures: 3, text: "no model", last_run }, now)).toBe("It failed 1 h ago, 3 times in a row: no model");
  expect(resultText({ result: "told", last_run }, now)).toBe("You were reminded 1 h ago.");
  expect(resultText({}, now)).toBeNull();
});

test("a time is by the owner's clock, and says so where the browser's is another", () => {
  expect(dueText("2026-11-30T09:00:00+01:00", -60)).toMatch(/9:00/);
  expect(dueText("2026-11-30T09:00:00+01:00", -60)).not.toContain("UTC");
  expect(dueText("2026-11-30T09:00:00+05:30", 0)).toMatch(/9:00.*\(UTC\+5:30\)/);
});

test("a form becomes a job", () => {
  const of = (fields: Record<string, string>) => (f: string) => fields[f] ?? "";
  expect(jobOf("message", "week", of({ text: "Water", weekday: "mon", clock: "08:30" }))).toEqual({ message: "Water", every: "week mon 08:30", missed: undefined });
  expect(jobOf("ask", "cron", of({ text: "Sum up", cron: "0 9 * * *", usd: "0.5", missed: "once" }))).toEqual({ ask: "Sum up", cron: "0 9 * * *", usd: 0.5, missed: "once" });
});

test("limits, trials, hosts and texts", () => {
  expect(limitText({ budget: { usd: 2, calls: 1 }, max_turns: 40 })).toBe("at most $2.00, 40 turns, 1 tool call");
  expect(limitText({ budget: {} })).toBe("no limit of its own");
  expect(provedText({ by: "system", trial: { task: "Sort", never: ["Bash"] } } as Schemas["Origin"])).toEqual(["Passed its trial: “Sort”", "it never tries Bash"]);
  expect(provedText({ by: "shipped" })).toEqual([]);
  expect(hostsOf(" a.example, b.example\n a.example ")).toEqual(["a.example", "b.example"]);
  expect(bodyOf("---\nname: x\n---\n\n# Hi\n")).toBe("# Hi");
});
