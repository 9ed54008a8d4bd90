// How far an app is known to do what it must, in words.
import type { Schemas } from "../protocol/wire.ts";

type Known = Pick<Schemas["AppInfo"], "ok" | "verified" | "contract" | "failing" | "strength" | "weak">;
type Strength = NonNullable<Schemas["AppInfo"]["strength"]>;
type Report = Schemas["ContractReport"];

/** levelWords says of an app what it was held to, and what came of it. */
export function levelWords(a: Known): string {
  if (!a.ok) return "It does not compile.";
  if (a.failing?.length) return `It does not do what it must: ${a.failing[0]}`;
  if (a.verified === "browser") return a.contract ? ["It does what it must, as tried in a window.", a.weak?.length ? "But its checks would hold whatever it did: show what has to hold with “Remember this”." : a.strength && strengthWords(a.strength)].filter(Boolean).join(" ") : "It opens. What it must do is not agreed.";
  return a.contract ? "Only its files are checked so far; what it must do has not been tried in a window." : "Only its files are checked. What it must do is not agreed.";
}

/** weak reports whether what is agreed was found to notice too little of what can go wrong; as the system counts it (sys.Strength). */
export function weak(s: Strength | undefined): boolean {
  if (!s || s.stale) return false;
  const beyond = s.beyond ?? 0;
  return s.tried + beyond >= 5 && (100 * s.found < 80 * Math.max(1, s.tried) || beyond > s.tried);
}

/** strengthWords says how much what is agreed would notice. */
export function strengthWords(s: Strength): string {
  const share = `${s.found} of ${s.tried + (s.beyond ?? 0)} small faults that were put into a copy of it`;
  if (s.stale) return `Its checks noticed ${share}; it has changed since.`;
  return weak(s) ? `Its checks notice too little: ${share}. Show more of what you use with “Remember this”.` : `Its checks noticed ${share}.`;
}

/** reportWords says what came of trying an app just now. */
export function reportWords(name: string, r: Report, strength?: Strength): { title: string; text: string } {
  if (!r.green) {
    const red = r.scenarios?.find((s) => !s.green);
    const step = red?.steps?.find((s) => !s.green);
    const why = r.faults?.[0]?.text ?? (red && [`“${red.name}”`, step && `${step.step}. Seen: ${step.seen ?? "nothing"}`, red.errors?.[0]].filter(Boolean).join(": ")) ?? r.invariants?.find((v) => !v.green)?.name ?? "";
    return { title: `${name} does not do what it must`, text: why };
  }
  if (r.level !== "browser") return { title: `Only the files of ${name} could be checked`, text: r.note ?? "" };
  const n = r.scenarios?.length ?? 0;
  return r.none ? { title: `${name} opens`, text: "What it must do is not agreed." } : { title: `${name} does what it must`, text: [n === 1 ? "One use of it was tried, and holds." : `${n} uses of it were tried, and all hold.`, strength && strengthWords(strength)].filter(Boolean).join(" ") };
}
