// What is attached, in words, and what a form makes of it.
import type { Schemas } from "../../protocol/wire.ts";
import { count, whenText } from "../../ui/words.ts";

export type Driver = Schemas["DriverInfo"];
type State = Driver["state"];
type May = Schemas["DriverTool"]["may"];

/** stateText says how a server is; tone is for what its owner has to know. */
export function stateText(d: Driver): { text: string; tone: "good" | "quiet" | "waits" | "loss" } {
  if (d.sign_in) return { text: "It asks you to sign in", tone: "waits" };
  const states: Record<State, ReturnType<typeof stateText>> = {
    off: { text: "Switched off in its file", tone: "quiet" },
    fault: { text: "Its file is wrong", tone: "loss" },
    new: { text: "Starting, to see what it can do", tone: "quiet" },
    ready: { text: "Ready; it starts when it is needed", tone: "good" },
    running: { text: "Running", tone: "good" },
    waiting: { text: d.retry ? `It broke; the next try is at the next call after ${whenText(d.retry)}` : "It broke", tone: "waits" },
    broken: { text: "It broke again and again, and rests", tone: "loss" },
    blocked: { text: "It has changed its tools. Nothing of it is called until you have looked", tone: "waits" },
  };
  return states[d.state];
}

/** mayText says what a call of a tool can touch. */
export const mayText: Record<May, string> = {
  own: "touches its own folder only",
  read: "looks at things of yours",
  write: "changes things of yours; Undo does not take that back",
  external: "reaches somebody else",
  off: "switched off",
};

/** sightText says what a server is given. */
export function sightText(d: Driver): string {
  if (/^https?:/.test(d.runs)) return "What its tools are given goes to this address.";
  const parts = [d.folders?.length ? `Sees ${d.folders.join(", ")}.` : "Sees its own folder only.", d.network?.length ? `Reaches ${d.network.join(", ")}.` : "No network."];
  return parts.join(" ");
}

/** toolsText is the line above the list of tools. */
export const toolsText = (d: Driver) => `${count(d.tools?.length ?? 0, "tool")}${d.calls > 0 ? `, called ${count(d.calls, "time")}` : ""}`;

/** shortName is a tool's name without its server's. */
export const shortName = (full: string) => full.replace(/^mcp__.*?__/, "");

/** wordsOf splits a command line at spaces; quotes hold words together. Null is an open quote. */
export function wordsOf(line: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (const c of line) {
    if (quote !== "" && c === quote) quote = "";
    else if (quote === "" && (c === '"' || c === "'")) {
      quote = c;
      word ??= "";
    } else if (quote === "" && /\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + c;
  }
  if (quote !== "") return null;
  return word === null ? words : [...words, word];
}

const linesOf = (text: string) => text.split("\n").map((l) => l.trim()).filter(Boolean);

/** fileOf makes a server's file of what stands in the form. An error says what is missing. */
export function fileOf(kind: "program" | "address", of: (field: string) => string): Record<string, unknown> {
  if (kind === "address") return { url: of("url") };
  const [command, ...args] = wordsOf(of("command")) ?? [];
  if (!command) throw new Error("A quote in the command is not closed.");
  const folders = [...linesOf(of("reads")).map((path) => ({ path })), ...linesOf(of("writes")).map((path) => ({ path, write: true }))];
  const network = of("network").split(/[\s,;]+/).filter(Boolean);
  return { command, ...(args.length > 0 && { args }), ...(folders.length > 0 && { folders }), ...(network.length > 0 && { network }) };
}
