// The gateway's API, one function per request.
import type { AppBackup, AskRequest, ConflictAnswer, ThemeFile, UndoRequest } from "../protocol/api.ts";
import type { PID, Schemas, Slug } from "../protocol/wire.ts";
import { address, reach, send } from "./http.ts";

/** Found says which landings a search is for; "all" and "" leave nothing out. */
interface Found {
  text?: string;
  by?: string;
  before?: number;
}

export type ProcessSignal = Schemas["Signal-processRequest"]["signal"];

/** list makes sure of one where Go may send null. */
const list = <T>(l: T[] | null) => l ?? [];

export const api = {
  session: () => send("get", "/api/session"),
  signIn: (code: string) => send("post", "/api/signin", { body: { code } }),

  ask: (body: AskRequest) => send("post", "/api/ask", { body: { from: "desktop", ...body } }),
  conversations: () => send("get", "/api/conversations").then(list),
  conversation: (id: string) => send("get", "/api/conversations/{id}", { path: { id } }),
  searchRows: (q: string) => send("get", "/api/rows", { query: { q } }).then(list),
  exportRows: (slug: Slug, table: string) => send("get", "/api/apps/{slug}/rows/{table}/csv", { path: { slug, table } }),
  importRows: (slug: Slug, table: string, form: "csv" | "json", text: string, leaveOut = false) =>
    send("post", "/api/apps/{slug}/rows/{table}/text", { path: { slug, table }, body: { form, text, leave_out: leaveOut } }),
  backupApp: (slug: Slug) => send("get", "/api/apps/{slug}/backup", { path: { slug } }),
  restoreApp: (body: AppBackup) => send("post", "/api/apps/restore", { body }),
  answer: (id: string, text: string) => send("post", "/api/questions/{id}", { path: { id }, body: { text } }),
  approve: (id: string, allow: boolean, always: boolean) => send("post", "/api/approvals/{id}", { path: { id }, body: { allow, always, from: "desktop" } }),

  processes: () => send("get", "/api/processes").then(list),
  signal: (pid: PID, signal: ProcessSignal) => send("post", "/api/processes/{pid}/signal", { path: { pid }, body: { signal } }),
  goOn: (pid: PID) => send("post", "/api/processes/{pid}/continue", { path: { pid }, body: {} }),
  stopAll: () => send("post", "/api/stop"),
  goOnAll: () => send("post", "/api/continue"),
  spending: (days: number) => send("get", "/api/spending", { query: { days } }),
  setCaps: (body: Schemas["CapsBody"]) => send("put", "/api/caps", { body }),

  jobs: () => send("get", "/api/jobs").then(list),
  addJob: (body: Schemas["JobBody"]) => send("post", "/api/jobs", { body }),
  removeJob: (id: string) => send("delete", "/api/jobs/{id}", { path: { id } }),
  runJob: (id: string) => send("post", "/api/jobs/{id}/run", { path: { id } }),
  pauseJob: (id: string) => send("post", "/api/jobs/{id}/pause", { path: { id } }),
  resumeJob: (id: string) => send("post", "/api/jobs/{id}/resume", { path: { id } }),

  agents: () => send("get", "/api/agents").then(list),
  skills: () => send("get", "/api/skills").then(list),
  memories: (query: string) => send("get", "/api/memories", { query: { query } }).then(list),
  forget: (id: string) => send("delete", "/api/memories/{id}", { path: { id } }),

  bindings: () => send("get", "/api/bindings").then(list),
  keyring: () => send("get", "/api/keyring"),
  setKey: (name: string, value: string) => send("put", "/api/keys/{name}", { path: { name }, body: { value } }),
  deleteKey: (name: string) => send("delete", "/api/keys/{name}", { path: { name } }),
  bindKey: (name: string, hosts: string[]) => send("put", "/api/keys/{name}/hosts", { path: { name }, body: { hosts } }),

  drivers: () => send("get", "/api/drivers").then(list),
  addDriver: (name: string, body: Record<string, unknown>) => send("put", "/api/drivers/{name}", { path: { name }, body }),
  removeDriver: (name: string) => send("delete", "/api/drivers/{name}", { path: { name } }),
  approveDriver: (name: string, hash: string) => send("post", "/api/drivers/{name}/approve", { path: { name }, body: { hash } }),
  signInDriver: (name: string) => send("post", "/api/drivers/{name}/signin", { path: { name } }),
  restartDriver: (name: string) => send("post", "/api/drivers/{name}/restart", { path: { name } }),

  tokens: () => send("get", "/api/tokens").then(list),
  makeToken: (body: Schemas["TokenBody"]) => send("post", "/api/tokens", { body }),
  devices: () => send("get", "/api/devices"),
  addDevice: (body: Schemas["AddDevice"]) => send("post", "/api/devices", { body }),
  removeDevice: (name: string) => send("delete", "/api/devices/{name}", { path: { name } }),
  handle: () => send("get", "/api/handle"),
  claimHandle: (handle: string) => send("post", "/api/handle", { body: { handle } }),
  checkHandle: () => send("post", "/api/handle/check", { body: {} }).then(list),
  handlePassword: (body: Schemas["PasswordBody"]) => send("post", "/api/handle/password", { body }),
  security: () => send("get", "/api/handle/security"),
  verify: (body: Schemas["VerifyBody"]) => send("post", "/api/handle/verify", { body }),
  makeRecoveryKey: () => send("post", "/api/handle/recovery"),
  recover: (key: string) => send("post", "/api/handle/recover", { body: { key } }),
  acceptIdentity: (handle: string) => send("post", "/api/handle/identity", { body: { handle } }),
  revokeToken: (id: string) => send("delete", "/api/tokens/{id}", { path: { id } }),

  apps: () => send("get", "/api/apps").then(list),
  /** launch opens an app: as it is, as of a moment, or as a process at work has it. */
  launch: (slug: string, body: Schemas["Launch-appRequest"] = {}) => send("post", "/api/apps/{slug}/launch", { path: { slug }, body }),
  beginRecording: (slug: Slug, at: string) => send("post", "/api/apps/{slug}/recordings", { path: { slug }, body: { at } }),
  endRecording: (id: string, use: unknown) => send("post", "/api/recordings/{id}/end", { path: { id }, body: { use } }),
  keepRecording: (id: string, name: string, without: number[]) => send("post", "/api/recordings/{id}/keep", { path: { id }, body: { name, without } }),
  dropRecording: (id: string) => send("delete", "/api/recordings/{id}", { path: { id } }),
  /** addApp brings one that comes with Matrix OS. */
  addApp: (slug: string) => send("post", "/api/apps/{slug}/add", { path: { slug } }),
  removeApp: (slug: string) => send("delete", "/api/apps/{slug}", { path: { slug } }),
  /** grant gives an app what its manifest asks for, or takes it back. */
  allowPackages: (names: string[], allow: boolean) => send("put", "/api/packages", { body: { names, allow } }),
  grant: (slug: string, permission: string, allow: boolean) => send("post", "/api/apps/{slug}/grants", { path: { slug }, body: { permission, allow } }),
  bridge: (capability: string, method: string, params: unknown) => send("post", "/api/bridge", { body: { method, params }, headers: { "x-app-capability": capability } }),

  /** Trials: what this desktop plays for a home that has no browser of its own. */
  desktopHere: () => send("post", "/api/trials/here"),
  takeTrial: (id: string) => send("post", "/api/trials/{id}/take", { path: { id } }),
  callTrial: (id: string, body: Schemas["Call-trialRequest"]) => send("post", "/api/trials/{id}/call", { path: { id }, body }),
  beatTrial: (id: string, nonce: string) => send("post", "/api/trials/{id}/beat", { path: { id }, body: { nonce } }),
  endTrial: (id: string, body: Schemas["TrialOutcome"], leaving: boolean) => send("post", "/api/trials/{id}/outcome", { path: { id }, body, keepalive: leaving }),
  checkApp: (slug: Slug) => send("post", "/api/apps/{slug}/check", { path: { slug } }),

  /** leave ends the address and the rights of an app's window. */
  leave: (capability: string) => send("delete", "/api/bridge", { headers: { "x-app-capability": capability }, keepalive: true }),

  landings: (limit: number, before?: number) => send("get", "/api/landings", { query: { limit, before } }).then(list),
  findLandings: (limit: number, { text, by, before }: Found) => send("get", "/api/landings", { query: { limit, before, text, by: by === "all" ? undefined : by } }).then(list),
  landing: (id: number) => send("get", "/api/landings/{id}", { path: { id: String(id) } }),
  undo: (id: number, body: UndoRequest) => send("post", "/api/landings/{id}/undo", { path: { id: String(id) }, body }),

  conflicts: () => send("get", "/api/conflicts").then(list),
  conflict: (id: string) => send("get", "/api/conflicts/{id}", { path: { id } }),
  resolve: (id: string, body: ConflictAnswer) => send("post", "/api/conflicts/{id}/resolve", { path: { id }, body }),
  dropConflict: (id: string) => send("delete", "/api/conflicts/{id}", { path: { id } }),

  healed: () => send("get", "/api/heal", { query: { limit: 100 } }).then(list),
  heal: (app?: string) => send("post", "/api/heal", { body: { app } }),
  decideRepair: (id: number, decision: "repair" | "leave") => send("post", "/api/heal/{id}", { path: { id }, body: { decision } }),
  reliability: () => send("get", "/api/reliability"),

  space: () => send("get", "/api/space"),
  upkeep: () => send("get", "/api/upkeep"),
  backup: () => send("get", "/api/backup"),
  backUp: () => send("post", "/api/backup/run"),
  freeSpace: () => send("post", "/api/gc"),

  why: (path: string) => send("get", "/api/why", { query: { path } }),
  diff: (from: string, path: string, stat: boolean) => send("get", "/api/diff", { query: { from, path, stat } }),
  restore: (path: string, at: string, preview: boolean) => send("post", "/api/restore", { body: { path, at, preview } }),
  snapshots: () => send("get", "/api/snapshots").then(list),
  nameSnapshot: (name: string, at: string) => send("post", "/api/snapshots", { body: { name, at } }),
  deleteSnapshot: (name: string) => send("delete", "/api/snapshots/{name}", { path: { name } }),

  files: (path: string, at?: string) => send("get", "/api/files", { query: { path, at } }).then(list),
  file: (path: string, at?: string) => send("get", "/api/file", { query: { path, at } }),
  removeFile: (path: string) => send("delete", "/api/file", { query: { path } }),
  saveFile: (path: string, content: string, hash?: string) => send("put", "/api/file", { body: { path, content, hash } }),

  rooms: () => send("get", "/api/rooms").then(list),
  makeRoom: (body: Schemas["NewRoom"]) => send("post", "/api/rooms", { body }),
  roomPage: (room: string, before?: string) => send("get", "/api/rooms/{room}/messages", { path: { room }, query: { before, limit: 60 } }),
  writeRoom: (room: string, body: Schemas["Writing"]) => send("post", "/api/rooms/{room}/messages", { path: { room }, body }),
  attendRoom: (room: string, body: Schemas["Attendance"]) => send("post", "/api/rooms/{room}/attend", { path: { room }, body }),
  searchMessages: (q: string, room?: string) => send("get", "/api/messages", { query: { q, room } }).then(list),
  presence: (of: string) => send("get", "/api/presence", { query: { of } }),
  attach: (room: string, file: File, thread?: string) =>
    reach<Schemas["Written"]>(address("/api/rooms/{room}/media", { room }, { name: file.name, type: file.type, thread }), { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file }),
  mediaAddress: (room: string, event: string) => address("/api/rooms/{room}/media/{event}", { room, event }),

  deals: () => send("get", "/api/deals").then(list),
  moveDeal: (id: string, body: Schemas["DealMove"]) => send("post", "/api/deals/{id}", { path: { id }, body }),
  verifyDeal: (id: string) => send("get", "/api/deals/{id}/verify", { path: { id } }),

  blocked: () => send("get", "/api/people/blocked").then(list),
  block: (body: Schemas["BlockBody"]) => send("post", "/api/people/block", { body }),
  report: (room: string, body: Schemas["ReportBody"]) => send("post", "/api/rooms/{room}/report", { path: { room }, body }),

  feed: (query: { of?: string; circle?: string; before?: string }) => send("get", "/api/feed", { query }),
  post: (circle: string, text: string) => send("post", "/api/feed", { body: { circle, text } }),
  postFile: (circle: string, text: string, file: File) =>
    reach<Schemas["Written"]>(address("/api/feed/media", {}, { circle, text, name: file.name, type: file.type }), { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file }),
  thread: (event: string) => send("get", "/api/feed/{event}", { path: { event } }),
  respond: (event: string, body: Schemas["FeedResponse"]) => send("post", "/api/feed/{event}", { path: { event }, body }),
  following: () => send("get", "/api/following").then(list),
  follow: (body: Schemas["FollowBody"]) => send("post", "/api/following", { body }),
  circles: () => send("get", "/api/circles").then(list),
  makeCircle: (name: string) => send("post", "/api/circles", { body: { name } }),
  changeCircle: (circle: string, body: Schemas["CircleChange"]) => send("post", "/api/circles/{circle}/people", { path: { circle }, body }),
  profile: (of?: string) => send("get", "/api/profile", { query: { of } }),
  ownProfile: () => send("get", "/api/profile/own"),
  saveProfile: (body: Schemas["ProfileBody"]) => send("put", "/api/profile/own", { body }),
  pictureAddress: (of: string) => address("/api/profile/picture", {}, { of }),

  layout: () => send("get", "/api/layout"),
  saveLayout: (body: unknown, keepalive = false) => send("put", "/api/layout", { body, keepalive }),
  theme: () => send("get", "/api/theme"),
  saveTheme: (body: ThemeFile) => send("put", "/api/theme", { body }),
  models: () => send("get", "/api/models"),
  chooseModel: (body: Schemas["ModelChoice"]) => send("put", "/api/models", { body }),
};
