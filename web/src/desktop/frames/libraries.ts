// The libraries that apps import. Frames have an opaque origin and no cache, so
// the shell fetches the sources once and hands them over.
import type { LibraryManifest } from "../../protocol/api.ts";
import { call } from "../../session/http.ts";

export type Module = [specifier: string, source: string];

let modules: Promise<Map<string, string>> | null = null;

async function fetchAll(): Promise<Map<string, string>> {
  const manifest = await call<LibraryManifest>("/runtime/manifest.json");
  const sources = await Promise.all(
    manifest.modules.map(async ({ specifier, file }): Promise<Module> => {
      const response = await fetch(`/runtime/${manifest.hash}/${file}`);
      if (!response.ok) throw new Error(`The library ${specifier} did not load (${response.status}).`);
      return [specifier, await response.text()];
    }),
  );
  return new Map(sources);
}

/** libraries yields the wanted modules, or all; a failed fetch is tried again next time. */
export async function libraries(wanted?: readonly string[]): Promise<Module[]> {
  modules ??= fetchAll().catch((error: unknown) => {
    modules = null;
    throw error;
  });
  const all = [...(await modules)];
  return wanted ? all.filter(([specifier]) => wanted.includes(specifier)) : all;
}
