// Types of the mock gateway, as far as the tests use it.
interface MockHome {
  pace: number;
  layout: { wins: { title: string }[] } | null;
  apps: Map<string, Record<string, unknown>>;
  rows: Map<string, unknown[]>;
  files: Map<string, string>;
  builtOn: Set<number>;
  refuse(work: { path: string; theirs: string }): unknown;
  emit(kind: string, data: unknown, of?: object, ephemeral?: boolean): void;
  write(file: { path: string; content: string; hash?: string }): unknown;
  land(landing: { kind: string; title: string; files: Record<string, string | null>; provenance: object; app?: Record<string, unknown> }): { id: number };
}

export function serve(options?: { port?: number; signedIn?: boolean; pace?: number; seed?: (home: MockHome) => void }): Promise<{
  home: MockHome;
  url: string;
  dropSockets(): void;
  close(): Promise<void>;
}>;
