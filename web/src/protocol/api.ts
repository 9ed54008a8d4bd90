// Requests and answers of the gateway's JSON API.
import type { Event } from "./events.ts";
import type { ChangeOp, ConflictChoice, ConflictInfo, Conversation, ErrorKind, LandingID, LandingInfo, LandingKind, PID, Provenance, RequestID, Seq } from "./wire.ts";

/** Problem is the body of every refusal (RFC 9457), with our kind and the way out. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  kind?: ErrorKind;
  hint?: string;
}

export interface SessionInfo {
  handle: string;
  name: string;
  home: string;
  version: string;
  model: { id: string; label: string; note?: string; attached: boolean };
  seq: Seq;
}

export interface AskRequest {
  text: string;
  conversation?: Conversation;
  model?: string;
  app?: string;
}

export interface Ticket {
  request: RequestID;
  conversation: Conversation;
  pid: PID;
}

export interface ConversationSummary {
  id: Conversation;
  title: string;
  updated: string;
  messages: number;
}

export interface ConversationLog {
  id: Conversation;
  events: Event[] | null;
}

export type ProcessSignal = "interrupt" | "kill";

export interface Launch {
  url: string;
  nonce: string;
  capability: string;
  landing?: LandingID; // of an app as it was
  data?: "then" | "now"; // whose data it shows
}

export interface FileDiff {
  path: string;
  from?: string; // of a renamed file
  op: ChangeOp;
  binary?: boolean;
  added_lines?: number;
  deleted_lines?: number;
  patch?: string;
  left?: string; // of a partial undo: what stays of the landing
}

export interface LandingDetail {
  landing: LandingInfo;
  files: FileDiff[] | null;
}

export interface UndoRequest {
  preview?: boolean;
  partial?: boolean;
  what?: "code" | "data" | "both";
}

export interface ConflictSide {
  exists: boolean;
  size: number;
  text?: string;
}

export interface ConflictFile {
  path: string;
  binary: boolean;
  choice?: ConflictChoice;
  ours: ConflictSide; // the home as it is
  theirs: ConflictSide; // what was refused
  ours_patch: string;
  theirs_patch: string;
}

export interface ConflictDetail {
  conflict: ConflictInfo;
  files: ConflictFile[] | null;
}

export interface ConflictAnswer {
  path?: string; // absent: every file that has no answer yet
  choice: ConflictChoice;
  content?: string; // base64
}

export interface Resolved {
  conflict: ConflictInfo;
  landing?: LandingInfo;
}

export interface SpaceItem {
  name: string;
  bytes: number;
}

export interface Space {
  home: number;
  store: number;
  free: number;
  total: number;
  apps: { app: string; files: number; data: number; history: number }[];
  parts: SpaceItem[];
  garbage: number;
  largest: SpaceItem[];
}

export interface GCReport {
  before: number;
  after: number;
}

export interface Upkeep {
  scrub?: { finished?: string; problems: { fixed?: boolean }[] | null };
  gc?: { time: string };
}

export interface BackupRun {
  started: string;
  ended: string;
  ok: boolean;
  text: string;
}

export interface BackupStatus {
  dest: string; // "" means that none is chosen
  key: boolean;
  last_backup?: BackupRun;
  last_drill?: BackupRun;
  failed?: BackupRun; // the newest run, if it did not work
}

export interface Comparison {
  from: LandingID;
  to: LandingID;
  files: FileDiff[] | null;
}

export interface RestoreDetail extends LandingDetail {
  skipped: string[] | null;
}

export interface Snapshot {
  name: string;
  landing: LandingID;
  title: string;
  time: string;
}

export interface Cause {
  landing: LandingID;
  kind: LandingKind;
  title: string;
  time: string;
  provenance: Provenance;
  undone_by?: LandingID;
  request?: string;
  lines?: number;
  files?: string[];
}

export interface Explanation {
  path: string;
  at: LandingID;
  kind: "text" | "binary" | "folder" | "deleted";
  lines: { number: number; text: string; landing: LandingID; from?: string }[];
  causes: Cause[];
  moved_to?: string;
}

export interface FileEntry {
  name: string;
  path: string;
  dir: boolean;
  size: number;
  modified: string;
}

export interface FileText {
  path: string;
  content: string;
  hash: string;
}

export interface ThemeFile {
  mode: "system" | "light" | "dark";
  accent: string;
  wallpaper: string;
}

export interface ModelChoice {
  id: string;
  label: string;
  note?: string;
  needs_key?: boolean;
  attached?: boolean;
}

export interface ModelList {
  current: string;
  choices: ModelChoice[] | null;
}

export interface ModelChange {
  model: string;
  key?: string;
  base_url?: string;
}

export interface LibraryManifest {
  hash: string;
  modules: { specifier: string; file: string }[];
}
