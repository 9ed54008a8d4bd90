// Requests and answers of the gateway's JSON API, by the names that the shell uses.
import type { Schemas } from "./wire.ts";

/** Problem is the body of every refusal (RFC 9457), with our kind and the way out. */
export type Problem = Schemas["Problem"];
export type SessionInfo = Schemas["Session"];
export type AskRequest = Omit<Schemas["AskBody"], "from">;
export type ConversationSummary = Schemas["ConversationInfo"];
export type Launch = Schemas["LaunchReply"];
export type FileDiff = Schemas["FileDiff"];
export type LandingDetail = Schemas["LandingReply"];
export type UndoRequest = Schemas["Undo-landingRequest"];
export type ConflictSide = Schemas["SideOfConflict"];
export type ConflictFile = Schemas["ConflictFile"];
export type ConflictDetail = Schemas["ConflictReply"];
export type ConflictAnswer = Schemas["ResolveBody"];
export type Resolved = Schemas["ResolveReply"];
export type Space = Schemas["SpaceReport"];
export type Upkeep = Pick<Schemas["UpkeepState"], "scrub" | "gc">;
export type RecordingDraft = Schemas["RecordingDraft"];
export type AppBackup = Schemas["AppBackup"];
export type BackupRun = Schemas["BackupRun"];
export type BackupStatus = Schemas["BackupStatus"];
export type RestoreDetail = Schemas["RestoreReply"];
export type Snapshot = Schemas["Snapshot"];
export type Cause = Schemas["Cause"];
export type Explanation = Schemas["Explanation"];
export type FileEntry = Schemas["FileInfo"];
export type FileText = Schemas["TextFile"];
export type ThemeFile = Schemas["Theme"];
export type ModelList = Schemas["ModelList"];
export type ModelEntry = Schemas["Model"];
