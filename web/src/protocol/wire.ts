// The values that cross the wire, as the Go package sys writes them. Optional
// fields are those that Go leaves out when they are empty.

export type PID = number;
export type Seq = number;
export type LandingID = number;
export type Slug = string;
export type Conversation = string;
export type RequestID = string;

export type ErrorKind =
  | "internal"
  | "invalid"
  | "not found"
  | "exists"
  | "conflict"
  | "refused"
  | "needs approval"
  | "over budget"
  | "not verified"
  | "held"
  | "too new"
  | "no space"
  | "unavailable"
  | "unauthorized"
  | "canceled";

export type ProcessState = "created" | "ready" | "running" | "waiting" | "landing" | "done" | "failed" | "killed" | "parked";

export interface Cost {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
  usd: number;
  estimated?: boolean;
}

export interface Label {
  integrity: number;
  confidentiality: number;
}

export interface Process {
  pid: PID;
  parent?: PID;
  program: string;
  conversation: Conversation;
  request: RequestID;
  task: string;
  state: ProcessState;
  waiting_for?: string;
  model: string;
  label: Label;
  cost: Cost;
  steps: number;
  calls: number;
  started: string;
  ended?: string;
  error?: string;
}

export interface Diagnostic {
  severity: "error" | "warning";
  text: string;
  file?: string;
  line?: number;
  column?: number;
  source?: string;
  hint?: string;
}

export interface AppInfo {
  slug: Slug;
  name: string;
  description?: string;
  icon?: string;
  category?: string;
  version: string;
  runtime: string;
  folder: string;
  hidden?: boolean;
  ok: boolean;
  verified: "static" | "browser" | "";
  tables?: string[];
  diagnostics?: Diagnostic[];
  landing: LandingID;
  updated: string;
}

export type LandingKind = "agent" | "owner" | "undo" | "system" | "healer" | "merge";
export type ChangeOp = "added" | "modified" | "deleted" | "renamed";

export interface Change {
  path: string;
  op: ChangeOp;
}

export interface Provenance {
  process?: PID;
  parent?: PID;
  program?: string;
  request?: RequestID;
  conversation?: Conversation;
  model?: string;
  cost?: Cost;
  label?: Label;
  verified?: string;
  remote?: string;
  undoes?: LandingID;
  restores?: LandingID;
}

export interface DataChange {
  path: string;
  tables?: string[];
  added?: number;
  changed?: number;
  removed?: number;
  schema?: string[];
  migrated?: boolean;
}

/** Refused work that is kept until it lands or is decided. */
export interface ConflictInfo {
  id: string;
  state: "retrying" | "waiting" | "settled";
  time: string;
  title: string;
  tries: number;
  base: LandingID;
  met: LandingID;
  files: { path: string; binary?: boolean; choice?: ConflictChoice }[] | null;
  changes: Change[] | null;
  provenance: Provenance;
  landing?: LandingID;
}

export type ConflictChoice = "ours" | "theirs" | "both" | "file";

export interface LandingInfo {
  id: LandingID;
  commit: string;
  kind: LandingKind;
  title: string;
  time: string;
  changes: Change[] | null;
  apps?: Slug[];
  created?: Slug[];
  data?: DataChange[];
  kept?: string[];
  provenance: Provenance;
  undone_by?: LandingID;
}
