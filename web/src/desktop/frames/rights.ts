// What an app may do follows from the capability of its launch. The home keeps those in
// memory: once it has been started again, the windows that were open have none, and what is
// entered in them would be lost.
import { refusalOf } from "../../session/http.ts";

/** Rights are those of one load of an app. */
export interface Rights {
  readonly capability: string;
  run<T>(call: (capability: string) => Promise<T>): Promise<T>;
}

const ended = 424; // with the kind "unauthorized"; 401 is the owner's own session

/** rightsOf begins with a capability; where it has ended, renew gets another, once for all calls that wait for it, and what was refused is called again. */
export function rightsOf(first: string, renew: () => Promise<string>): Rights {
  let capability = first;
  let renewing: Promise<string> | null = null;
  return {
    get capability() {
      return capability;
    },
    async run(call) {
      const used = capability;
      try {
        return await call(used);
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal.kind !== "unauthorized" || refusal.status !== ended) throw error;
        if (capability === used) {
          renewing ??= renew().finally(() => (renewing = null));
          capability = await renewing;
        }
        return call(capability);
      }
    },
  };
}
