// The shapes that an app and the system share.

export type Value = string | number | boolean | null | unknown[] | Record<string, unknown>;

/** A row of an app's table; id and the two times are set by the system. */
export interface Row {
  id: string;
  created_at: string;
  updated_at: string;
  [column: string]: any;
}

/** A test of one column: a value, or operators that all have to hold. */
export type Test =
  | Value
  | { $eq?: Value; $ne?: Value; $lt?: Value; $lte?: Value; $gt?: Value; $gte?: Value; $in?: Value[]; $like?: string; $ilike?: string };

export interface Query {
  where?: Record<string, Test>;
  orderBy?: Record<string, "asc" | "desc">;
  limit?: number;
  offset?: number;
}

/** A row that this window and another have changed in the same fields. */
export interface Clash {
  table: string;
  id: string;
  fields: string[];
  /** What this window wanted to save. */
  mine: Record<string, unknown>;
  /** The row as it is now. */
  theirs: Row;
}

/** A row in which a text was found. */
export interface Hit {
  table: string;
  row: Row;
  /** The place in it, cut to a line. */
  text: string;
}

/** ConflictHandler returns what to save, or null to keep theirs. */
export type ConflictHandler = (clash: Clash) => Record<string, unknown> | null | Promise<Record<string, unknown> | null>;

export interface Database {
  find(table: string, query?: Query): Promise<Row[]>;
  findOne(table: string, id: string): Promise<Row | null>;
  insert(table: string, data: Record<string, unknown>): Promise<{ id: string }>;
  bulkInsert(table: string, rows: Record<string, unknown>[]): Promise<{ ids: string[] }>;
  /**
   * update merges with what other windows have changed since this one saw the row (seen;
   * else as it was last read here). The same field changed differently by both is left as
   * it is, and the promise rejects with what it is now, unless onConflict decides.
   */
  update(table: string, id: string, data: Record<string, unknown>, seen?: Record<string, unknown>): Promise<unknown>;
  bulkUpdate(table: string, rows: { id: string; data: Record<string, unknown>; seen?: Record<string, unknown> }[]): Promise<unknown>;
  /** onConflict decides clashes of a table in this window; it returns how to stop. */
  onConflict(table: string, fn: ConflictHandler): () => void;
  delete(table: string, id: string): Promise<unknown>;
  count(table: string, where?: Record<string, Test>): Promise<number>;
  /** search finds rows that have all words of text, the last of which may be a beginning; the best first, in all tables unless one is named. */
  search(text: string, options?: { table?: string; limit?: number }): Promise<Hit[]>;
  appInfo(): Promise<unknown>;
  onChange(table: string, fn: (change: { table: string }) => void): () => void;
}

/** Who this person is to others, and the rooms of this app. */
export interface RoomList {
  /** The owner has allowed this app to share. */
  allowed: boolean;
  me?: string;
  /** Others can be reached: false until a handle is claimed. */
  reachable: boolean;
  rooms: RoomInfo[];
}

export interface RoomInfo {
  id: string;
  title: string;
  turns: boolean;
  state: "joined" | "invited";
  /** Who made it: they invite. */
  by: string;
}

export interface RoomMember {
  id: string;
  /** Or else invited. */
  joined: boolean;
  /** Has the room open now. */
  here: boolean;
}

/** What a member has written. */
export interface RoomMove {
  id: string;
  by: string;
  at: string;
  value: any;
  /** The room has it; until then only this home. */
  sent: boolean;
}

/** What a key holds. Of several writes that did not know of each other one counts, the same one in all homes; the others are lost. */
export interface RoomValue extends RoomMove {
  key: string;
  lost?: RoomMove[];
}

/** A score as its author has signed it: it says who claims it, and not that it was earned. */
export interface RoomScore {
  board: string;
  by: string;
  score: number;
  at: string;
  key: string;
  sig: string;
}

/** A room as it is now. */
export interface RoomView extends RoomInfo {
  version: string;
  me: string;
  members: RoomMember[];
  values: RoomValue[];
  log: RoomMove[];
  /** Moves of which another at the same place counts. */
  lost: RoomMove[];
  /** Those of which the signature is right, the highest of each board first. */
  scores: RoomScore[];
  unsent: number;
  waiting: number;
}

/** Rooms in which this app shares with other people; the manifest asks for the permission "room". */
export interface Rooms {
  /** list asks the owner for nothing: before they have allowed it there are no rooms. */
  list(): Promise<RoomList>;
  /** With turns nobody moves twice in a row, and two people are in it. */
  create(room: { title: string; turns?: boolean }): Promise<{ id: string }>;
  show(id: string): Promise<RoomView>;
  /** invite asks the owner each time; whoever made a room invites. */
  invite(id: string, who: string): Promise<void>;
  join(id: string): Promise<void>;
  leave(id: string): Promise<void>;
  members(id: string): Promise<RoomMember[]>;
  /** here shows the others that this person has the room open; say it again every 20 seconds. */
  here(id: string): Promise<void>;
  state: {
    get(id: string, key: string): Promise<any>;
    all(id: string): Promise<RoomValue[]>;
    /** null takes a key away. */
    set(id: string, key: string, value: unknown): Promise<{ id: string }>;
  };
  log(id: string): Promise<RoomMove[]>;
  /** after is the newest move that this window has seen: if there is another one, append fails. */
  append(id: string, value: unknown, after?: string): Promise<{ id: string; counts: boolean }>;
  /** score claims a whole number on a board, signed with the key of this home. */
  score(id: string, board: string, value: number): Promise<{ id: string }>;
  scores(id: string, board: string): Promise<RoomScore[]>;
  /** onChange hears of changes in a room; with an empty id, in any room of this app. */
  onChange(id: string, fn: (room: string) => void): () => void;
  /** onConflict hears of writes that did not count, of others too, once each. */
  onConflict(id: string, fn: (lost: { key?: string; kept: RoomMove | null; lost: RoomMove }) => void): () => void;
}

/** What every app finds as window.MatrixOS. */
export interface MatrixOS {
  db: Database;
  room: Rooms;
  readData(key: string): Promise<any>;
  writeData(key: string, value: unknown): Promise<void>;
  onDataChange(fn: (key: string, app: string) => void): () => void;
  openApp(name: string, path?: string): Promise<unknown>;
  navigate(route: string, context?: unknown): Promise<unknown>;
  generate(context: unknown): Promise<unknown>;
  integrations(): Promise<{ service: string; account_label: string; account_email: string; status: string }[]>;
  service(service: string, action: string, params?: unknown, label?: string): Promise<{ data: unknown; service: string; action: string }>;
  proxyFetch(url: string): Promise<unknown>;
  gatewayFetch(url: string, init?: unknown, timeoutMs?: number): Promise<unknown>;
  readonly theme: Record<string, string>;
  readonly design: string;
  readonly app: { name: string };
}

export type FieldType =
  | "text" | "note" | "number" | "money" | "percent" | "date" | "time" | "datetime" | "duration"
  | "rating" | "check" | "choice" | "tags" | "link" | "email" | "phone" | "color";

/** One column as people see it: forms, tables and charts are made of these. */
export interface Field {
  name: string;
  label?: string;
  type?: FieldType;
  options?: readonly string[];
  required?: boolean;
  /** "today" and "now" stand for the moment the form opens. */
  default?: any;
  unit?: string;
  currency?: string;
  min?: number;
  max?: number;
  step?: number;
}

export type Every = "day" | "week" | "month" | "year";
export type Aggregate = "sum" | "avg" | "count" | "min" | "max";
