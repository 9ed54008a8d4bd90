// What the owner does while the window is recorded, as steps of a contract. Here one thing
// after the other becomes the fewest steps that say it; record.ts says what was done.
import type { Step } from "../trial/acts.ts";

export type { Step };

/** most is how many steps a recording has. */
export const most = 100;

/** Script is the list of steps so far. */
export class Script {
  readonly steps: Step[] = [];
  /** secret says that something was typed into a field for secrets: what, is not here. */
  secret = false;
  private readonly secrets = new Set<string>();

  /** fill is typing: all of it in one field is one step, which says what the field holds now. */
  fill(label: string, text: string): void {
    const last = this.steps.at(-1);
    if (last?.fill === label) last.with = text;
    else this.add({ fill: label, with: text });
  }

  /** hide notes that a secret was typed. */
  hide(text: string): void {
    this.secret = true;
    if (text.trim()) this.secrets.add(text.trim());
  }

  choose(label: string, option: string): void {
    const last = this.steps.at(-1);
    if (last?.choose === label) last.option = option;
    else this.add({ choose: label, option });
  }

  /** press is a key; the same again is counted. */
  press(key: string, on?: string): void {
    const last = this.steps.at(-1);
    if (last?.press === key && last.on === on) last.times = (last.times ?? 1) + 1;
    else this.add(on === undefined ? { press: key } : { press: key, on });
  }

  add(step: Step): void {
    if (this.steps.length < most) this.steps.push(step);
  }

  /** said leaves out of lines those that have a secret in them. */
  said(lines: readonly string[]): string[] {
    return lines.filter((l) => ![...this.secrets].some((s) => l.includes(s)));
  }
}

/** changed is what lines came and what went, each once, in their order. */
export function changed(before: readonly string[], after: readonly string[]): { seen: string[]; gone: string[] } {
  const [had, has] = [new Set(before), new Set(after)];
  return { seen: [...has].filter((l) => !had.has(l)), gone: [...had].filter((l) => !has.has(l)) };
}

const secretLabel = /passw|passphrase|passcode|kennwort|secret|geheim|token|api[ _-]?key|\bpin\b|\bcvc\b|\bcvv\b|card number|\biban\b/i;

/** isSecret says of a field whether what is typed there is nobody's business. */
export function isSecret(field: { type: string; autocomplete: string; label: string; name: string }): boolean {
  return field.type === "password" || /password|one-time-code|\bcc-/.test(field.autocomplete) || secretLabel.test(`${field.label} ${field.name}`);
}
