// The page of a trial without a desktop: what a program that drives a browser opens.
// Its server answers below the folder that the page lies in.
import { conduct, type Job, type ScenarioResult } from "./host.ts";

declare global {
  interface Window {
    /** warm fetches what nearly every app needs. */
    warm(): Promise<void>;
    trial(job: Job & { launch: { url: string; nonce: string }; app: string; id: string }): Promise<ScenarioResult>;
  }
}

interface Manifest {
  hash: string;
  modules: { specifier: string; file: string; name?: string; imports?: string[] }[];
}

let manifest: Promise<Manifest> | null = null;
const sources = new Map<string, Promise<string>>();

async function libraries(wanted: readonly string[]): Promise<[string, string][]> {
  const { hash, modules } = await (manifest ??= fetch("/runtime/manifest.json").then((r) => r.json() as Promise<Manifest>));
  return Promise.all(
    modules.filter((m) => wanted.includes(m.specifier)).map(async (m) => {
      const text = sources.get(m.file) ?? fetch(`/runtime/${hash}/${m.file}`).then((r) => r.text());
      sources.set(m.file, text);
      return [m.specifier, await text] as [string, string];
    }),
  );
}

window.warm = async () => {
  const { modules } = await (manifest ??= fetch("/runtime/manifest.json").then((r) => r.json() as Promise<Manifest>));
  const wanted = new Set<string>();
  const add = (specifier: string) => {
    if (wanted.has(specifier)) return;
    wanted.add(specifier);
    for (const next of modules.find((m) => m.specifier === specifier)?.imports ?? []) add(next);
  };
  for (const m of modules) if (m.name === "@matrixos/ui" || m.name === "react-dom/client" || m.name === "react/jsx-runtime") add(m.specifier);
  await libraries([...wanted]);
};

window.trial = (job) =>
  conduct(job, {
    launch: job.launch,
    name: job.app,
    libraries,
    theme: () => ({ vars: {}, mode: "light" }),
    place: document.body,
    async call(method, params, now) {
      const r = await fetch("call", { method: "POST", body: JSON.stringify({ id: job.id, method, params, now }) });
      const body = (await r.json()) as { value?: unknown; error?: string };
      if (body.error !== undefined) throw new Error(body.error);
      return body.value ?? null;
    },
  });
