// What the home says and the desktop does about it: open the window of an app
// that a request of this desktop has just made or wants shown.
import type { Desk } from "../commands/registry.ts";
import type { Event } from "../protocol/events.ts";
import type { State } from "../session/state.ts";
import { onEvent, useSession } from "../session/store.ts";

/** opensOf lists the apps that an event asks to show, given what the owner looks at. */
export function opensOf(e: Event, state: Pick<State, "active" | "requests" | "apps">): string[] {
  const here = (conversation: string | undefined) => conversation !== undefined && conversation === state.active;
  switch (e.kind) {
    case "open":
      // Events of other conversations (another tab, a schedule) open nothing here.
      return e.conversation && !here(e.conversation) ? [] : [e.data.app];
    case "answer":
      return here(e.conversation) ? (e.data.open ?? []) : [];
    case "landing": {
      const { request, conversation } = e.data.provenance;
      const of = (request && state.requests[request]) || conversation || e.conversation;
      return here(of) ? (e.data.created ?? []) : [];
    }
    default:
      return [];
  }
}

/** followHome keeps doing so; it returns a function that ends it. */
export function followHome(desk: Desk): () => void {
  return onEvent((e) => {
    for (const slug of opensOf(e, useSession.getState())) desk.openApp(slug);
  });
}
