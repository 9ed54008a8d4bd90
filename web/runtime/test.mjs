// Bundles the *.test.ts files and runs them with node's own test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, "node_modules/.test-"));
const tests = ["sdk", "ui", "apps", "loader"].flatMap((d) => readdirSync(join(here, d)).filter((f) => f.endsWith(".test.ts")).map((f) => join(here, d, f)));
if (tests.length === 0) throw new Error("no tests found");
try {
  await build({ entryPoints: tests, bundle: true, platform: "node", format: "esm", outdir: out, outbase: here, outExtension: { ".js": ".mjs" }, packages: "external", alias: { "@matrixos/sdk": join(here, "sdk/index.ts") }, loader: { ".css": "text" }, jsx: "automatic", logLevel: "warning" });
  const files = tests.map((t) => t.replace(here, out).replace(/\.ts$/, ".mjs"));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit", env: { ...process.env, TZ: "Europe/Berlin" } }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
