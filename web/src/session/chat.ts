// A conversation as a document: turns, each with the owner's line, what the
// processes did about it, and how it ended. reduce folds durable events into the
// document; draft folds the ephemeral ones into what is being written right now.
// Both are pure, and folding the same events again gives the same document.
import type { AnswerData, ApprovalData, Event, QuestionData, RequestData } from "../protocol/events.ts";
import type { ConflictInfo, Cost, LandingInfo, PID, Process, RequestID, Seq } from "../protocol/wire.ts";

export interface Step {
  kind: "step";
  id: string;
  name: string;
  title: string;
  input?: unknown;
  result?: { text: string; failed: boolean; millis: number };
}

export interface Remark {
  kind: "remark"; // something said on the way, not the answer
  text: string;
}

export interface Child {
  kind: "child";
  pid: PID;
}

export type Item = Step | Remark | Child;

/** Work is what one process did for a turn. */
export interface Work {
  pid: PID;
  process?: Process;
  items: Item[];
  said: string; // its newest message, "" once it went on to act
  spent: Cost; // of its messages, until a process event says better
}

/** Question is one that was put to the owner; answered holds the reply once there is one. */
export interface Question extends QuestionData {
  pid?: PID;
  answered?: string;
}

/** Approval is an effect that only the owner may allow; verdict is what was answered. */
export interface Approval extends ApprovalData {
  pid?: PID;
  verdict?: "allowed" | "refused";
}

export interface Turn {
  request: RequestID;
  time: string;
  ask: RequestData;
  root?: PID;
  works: Record<PID, Work>;
  landings: LandingInfo[];
  conflicts: ConflictInfo[]; // work of this turn that was refused, as it stands
  questions: Question[];
  approvals: Approval[];
  answer?: AnswerData;
}

export interface ChatDoc {
  id: string;
  seq: Seq; // the newest durable event folded in
  turns: Turn[];
}

/** Draft is what one process is writing at this moment. */
export interface Draft {
  text: string;
  thinking: string;
  writing: string;
  retry?: { attempt: number; reason: string };
}

export type Drafts = Readonly<Record<PID, Draft>>;

/** previewOf is the app that a process is making or changing, once there is enough of it to be seen. */
export function previewOf(work: Work, exists: (slug: string) => boolean): string | undefined {
  let found: string | undefined;
  for (const item of work.items) {
    if (item.kind !== "step" || !/^(Write|Edit)$/.test(item.name) || !item.result || item.result.failed) continue;
    const path = String((item.input as { file_path?: unknown } | undefined)?.file_path ?? "");
    const [, slug, rest] = /(?:^|\/)apps\/([a-z0-9-]+)\/(.+)$/.exec(path) ?? [];
    if (slug && (slug === found || exists(slug) || rest === "index.html" || rest?.startsWith("src/"))) found = slug;
  }
  return found;
}

export const noCost: Cost = { input: 0, output: 0, cache_read: 0, cache_write: 0, usd: 0 };

export function addCost(a: Cost, b: Cost): Cost {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cache_read: a.cache_read + b.cache_read,
    cache_write: a.cache_write + b.cache_write,
    usd: a.usd + b.usd,
    estimated: a.estimated || b.estimated,
  };
}

export function emptyDoc(id: string): ChatDoc {
  return { id, seq: 0, turns: [] };
}

/** replay makes the document of a whole log. */
export function replay(id: string, events: readonly Event[]): ChatDoc {
  return events.reduce(reduce, emptyDoc(id));
}

/** reduce folds one event; ephemeral ones and those already folded change nothing. */
export function reduce(doc: ChatDoc, e: Event): ChatDoc {
  if (e.seq === 0 || e.seq <= doc.seq) return doc;
  const next = { ...doc, seq: e.seq };
  if (e.kind === "request") {
    const turn: Turn = { request: e.request ?? "", time: e.time, ask: e.data, root: e.pid, works: {}, landings: [], conflicts: [], questions: [], approvals: [] };
    return { ...next, turns: [...doc.turns, turn] };
  }
  const at = findTurn(doc, e);
  const turn = doc.turns[at];
  if (!turn) return next;
  const changed = reduceTurn(settle(turn, e), e);
  return changed === turn ? next : { ...next, turns: doc.turns.with(at, changed) };
}

function findTurn(doc: ChatDoc, e: Event): number {
  const request = e.request ?? (e.kind === "landing" ? e.data.provenance.request : undefined);
  if (request) return doc.turns.findLastIndex((t) => t.request === request);
  if (e.pid) return doc.turns.findLastIndex((t) => t.works[e.pid ?? 0] !== undefined);
  return -1;
}

function reduceTurn(turn: Turn, e: Event): Turn {
  switch (e.kind) {
    case "process":
      return foldProcess(turn, e.data);
    case "message":
      return e.pid ? foldMessage(turn, e.pid, e.data.role, e.data.text, e.data.cost) : turn;
    case "call":
      return e.pid ? onWork(turn, e.pid, (w) => push(w, { kind: "step", ...e.data })) : turn;
    case "result":
      return e.pid ? onWork(turn, e.pid, (w) => ({ ...w, items: w.items.map((i) => finish(i, e.data)) })) : turn;
    case "landing":
      return turn.landings.some((l) => l.id === e.data.id) ? turn : { ...turn, landings: [...turn.landings, e.data] };
    case "conflict":
      return { ...turn, conflicts: [...turn.conflicts.filter((c) => c.id !== e.data.id), e.data] };
    case "question":
      return turn.questions.some((q) => q.id === e.data.id) ? turn : { ...turn, questions: [...turn.questions, { ...e.data, pid: e.pid }] };
    case "approval":
      return turn.approvals.some((a) => a.id === e.data.id) ? turn : { ...turn, approvals: [...turn.approvals, { ...e.data, pid: e.pid }] };
    case "answer":
      return { ...turn, answer: e.data };
    default:
      return turn;
  }
}

// A process that goes on has been answered, by this desktop or elsewhere.
function settle(turn: Turn, e: Event): Turn {
  if (e.kind === "audit" && e.data.what === "approval") {
    const verdict = e.data.verdict === "allow" ? "allowed" : "refused";
    return { ...turn, approvals: turn.approvals.map((a) => (a.id === e.data.target ? { ...a, verdict } : a)) };
  }
  const goesOn = e.kind === "call" || e.kind === "result" || e.kind === "message";
  if (!goesOn || !turn.questions.some((q) => q.pid === e.pid && q.answered === undefined)) return turn;
  return { ...turn, questions: turn.questions.map((q) => (q.pid === e.pid && q.answered === undefined ? { ...q, answered: "" } : q)) };
}

function onWork(turn: Turn, pid: PID, change: (w: Work) => Work): Turn {
  const work = turn.works[pid] ?? { pid, items: [], said: "", spent: noCost };
  return { ...turn, root: turn.root ?? pid, works: { ...turn.works, [pid]: change(work) } };
}

// Whatever a process said before it acted was a remark, not its answer.
function push(work: Work, item: Item): Work {
  const remark: Item[] = work.said === "" ? [] : [{ kind: "remark", text: work.said }];
  return { ...work, said: "", items: [...work.items, ...remark, item] };
}

function finish(item: Item, r: { id: string; text: string; failed?: boolean; millis: number }): Item {
  if (item.kind !== "step" || item.id !== r.id || item.result) return item;
  return { ...item, result: { text: r.text, failed: r.failed ?? false, millis: r.millis } };
}

function foldProcess(turn: Turn, p: Process): Turn {
  const known = turn.works[p.pid] !== undefined;
  let next = onWork(turn, p.pid, (w) => ({ ...w, process: p }));
  if (!known && p.parent && turn.works[p.parent]) {
    next = onWork(next, p.parent, (w) => ({ ...w, items: [...w.items, { kind: "child", pid: p.pid }] }));
  }
  return next;
}

function foldMessage(turn: Turn, pid: PID, role: "user" | "assistant", text: string, cost?: Cost): Turn {
  if (role === "assistant") {
    return onWork(turn, pid, (w) => ({ ...w, said: text || w.said, spent: cost ? addCost(w.spent, cost) : w.spent }));
  }
  const begun = (turn.works[pid]?.items.length ?? 0) > 0 || (turn.works[pid]?.said ?? "") !== "";
  if (!begun) return turn; // the task itself, which stands above already
  return onWork(turn, pid, (w) => push(w, { kind: "remark", text: firstLine(text) }));
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

/** draft folds what streams; a durable message of a process replaces its draft. */
export function draft(drafts: Drafts, e: Event): Drafts {
  const pid = e.pid;
  if (!pid) return drafts;
  const old = drafts[pid];
  switch (e.kind) {
    case "delta": {
      const d = old ?? { text: "", thinking: "", writing: "" };
      const next: Draft = {
        text: d.text + (e.data.text ?? ""),
        thinking: e.data.thinking ? tail(d.thinking + e.data.thinking) : d.thinking,
        writing: e.data.writing ? tail(d.writing + e.data.writing) : d.writing,
      };
      return { ...drafts, [pid]: next };
    }
    case "retry":
      return { ...drafts, [pid]: { text: "", thinking: "", writing: "", retry: { attempt: e.data.attempt, reason: e.data.reason } } };
    case "message":
    case "call":
      return old && (e.kind === "call" || e.data.role === "assistant") ? without(drafts, pid) : drafts;
    case "process":
      return old && ended(e.data) ? without(drafts, pid) : drafts;
    default:
      return drafts;
  }
}

function without(drafts: Drafts, pid: PID): Drafts {
  const { [pid]: _gone, ...rest } = drafts;
  return rest;
}

// Only the end of a thought is ever shown; the rest need not be kept.
function tail(text: string): string {
  return text.length > 4000 ? text.slice(-2000) : text;
}

export function ended(p: Process): boolean {
  return p.state === "done" || p.state === "failed" || p.state === "killed";
}

/** prose is what the turn says to the owner: its answer, or what is said so far. */
export function prose(turn: Turn, drafts: Drafts): string {
  if (turn.answer) return turn.answer.ok ? turn.answer.text : "";
  const root = turn.root ?? 0;
  return drafts[root]?.text || turn.works[root]?.said || "";
}

/** costOf is what a turn has cost so far. */
export function costOf(turn: Turn): Cost {
  if (turn.answer) return turn.answer.cost;
  return Object.values(turn.works).reduce((sum, w) => addCost(sum, largest(w)), noCost);
}

// A process event may be older than its newest message, or carry no cost yet.
function largest(w: Work): Cost {
  const p = w.process?.cost;
  return p && (p.usd > w.spent.usd || p.output > w.spent.output) ? p : w.spent;
}

export function stepsOf(turn: Turn): number {
  return Object.values(turn.works).reduce((n, w) => n + w.items.filter((i) => i.kind === "step").length, 0);
}

/** openApproval is the effect that waits for the owner's word, if any. */
export function openApproval(turn: Turn): Approval | undefined {
  return turn.answer ? undefined : turn.approvals.findLast((a) => a.verdict === undefined);
}

/** openQuestion is the question that waits for the owner, if any. */
export function openQuestion(turn: Turn): Question | undefined {
  return turn.answer ? undefined : turn.questions.findLast((q) => q.answered === undefined);
}
