// The values that cross the wire, by the names that the shell uses; the types are
// made from the gateway's OpenAPI document.
import type { components } from "./schema.gen.ts";

export type Schemas = components["schemas"];

export type PID = number;
export type Seq = number;
export type LandingID = number;
export type Slug = string;
export type Conversation = string;
export type RequestID = string;

export type ErrorKind = Schemas["Problem"]["kind"];
export type Cost = Schemas["Cost"];
export type Budget = Schemas["Budget"];
export type Process = Schemas["Process"];
export type ProcessState = Process["state"];
export type Diagnostic = Schemas["Diagnostic"];
export type AppInfo = Schemas["AppInfo"];
export type LandingInfo = Schemas["LandingInfo"];
export type LandingKind = LandingInfo["kind"];
export type Change = Schemas["Change"];
export type ChangeOp = Change["op"];
export type Provenance = Schemas["Provenance"];
export type DataChange = Schemas["DataChange"];
/** Refused work that is kept until it lands or is decided. */
export type ConflictInfo = Schemas["ConflictInfo"];
/** Something that was found broken, and what became of it. */
export type HealCase = Schemas["HealCase"];
export type ConflictChoice = NonNullable<Schemas["ConflictPath"]["choice"]>;
