// What a row of the process table says, in words.
import { assertNever } from "../../protocol/assert.ts";
import type { Cost, Process } from "../../protocol/wire.ts";
import { addCost, ended } from "../../session/chat.ts";

/** stateText says where a process stands, and why it does not go on. */
export function stateText(p: Process): string {
  switch (p.state) {
    case "created":
    case "ready":
      return "in the queue";
    case "running":
      return "at work";
    case "landing":
      return "putting its changes into your home";
    case "waiting":
      return waitText(p);
    case "parked":
      return parkText(p);
    case "done":
      return "done";
    case "failed":
      return "failed";
    case "killed":
      return "ended by you";
    default:
      return assertNever(p.state);
  }
}

function waitText(p: Process): string {
  switch (p.waiting_for) {
    case "model":
      return "waiting for the model";
    case "tool":
      return p.waiting_on ? `using ${p.waiting_on}` : "using a tool";
    case "child":
      return "waiting for a helper";
    case "approval":
      return "waiting for your answer";
    case "timer":
      return p.waiting_on ? `waiting ${p.waiting_on}` : "waiting for a time";
    case "message":
      return p.waiting_on ? `waiting for a message ${p.waiting_on}` : "waiting for a message";
    case undefined:
      return "waiting";
    default:
      return assertNever(p.waiting_for);
  }
}

function parkText(p: Process): string {
  switch (p.parked) {
    case "budget":
      return "rests: what it may spend is spent";
    case "stop":
      return "rests: you stopped it";
    case "crashes":
      return "rests: Matrix OS stopped in the middle of it again and again";
    case "model":
      return "rests: no model answers";
    case undefined:
      return "rests";
    default:
      return assertNever(p.parked);
  }
}

/** grantText says what going on costs at the most, where money is why it rests. */
export function grantText(p: Process): string {
  return p.parked === "budget" && p.budget?.usd ? `Go on, with $${p.budget.usd.toFixed(2)} more` : "Go on";
}

/** toneOf is the colour of a process's mark. */
export function toneOf(p: Process): string {
  if (p.state === "failed") return "failed";
  if (p.state === "parked" || (p.state === "waiting" && p.waiting_for === "approval")) return "waiting";
  return ended(p) ? "" : "running";
}

export interface Row {
  process: Process;
  depth: number;
  helpers: number; // below it
  together: Cost; // with its helpers
}

/** tree orders processes so that children follow their parents. */
export function tree(list: readonly Process[]): Row[] {
  const known = new Set(list.map((p) => p.pid));
  const out: Row[] = [];
  const walk = (parent: number | undefined, depth: number): void => {
    for (const p of list) {
      const up = p.parent && known.has(p.parent) ? p.parent : undefined;
      if (up !== parent || depth > 12) continue;
      const row: Row = { process: p, depth, helpers: 0, together: p.cost };
      const at = out.push(row);
      walk(p.pid, depth + 1);
      const below = out.slice(at);
      row.helpers = below.length;
      row.together = below.reduce((sum, r) => addCost(sum, r.process.cost), p.cost);
    }
  };
  walk(undefined, 0);
  return out;
}
