// Events as the gateway streams them: one union, told apart by kind.
import type { Schemas, Seq } from "./wire.ts";

export type Event = Schemas["Event"];
export type EventKind = Event["kind"];
export type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

export type CallData = Schemas["CallData"];
export type ResultData = Schemas["ResultData"];
export type AnswerData = Schemas["AnswerData"];
export type QuestionData = Schemas["QuestionData"];
export type RequestData = Schemas["RequestData"];
export type SpeakData = Schemas["SpeakData"];
export type ApprovalData = Schemas["ApprovalData"];

const kinds: Record<EventKind, true> = {
  request: true, process: true, message: true, delta: true, call: true, result: true, retry: true, landing: true,
  app: true, data: true, driver: true, answer: true, question: true, approval: true, audit: true, speak: true, notice: true, open: true, settings: true,
  task: true, mail: true, effect: true, conflict: true, heal: true, room: true, deal: true, trial: true,
};

function isEvent(value: unknown): value is Event {
  if (typeof value !== "object" || value === null) return false;
  const e = value as { seq?: unknown; kind?: unknown; data?: unknown };
  return typeof e.seq === "number" && typeof e.kind === "string" && Object.hasOwn(kinds, e.kind) && typeof e.data === "object" && e.data !== null;
}

/**
 * parseFrame reads one text frame of the event socket. Kinds that this shell
 * does not know are passed over, so that an older page survives a newer gateway;
 * their sequence numbers still count, hence the separate last.
 */
export function parseFrame(text: string): { events: Event[]; last: Seq } {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new Error("the event stream sent something that is no list");
  const last = list.reduce<number>((max, e) => Math.max(max, Number((e as { seq?: number } | null)?.seq) || 0), 0);
  return { events: list.filter(isEvent), last };
}
