/// <reference types="vite/client" />
// The libraries that apps import. Frames have an opaque origin and no cache, so
// the shell fetches each source once, when an app first needs it, and hands it
// over; so with the typeface.
import inter from "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url";
import { reach } from "../../session/http.ts";

interface LibraryManifest {
  hash: string;
  modules: { specifier: string; file: string }[];
}

export type Module = [specifier: string, source: string];

let manifest: Promise<LibraryManifest> | null = null;
const sources = new Map<string, Promise<Module>>();

async function fetchModule(hash: string, specifier: string, file: string): Promise<Module> {
  const response = await fetch(`/runtime/${hash}/${file}`);
  if (!response.ok) throw new Error(`The library ${specifier} did not load (${response.status}).`);
  return [specifier, await response.text()];
}

function source(hash: string, specifier: string, file: string): Promise<Module> {
  const known = sources.get(specifier);
  if (known) return known;
  const loading = fetchModule(hash, specifier, file);
  sources.set(specifier, loading);
  loading.catch(() => sources.delete(specifier));
  return loading;
}

/** libraries yields the wanted modules, or all; what failed to load is tried again next time. */
export async function libraries(wanted?: readonly string[]): Promise<Module[]> {
  manifest ??= reach<LibraryManifest>("/runtime/manifest.json").catch((error: unknown) => {
    manifest = null;
    throw error;
  });
  const { hash, modules } = await manifest;
  const needed = wanted ? modules.filter(({ specifier }) => wanted.includes(specifier)) : modules;
  return Promise.all(needed.map(({ specifier, file }) => source(hash, specifier, file)));
}

export type Font = [family: string, data: ArrayBuffer];

let typeface: Promise<Font[]> | null = null;

/** fonts yields the shell's typeface; none, and another try next time, if it does not load. */
export function fonts(): Promise<Font[]> {
  typeface ??= fetch(inter)
    .then((r) => (r.ok ? r.arrayBuffer() : Promise.reject(new Error(r.statusText))))
    .then((data): Font[] => [["Inter", data]])
    .catch(() => {
      typeface = null;
      return [];
    });
  return typeface;
}
