// Events as the gateway streams them: one union, told apart by kind.
import type { AppInfo, ConflictInfo, Conversation, Cost, ErrorKind, LandingID, LandingInfo, PID, Process, RequestID, Seq, Slug } from "./wire.ts";

export interface RequestData {
  text: string;
  from: string;
  app?: Slug;
  model?: string;
}

export interface MessageData {
  role: "user" | "assistant";
  text: string;
  cost?: Cost;
}

export interface DeltaData {
  text?: string;
  thinking?: string;
  writing?: string;
}

export interface CallData {
  id: string;
  name: string;
  title: string;
  input?: unknown;
}

export interface ResultData {
  id: string;
  name: string;
  text: string;
  failed?: boolean;
  millis: number;
}

export interface RetryData {
  attempt: number;
  millis: number;
  reason: string;
}

export interface AppData {
  app: AppInfo;
  removed?: boolean;
}

export interface TableData {
  app: Slug;
  table?: string;
  key?: string;
}

export interface AnswerData {
  ok: boolean;
  text: string;
  kind?: ErrorKind;
  hint?: string;
  landings?: LandingID[];
  open?: Slug[];
  verified?: string;
  cost: Cost;
  millis: number;
}

export interface QuestionData {
  id: string;
  text: string;
  choices?: string[];
}

export interface ApprovalData {
  id: string;
  text: string; // what will happen
  why: string; // why it is asked
  kind: string;
  target: string;
  args: unknown; // exactly what will be done
  expires: string;
}

export interface AuditData {
  what: string;
  target: string;
  verdict: "allow" | "ask" | "refuse";
  why: string;
  hash?: string;
  by: string;
  label?: string;
}

export interface SpeakData {
  text: string;
  path?: string; // a recording of the home; without one the browser speaks
}

export interface NoticeData {
  level: "info" | "waiting" | "error";
  title: string;
  text?: string;
  app?: Slug;
}

export interface OpenData {
  app: Slug;
  path?: string;
}

export interface SettingsData {
  path: string;
}

interface Payloads {
  request: RequestData;
  process: Process;
  message: MessageData;
  delta: DeltaData;
  call: CallData;
  result: ResultData;
  retry: RetryData;
  landing: LandingInfo;
  app: AppData;
  data: TableData;
  answer: AnswerData;
  question: QuestionData;
  approval: ApprovalData;
  audit: AuditData;
  speak: SpeakData;
  notice: NoticeData;
  open: OpenData;
  settings: SettingsData;
  conflict: ConflictInfo;
}

export type EventKind = keyof Payloads;

export interface EventOf<K extends EventKind> {
  seq: Seq; // 0 for ephemeral events
  time: string;
  kind: K;
  pid?: PID;
  conversation?: Conversation;
  request?: RequestID;
  data: Payloads[K];
}

export type Event = { [K in EventKind]: EventOf<K> }[EventKind];

const kinds: Record<EventKind, true> = {
  request: true, process: true, message: true, delta: true, call: true, result: true, retry: true, landing: true,
  app: true, data: true, answer: true, question: true, approval: true, audit: true, speak: true, notice: true, open: true, settings: true, conflict: true,
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
