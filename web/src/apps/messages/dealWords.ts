// What agreements say to people, and where in a conversation they stand. Pure.
import { assertNever } from "../../protocol/assert.ts";
import type { Act, Deal, Slot, Step } from "../../session/deals.ts";
import type { Room } from "../../session/rooms.ts";
import { nameOf, personOf } from "../../ui/people.ts";
import { count, whenText } from "../../ui/words.ts";
import type { Line } from "./fold.ts";

const day = (t: Date) => t.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", year: t.getFullYear() === new Date().getFullYear() ? undefined : "numeric" });
const clock = (t: Date) => t.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

/** slotText is a span of time as people say it, in their own time zone. */
export function slotText(s: Slot): string {
  const [from, to] = [new Date(s.from), new Date(s.to)];
  const end = from.toDateString() === to.toDateString() ? clock(to) : `${day(to)} ${clock(to)}`;
  return `${day(from)}, ${clock(from)}–${end}`;
}

const orOf = (slots: readonly Slot[]) => slots.map(slotText).join(", or ");

/** kindText says what is to be agreed on, and between whom. */
export function kindText(d: Pick<Deal, "kind" | "mine" | "peer">): string {
  const peer = nameOf(d.peer);
  switch (d.kind) {
    case "meeting":
      return `A meeting with ${peer}`;
    case "query":
      return d.mine ? `A question to ${peer}` : `A question from ${peer}`;
    case "task":
      return d.mine ? `A task for ${peer}` : `A task from ${peer}`;
    default:
      return assertNever(d.kind);
  }
}

export type Tone = "waiting" | "agreed" | "over" | "open";

/** toneOf is how a deal stands out: what waits for the owner does, what is over does not. */
export function toneOf(d: Pick<Deal, "kind" | "status" | "may">): Tone {
  if (waits(d)) return "waiting";
  if (d.status === "done" || (d.status === "agreed" && d.kind !== "task")) return "agreed";
  return d.status === "open" || d.status === "accepted" || d.status === "agreed" ? "open" : "over";
}

/** waits says whether the other side waits for the owner: for an answer that still can be given, or for what was promised. */
export const waits = (d: Pick<Deal, "may">): boolean => d.may.some((a) => a === "accept" || a === "answer" || a === "deliver");

type Standing = Pick<Deal, "kind" | "status" | "mine" | "my_turn" | "may" | "peer" | "chosen" | "until" | "steps">;

/** stateText says how a deal stands, and who waits for whom. */
export function stateText(d: Standing, me: string): string {
  const peer = nameOf(d.peer);
  const last = d.steps.at(-1)?.by === me ? "You" : peer;
  const at = d.chosen ? ` on ${slotText(d.chosen)}` : "";
  switch (d.status) {
    case "open":
      if (waits(d)) return `${peer} waits for your answer${d.until ? `, until ${whenText(d.until)}` : ""}`;
      return d.my_turn ? "It ran out before it was answered" : `You wait for ${peer}’s answer`;
    case "accepted":
      return last === "You" ? `You said yes; ${peer}’s home confirms it` : `${peer} said yes; your home confirms it`;
    case "agreed":
      if (d.kind === "task") return d.mine ? `Agreed: you wait for ${peer} to do it` : `Agreed: ${peer} waits for you to do it`;
      return `Agreed${at}. It is in your calendar`;
    case "done":
      return d.kind === "query" ? "Answered" : "Done";
    case "declined":
      return `${last} said no`;
    case "withdrawn":
      return `${last} took it back`;
    case "expired":
      return "Nobody answered in time";
    case "cancelled":
      return `${last} called it off`;
    default:
      return assertNever(d.status);
  }
}

/** stepText says what somebody did in one step; their name stands before it. */
export function stepText(s: Step, kind: Deal["kind"]): string {
  const due = s.due ? `, by ${whenText(s.due)}` : "";
  const slots = s.slots?.length ? orOf(s.slots) : "";
  switch (s.act) {
    case "offer":
      if (kind === "meeting") return `offered ${slots}`;
      return kind === "query" ? "asked" : `asked for it${due}`;
    case "counter":
      return `suggested instead${slots ? ` ${slots}` : due}`;
    case "accept":
      return slots ? `said yes to ${slots}` : "said yes";
    case "confirm":
      return "confirmed it: agreed";
    case "answer":
      return "answered";
    case "deliver":
      return "did it";
    case "decline":
      return "said no";
    case "withdraw":
      return "took it back";
    case "expire":
      return "closed it, as nobody had answered in time";
    case "cancel":
      return "called it off";
    default:
      return assertNever(s.act);
  }
}

/** Choice is something that the owner can do about a deal. */
export interface Choice {
  act: Act;
  label: string;
  rest: string; // what goes with it: the time that is accepted
  asks: "" | "time" | "words" | "sure"; // what the owner has to say first
  look: "primary" | "plain" | "quiet" | "loss";
}

/** choicesOf are the moves that the owner can make, the one that is asked for first. */
export function choicesOf(d: Pick<Deal, "kind" | "may" | "slots">): Choice[] {
  const out: Choice[] = [];
  const add = (act: Act, label: string, look: Choice["look"], asks: Choice["asks"] = "", rest = "") => {
    if (d.may.includes(act)) out.push({ act, label, look, asks, rest });
  };
  if (d.kind === "meeting" && d.slots.length > 0) d.slots.forEach((s, i) => add("accept", d.slots.length === 1 ? "Accept" : `Accept ${slotText(s)}`, i === 0 ? "primary" : "plain", "", s.from));
  else add("accept", "Accept", "primary");
  add("answer", "Answer", "primary", "words");
  add("deliver", "Hand it over", "primary", "words");
  add("counter", d.kind === "meeting" ? "Another time" : "Suggest something else", "plain", d.kind === "meeting" ? "time" : "words");
  add("decline", "Decline", "quiet");
  add("withdraw", "Take it back", "loss");
  add("cancel", "Call it off", "loss", "sure");
  return out;
}

/** proofText says what a check has found right. */
export const proofText = (moves: number): string => (moves === 1 ? "The only step is signed." : moves === 2 ? "Both steps are signed and fit together." : `All ${moves} steps are signed and fit together.`);

/** gistOf says in a line how all agreements stand. */
export function gistOf(deals: readonly Deal[]): string {
  const mine = deals.filter(waits).length;
  if (mine > 0) return `${count(mine, "waits", "wait")} for you`;
  const open = deals.filter((d) => toneOf(d) === "open").length;
  if (open > 0) return `You wait for ${count(open, "answer")}`;
  return deals.length > 0 ? "Nothing waits" : "Meetings, questions, tasks";
}

/** dealIn names the deal that a message carries. */
export function dealIn(content: unknown): string | null {
  const chain = (content as { "os.matrix.deal"?: unknown } | null)?.["os.matrix.deal"];
  const id: unknown = Array.isArray(chain) ? (chain[0] as { deal?: unknown } | undefined)?.deal : undefined;
  return typeof id === "string" ? id : null;
}

/** AIs agree in a room of their own; what they agree on stands in the chat with the person whom it is with. */
const ofChat = (room: Pick<Room, "direct" | "members">, d: Deal, me: string) => Boolean(room.direct) && room.members.some((m) => m !== me && personOf(m) === d.peer);

/**
 * placed says after which line of a room its deals stand: after the newest message that
 * carries one, or by the time of its newest step. Those before the first line are under "";
 * if older lines are yet to come, they come with them.
 */
export function placed(deals: readonly Deal[], lines: readonly Line[], room: Pick<Room, "direct" | "members">, me: string, more: boolean): Map<string, Deal[]> {
  const out = new Map<string, Deal[]>();
  for (const d of deals.toReversed()) {
    const carries = lines.findLast((l) => dealIn(l.said.content) === d.id);
    if (!carries && !ofChat(room, d, me)) continue;
    const at = Date.parse(d.steps.at(-1)?.at ?? d.updated);
    const after = carries ?? lines.findLast((l) => Date.parse(l.said.time) <= at);
    if (!after && more) continue;
    const key = after?.said.id ?? "";
    out.set(key, [...(out.get(key) ?? []), d]);
  }
  return out;
}
