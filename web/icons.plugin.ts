// Apps name their icon by a lucide name, which nobody knows at build time. This
// plugin makes the whole table a file of its own, fetched once and only when an
// icon is shown that the shell does not carry itself.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "vite";

type Node = [tag: string, attributes: Record<string, string>];

const folder = join(import.meta.dirname, "node_modules/lucide-react/dist/esm/icons");
const name = "icons.json";

// Aliases are files that re-export; only files with data of their own count.
async function table(): Promise<string> {
  const icons: Record<string, Node[]> = {};
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".mjs") || !readFileSync(join(folder, file), "utf8").includes("__iconData")) continue;
    const module = (await import(pathToFileURL(join(folder, file)).href)) as { __iconData?: { node: Node[] } };
    if (!module.__iconData) continue;
    icons[file.replace(/\.mjs$/, "")] = module.__iconData.node.map(([tag, { key: _, ...attributes }]): Node => [tag, attributes]);
  }
  if (Object.keys(icons).length < 1000) throw new Error("lucide-react no longer keeps its icons where icons.plugin.ts looks");
  return JSON.stringify(icons);
}

/** iconTable serves and emits assets/icons.json. */
export function iconTable(): Plugin {
  return {
    name: "matrixos-icon-table",
    configureServer(server) {
      server.middlewares.use(`/assets/${name}`, (_req, res, next) => {
        table().then((json) => res.setHeader("content-type", "application/json").end(json), next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: `assets/${name}`, source: await table() });
    },
  };
}
