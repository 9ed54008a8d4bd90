// Those who do harm: hidden from the owner, and reported.
import { personOf } from "../ui/people.ts";
import { api } from "./api.ts";
import { loadRooms, loadTalk, useRooms } from "./rooms.ts";
import { loadFeed, useSocial } from "./social.ts";
import { attempt, notify } from "./store.ts";

/** block hides somebody and their AI from now on; unblock says that again. */
export async function block(handle: string, blocked = true): Promise<void> {
  const who = personOf(handle);
  const done = await attempt(blocked ? `${who} was not blocked` : `${who} is still blocked`, () => api.block({ handle: who, blocked }).then(() => true));
  if (!done) return;
  if (blocked) notify({ level: "info", title: `You have blocked ${who}`, text: "Neither you nor your AI hears of them.", action: { label: "Unblock", command: "people.unblock", arg: who } });
  if (useRooms.getState().loaded) await loadRooms();
  const { open } = useRooms.getState();
  if (open) await loadTalk(open, true);
  if (useSocial.getState().loaded) await loadFeed();
}

/** report keeps what somebody has said, and tells the homeserver. */
export async function report(room: string, event: string): Promise<void> {
  const kept = await attempt("It was not reported", () => api.report(room, { events: [event] }));
  if (kept) notify({ level: "info", title: "Reported", text: `What was said is kept in ${kept.path}. ${kept.told ? "Your homeserver was told." : `Your homeserver was not told: ${kept.why ?? "it did not say why"}`}` });
}
