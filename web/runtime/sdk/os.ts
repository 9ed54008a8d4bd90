import type { MatrixOS } from "./types.ts";

declare global {
  interface Window {
    MatrixOS?: MatrixOS;
  }
}

/** The system, as this app may use it. */
export const os: MatrixOS = new Proxy({} as MatrixOS, {
  get(_target, name) {
    const system = globalThis.window?.MatrixOS;
    if (!system) throw new Error("This page runs outside Matrix OS; open it from the desktop.");
    return system[name as keyof MatrixOS];
  },
});
