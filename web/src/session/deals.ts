// What the owner's AI agrees on with those of others. It is read when somebody looks at
// it, and kept current by events.
import { create } from "zustand";
import type { Schemas } from "../protocol/wire.ts";
import { api } from "./api.ts";
import { refusalOf, type Refusal } from "./http.ts";
import { onEvent } from "./store.ts";

type Info = Schemas["DealInfo"];

export type Deal = Omit<Info, "slots" | "steps" | "may"> & { slots: Slot[]; steps: Step[]; may: Act[] };
export type Slot = Schemas["DealSlot"];
export type Step = Schemas["DealStep"];
export type Act = Schemas["DealMove"]["act"];
export type Proof = Schemas["DealProof"];

interface State {
  deals: Deal[]; // the newest first
  loaded: boolean;
  failure: Refusal | null;
  moving: string | null; // the deal in which a move is under way
  refused: Record<string, Refusal>; // moves that could not be made
  proofs: Record<string, Proof | Refusal>; // what the newest check of each has found
}

export const useDeals = create<State>()(() => ({ deals: [], loaded: false, failure: null, moving: null, refused: {}, proofs: {} }));

const { setState, getState } = useDeals;

const whole = (d: Info): Deal => ({ ...d, slots: d.slots ?? [], steps: d.steps ?? [], may: d.may ?? [] });

let reading: Promise<void> | null = null;
let again = false;

/** loadDeals reads the list, one reading at a time: asked meanwhile, it reads once more. */
export function loadDeals(): Promise<void> {
  if (reading) {
    again = true;
    return reading;
  }
  reading = api
    .deals()
    .then(
      (list) => setState({ deals: list.map(whole), loaded: true, failure: null }),
      (error: unknown) => setState({ failure: refusalOf(error) }),
    )
    .then(() => {
      reading = null;
      if (!again) return;
      again = false;
      return loadDeals();
    });
  return reading;
}

/** dealsWith keeps the agreements in which every word occurs: in what they are about, what was said and answered, or whom with. */
export function dealsWith(deals: readonly Deal[], words: string): Deal[] {
  const all = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (all.length === 0) return [];
  return deals.filter((d) => {
    const said = [d.title, d.text, d.result, d.peer, ...d.steps.map((s) => s.text)].join("\n").toLocaleLowerCase();
    return all.every((w) => said.includes(w));
  });
}

const without = <T>(all: Record<string, T>, id: string): Record<string, T> => Object.fromEntries(Object.entries(all).filter(([k]) => k !== id));

/** moveOf is a move as the gateway takes it: rest is the time of a meeting, or words. */
export function moveOf(kind: Deal["kind"], act: Act, rest: string): Schemas["DealMove"] {
  if (rest === "") return { act };
  return kind === "meeting" && (act === "accept" || act === "counter") ? { act, at: rest } : { act, text: rest };
}

/** moveDeal makes a move of the owner's; what refuses it is shown at the deal. */
export async function moveDeal(id: string, act: Act, rest = ""): Promise<void> {
  const deal = getState().deals.find((d) => d.id === id);
  if (!deal || getState().moving) return;
  setState((s) => ({ moving: id, refused: without(s.refused, id) }));
  try {
    const moved = whole(await api.moveDeal(id, moveOf(deal.kind, act, rest)));
    setState((s) => ({ deals: [moved, ...s.deals.filter((d) => d.id !== id)] }));
  } catch (error) {
    setState((s) => ({ refused: { ...s.refused, [id]: refusalOf(error) } }));
  }
  setState({ moving: null });
}

/** verifyDeal checks every signature and every step anew. */
export async function verifyDeal(id: string): Promise<void> {
  const proof = await api.verifyDeal(id).catch(refusalOf);
  setState((s) => ({ proofs: { ...s.proofs, [id]: proof } }));
}

/** followDeals keeps them current; it returns a function that ends it. */
export const followDeals = () =>
  onEvent((e) => {
    if (e.kind === "deal" && getState().loaded) void loadDeals();
  });
