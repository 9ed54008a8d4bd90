import { describe, expect, it } from "vitest";
import { fileOf, shortName, sightText, wordsOf, type Driver } from "./drivers.ts";

describe("wordsOf", () => {
  it.each([
    ["npx -y pkg@1.2.3  ~/Documents ", ["npx", "-y", "pkg@1.2.3", "~/Documents"]],
    [`run "My Documents" ''`, ["run", "My Documents", ""]],
    [`a'b c'd`, ["ab cd"]],
    ["", []],
    [`run "open`, null],
  ])("%s", (line, words) => expect(wordsOf(line)).toEqual(words));
});

describe("fileOf", () => {
  const form = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";
  it("makes a program of a command line and what it is given", () => {
    expect(fileOf("program", form({ command: "npx -y files /srv/a", reads: "/srv/a\n\n", writes: " /srv/my b ", network: "api.example.org, *.example.com" }))).toEqual({
      command: "npx",
      args: ["-y", "files", "/srv/a"],
      folders: [{ path: "/srv/a" }, { path: "/srv/my b", write: true }],
      network: ["api.example.org", "*.example.com"],
    });
  });
  it("leaves out what is not given", () => expect(fileOf("program", form({ command: "memory" }))).toEqual({ command: "memory" }));
  it("makes an address", () => expect(fileOf("address", form({ url: "https://mcp.example.org/mcp", command: "x" }))).toEqual({ url: "https://mcp.example.org/mcp" }));
  it("says that a quote is open", () => expect(() => fileOf("program", form({ command: `run "open` }))).toThrow(/not closed/));
});

const driver = (more: Partial<Driver>): Driver => ({ name: "files", state: "ready", runs: "files /srv", reach: "read", tools: [], calls: 0, failures: 0, ...more });

describe("words about a server", () => {
  it.each([
    [driver({}), "Sees its own folder only. No network."],
    [driver({ folders: ["/srv", "/a (may change it)"], network: ["x.org"] }), "Sees /srv, /a (may change it). Reaches x.org."],
    [driver({ runs: "https://x.org/mcp" }), "What its tools are given goes to this address."],
  ])("what it is given", (d, text) => expect(sightText(d)).toBe(text));
  it("a tool's own name", () => expect(shortName("mcp__files__read__all")).toBe("read__all"));
});
