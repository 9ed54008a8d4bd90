// Whom the owner's handle reaches, and whether another one can be claimed.
import { useMemo } from "react";
import type { Schemas } from "../protocol/wire.ts";
import { useLoad } from "../ui/useLoad.ts";
import { api } from "./api.ts";

/** "network": everybody. "home": nobody else, until a handle is claimed. "server": whoever has an account on a server that is somebody else's. */
export type Reach = "network" | "home" | "server";

export const isLocal = (handle: string): boolean => handle.endsWith(":local");

/** reachOf says whom a handle reaches; null while it is not known whose the server is. */
export function reachOf(handle: string, driver: Schemas["HandleReply"]["driver"] | undefined): Reach | null {
  if (!isLocal(handle)) return "network";
  if (driver === undefined) return null;
  return driver === "external" ? "server" : "home"; // a handle is claimed where the homeserver is
}

export function useReach(me: string): Reach | null {
  const local = isLocal(me);
  const read = useMemo(() => (local ? () => api.handle().then((h) => h.driver) : () => Promise.resolve(undefined)), [local]);
  return reachOf(me, useLoad(read).value ?? undefined);
}
