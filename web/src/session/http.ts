// One way to talk to the gateway's JSON API. Failures are Refusals, which carry
// what happened, why, and the way out.
import type { Problem } from "../protocol/api.ts";
import type { paths } from "../protocol/schema.gen.ts";
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

type Method = "get" | "put" | "post" | "delete";
type Place<M extends Method> = { [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never }[keyof paths];
type Operation<M extends Method, P extends Place<M>> = paths[P] extends { [K in M]: infer O } ? O : never;
type Part<T, K extends "path" | "query"> = T extends { parameters: { [Q in K]: infer V } } ? { [Q in K]: V } : T extends { parameters: { [Q in K]?: infer V } } ? { [Q in K]?: V } : unknown;
type Body<T> = T extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : { body?: undefined };
interface More {
  headers?: Record<string, string>;
  keepalive?: boolean;
}
type Input<T> = Part<T, "path"> & Part<T, "query"> & Body<T> & More;
type Answer<T> = T extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : void;

/** send makes one call of the API: what it takes and gives is what the gateway's document says. */
export async function send<M extends Method, P extends Place<M>>(method: M, path: P, ...[input]: object extends Input<Operation<M, P>> ? [Input<Operation<M, P>>?] : [Input<Operation<M, P>>]): Promise<Answer<Operation<M, P>>> {
  const { path: names, query, body, headers, keepalive } = (input ?? {}) as { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown } & More;
  return reach<Answer<Operation<M, P>>>(address(path, names, query), {
    method: method.toUpperCase(),
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    keepalive,
  });
}

/** reach reads the JSON answer of any of the gateway's addresses; an empty one is undefined. */
export async function reach<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { accept: "application/json", ...init.headers }, credentials: "same-origin" });
  } catch {
    throw new Refusal("Matrix OS does not answer.", 0, "unavailable", "Check that `matrixos up` is still running in its terminal.");
  }
  if (!response.ok) return refuse(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** address fills in a path and a query; what is undefined or empty is left out. */
export function address(path: string, names: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names[name])));
  const asked = Object.entries(query).filter(([, v]) => v !== undefined && v !== "");
  return asked.length === 0 ? place : `${place}?${new URLSearchParams(asked.map(([k, v]) => [k, String(v)])).toString()}`;
}
