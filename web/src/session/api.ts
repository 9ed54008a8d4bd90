// The gateway's API, one function per request.
import type {
  AskRequest, BackupStatus, Comparison, ConflictAnswer, ConflictDetail, ConversationLog, ConversationSummary, Explanation, FileEntry, FileText, GCReport, LandingDetail, Launch, ModelChange, ModelList,
  ProcessSignal, Resolved, RestoreDetail, SessionInfo, Snapshot, Space, ThemeFile, Ticket, UndoRequest, Upkeep,
} from "../protocol/api.ts";
import type { AppInfo, ConflictInfo, LandingInfo, PID, Process } from "../protocol/wire.ts";
import { call } from "./http.ts";

const seg = encodeURIComponent;
const as = (at?: string) => (at ? `&at=${seg(at)}` : "");

/** Found says which landings a search is for; "all" and "" leave nothing out. */
interface Found {
  text?: string;
  by?: string;
  before?: number;
}

export const api = {
  session: () => call<SessionInfo>("/api/session"),
  signIn: (code: string) => call<void>("/api/signin", { method: "POST", body: { code } }),

  ask: (ask: AskRequest) => call<Ticket>("/api/ask", { method: "POST", body: ask }),
  conversations: () => call<ConversationSummary[] | null>("/api/conversations").then((l) => l ?? []),
  conversation: (id: string) => call<ConversationLog>(`/api/conversations/${seg(id)}`),
  answer: (question: string, text: string) => call<void>(`/api/questions/${seg(question)}`, { method: "POST", body: { text } }),
  approve: (id: string, allow: boolean, always: boolean) => call<void>(`/api/approvals/${seg(id)}`, { method: "POST", body: { allow, always } }),

  processes: () => call<Process[] | null>("/api/processes").then((l) => l ?? []),
  signal: (pid: PID, signal: ProcessSignal) => call<void>(`/api/processes/${pid}/signal`, { method: "POST", body: { signal } }),
  stopAll: () => call<void>("/api/stop", { method: "POST", body: {} }),

  apps: () => call<AppInfo[] | null>("/api/apps").then((l) => l ?? []),
  /** launch opens an app: as it is, as of a moment, or as a process at work has it. */
  launch: (slug: string, as: { at?: string; preview_pid?: PID } = {}) => call<Launch>(`/api/apps/${seg(slug)}/launch`, { method: "POST", body: as }),
  removeApp: (slug: string) => call<unknown>(`/api/apps/${seg(slug)}`, { method: "DELETE" }),
  bridge: (capability: string, method: string, params: unknown) =>
    call<{ value: unknown }>("/api/bridge", { method: "POST", body: { method, params }, headers: { "x-app-capability": capability } }),

  /** leave ends the address and the rights of an app's window. */
  leave: (capability: string) => call<void>("/api/bridge", { method: "DELETE", headers: { "x-app-capability": capability }, keepalive: true }),

  landings: (limit: number, before?: number) =>
    call<LandingInfo[] | null>(`/api/landings?limit=${limit}${before ? `&before=${before}` : ""}`).then((l) => l ?? []),
  findLandings: (limit: number, { text, by, before }: Found) =>
    call<LandingInfo[] | null>(
      `/api/landings?limit=${limit}${before ? `&before=${before}` : ""}${text ? `&text=${seg(text)}` : ""}${by && by !== "all" ? `&by=${seg(by)}` : ""}`,
    ).then((l) => l ?? []),
  landing: (id: number) => call<LandingDetail>(`/api/landings/${id}`),
  undo: (id: number, how: UndoRequest) => call<LandingDetail>(`/api/landings/${id}/undo`, { method: "POST", body: how }),

  conflicts: () => call<ConflictInfo[] | null>("/api/conflicts").then((l) => l ?? []),
  conflict: (id: string) => call<ConflictDetail>(`/api/conflicts/${seg(id)}`),
  resolve: (id: string, answer: ConflictAnswer) => call<Resolved>(`/api/conflicts/${seg(id)}/resolve`, { method: "POST", body: answer }),
  dropConflict: (id: string) => call<void>(`/api/conflicts/${seg(id)}`, { method: "DELETE" }),

  space: () => call<Space>("/api/space"),
  upkeep: () => call<Upkeep>("/api/upkeep"),
  backup: () => call<BackupStatus>("/api/backup"),
  backUp: () => call<unknown>("/api/backup/run", { method: "POST", body: {} }),
  freeSpace: () => call<GCReport>("/api/gc", { method: "POST", body: {} }),

  why: (path: string) => call<Explanation>(`/api/why?path=${seg(path)}`),
  diff: (from: string, path: string, stat: boolean) => call<Comparison>(`/api/diff?from=${seg(from)}&path=${seg(path)}&stat=${stat}`),
  restore: (path: string, at: string, preview: boolean) => call<RestoreDetail>("/api/restore", { method: "POST", body: { path, at, preview } }),
  snapshots: () => call<Snapshot[] | null>("/api/snapshots").then((l) => l ?? []),
  nameSnapshot: (name: string, at: string) => call<Snapshot>("/api/snapshots", { method: "POST", body: { name, at } }),
  deleteSnapshot: (name: string) => call<void>(`/api/snapshots/${seg(name)}`, { method: "DELETE" }),

  files: (path: string, at?: string) => call<FileEntry[] | null>(`/api/files?path=${seg(path)}${as(at)}`).then((l) => l ?? []),
  file: (path: string, at?: string) => call<FileText>(`/api/file?path=${seg(path)}${as(at)}`),
  saveFile: (path: string, content: string, hash?: string) => call<FileText>("/api/file", { method: "PUT", body: { path, content, hash } }),

  layout: () => call<unknown>("/api/layout"),
  saveLayout: (layout: unknown, keepalive = false) => call<void>("/api/layout", { method: "PUT", body: layout, keepalive }),
  theme: () => call<Partial<ThemeFile> | null>("/api/theme"),
  saveTheme: (theme: ThemeFile) => call<void>("/api/theme", { method: "PUT", body: theme }),
  models: () => call<ModelList>("/api/models"),
  chooseModel: (change: ModelChange) => call<unknown>("/api/models", { method: "PUT", body: change }),
};
