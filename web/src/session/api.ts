// The gateway's API, one function per request.
import type {
  AskRequest, Comparison, ConversationLog, ConversationSummary, Explanation, FileEntry, FileText, LandingDetail, Launch, ModelChange, ModelList,
  ProcessSignal, RestoreDetail, SessionInfo, Snapshot, ThemeFile, Ticket,
} from "../protocol/api.ts";
import type { AppInfo, LandingInfo, PID, Process } from "../protocol/wire.ts";
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
  undo: (id: number, preview: boolean) => call<LandingDetail>(`/api/landings/${id}/undo`, { method: "POST", body: { preview } }),

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
