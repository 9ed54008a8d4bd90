// One way to talk to the gateway's JSON API. Failures are Refusals, which carry
// what happened, why, and the way out.
import type { Problem } from "../protocol/api.ts";
import type { ErrorKind } from "../protocol/wire.ts";

export class Refusal extends Error {
  readonly status: number;
  readonly kind: ErrorKind;
  readonly hint: string;

  constructor(message: string, status: number, kind: ErrorKind, hint: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.kind = kind;
    this.hint = hint;
  }
}

/** refusalOf makes any failure presentable. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(error instanceof Error ? error.message : String(error), 0, "internal", "");
}

async function refuse(response: Response): Promise<never> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // The body is not ours (a proxy's page, say); the status has to do.
  }
  const text = problem.detail || problem.title || `The gateway answered ${response.status}.`;
  throw new Refusal(text, response.status, problem.kind ?? "internal", problem.hint ?? "");
}

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  keepalive?: boolean;
}

/** call sends one request and reads the JSON answer; an empty answer is undefined. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = "GET", body, headers, keepalive } = options;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      keepalive,
    });
  } catch {
    throw new Refusal("Matrix OS does not answer.", 0, "unavailable", "Check that `matrixos up` is still running in its terminal.");
  }
  if (!response.ok) return refuse(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
