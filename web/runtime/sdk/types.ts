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

/** What every app finds as window.MatrixOS. */
export interface MatrixOS {
  db: Database;
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
