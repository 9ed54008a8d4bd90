// Types of the bridge, as far as this app uses it.
export interface MatrixDb {
  find<T>(table: string, options?: { where?: Record<string, unknown>; orderBy?: Record<string, "asc" | "desc">; limit?: number; offset?: number }): Promise<T[]>;
  insert(table: string, data: Record<string, unknown>): Promise<{ id: string }>;
  bulkInsert(table: string, rows: Record<string, unknown>[]): Promise<{ ids: string[] }>;
  update(table: string, id: string, data: Record<string, unknown>): Promise<unknown>;
  delete(table: string, id: string): Promise<unknown>;
  count(table: string, filter?: Record<string, unknown>): Promise<number>;
  onChange(table: string, callback: (event: { table: string }) => void): () => void;
}

declare global {
  interface Window {
    MatrixOS?: {
      db?: MatrixDb;
      readData?: (key: string) => Promise<unknown>;
      writeData?: (key: string, value: unknown) => Promise<void>;
      theme?: Record<string, string>;
      app?: { name: string };
    };
  }
}

export const db = (): MatrixDb | undefined => window.MatrixOS?.db;
