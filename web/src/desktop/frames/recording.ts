// What the owner shows in an app's window, from "Remember this" to "Keep". One recording at
// a time. It begins in a window opened afresh, as every scenario of a contract does.
import { create } from "zustand";
import type { RecordingDraft } from "../../protocol/api.ts";
import type { Slug } from "../../protocol/wire.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { attempt, notify } from "../../session/store.ts";

export type Phase = "recording" | "ending" | "draft" | "keeping";

export interface RecordingState {
  slug: Slug;
  id: string;
  phase: Phase;
  steps: number;
  draft: RecordingDraft | null;
  refusal: Refusal | null; // why it was not kept
}

export const useRecording = create<{ now: RecordingState | null }>()(() => ({ now: null }));

const current = () => useRecording.getState().now;
const put = (change: Partial<RecordingState>) => {
  const now = current();
  if (now) useRecording.setState({ now: { ...now, ...change } });
};
const patience = 5000; // for a window to say what was done in it

/** localNow is a moment as the owner's clocks show it, such as 2026-03-11T09:30:00. */
export function localNow(at = new Date()): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** begin starts a recording of an app; afresh is to open its window anew. */
export async function begin(slug: Slug, afresh: () => void): Promise<void> {
  drop();
  const started = await attempt("What you do cannot be remembered", () => api.beginRecording(slug, localNow()));
  if (!started) return;
  useRecording.setState({ now: { slug, id: started.id, phase: "recording", steps: 0, draft: null, refusal: null } });
  afresh();
}

/** done ends the recording: the window is asked for what was done. */
export function done(): void {
  const now = current();
  if (now?.phase !== "recording") return;
  put({ phase: "ending" });
  setTimeout(() => {
    const late = current();
    if (late?.id !== now.id || late.phase !== "ending" || heard === now.id) return;
    drop();
    notify({ level: "error", title: "The window does not say what you did", text: "Nothing was kept. Try it again." });
  }, patience);
}

let heard = ""; // the recording whose window has answered

/** handOver takes what the window says was done; the home makes a draft of it. */
export async function handOver(what: unknown): Promise<void> {
  const now = current();
  if (now?.phase !== "ending" || heard === now.id) return;
  heard = now.id;
  const draft = await attempt("What you did cannot be remembered", () => api.endRecording(now.id, what));
  if (current()?.id !== now.id) return;
  if (draft) put({ phase: "draft", draft });
  else drop();
}

/** counted shows how many steps there are so far. */
export function counted(steps: number): void {
  if (current()?.phase === "recording") put({ steps });
}

/** keep makes what was shown part of the contract, if it holds. */
export async function keep(name: string, without: number[]): Promise<void> {
  const now = current();
  if (now?.phase !== "draft") return;
  put({ phase: "keeping", refusal: null });
  try {
    const kept = await api.keepRecording(now.id, name, without);
    if (current()?.id === now.id) useRecording.setState({ now: null });
    notify({ level: "info", title: `Kept: ${kept.name}`, text: "It held twice, and is tried from now on whenever the app changes.", action: { label: "Show history", command: "go.history" } });
  } catch (error) {
    if (current()?.id === now.id) put({ phase: "draft", refusal: refusalOf(error) });
  }
}

/** drop forgets the recording. */
export function drop(): void {
  const now = current();
  if (!now) return;
  useRecording.setState({ now: null });
  api.dropRecording(now.id).catch(() => undefined); // it is forgotten at the next start anyway
}
