// Arithmetic as people write it: precedence, brackets, powers, roots, percent.
// No text is ever run as code.

const functions: Record<string, (x: number, degrees: boolean) => number> = {
  sqrt: Math.sqrt, abs: Math.abs, ln: Math.log, log: Math.log10, exp: Math.exp, round: Math.round,
  sin: (x, d) => Math.sin(d ? (x * Math.PI) / 180 : x), cos: (x, d) => Math.cos(d ? (x * Math.PI) / 180 : x), tan: (x, d) => Math.tan(d ? (x * Math.PI) / 180 : x),
};
const constants: Record<string, number> = { pi: Math.PI, "π": Math.PI, e: Math.E };

/** Fault says in words why a text is no sum. */
export class Fault extends Error {}

interface Options {
  degrees?: boolean;
  answer?: number;
}

/** reckon gives the value of a text such as "3 × (4 + 5)²" or "80 + 19 %"; it throws a Fault. */
export function reckon(text: string, { degrees = true, answer = 0 }: Options = {}): number {
  const tokens = split(text);
  let at = 0;
  const peek = () => tokens[at] ?? "";
  const take = (t: string) => peek() === t && ++at > 0;

  // 200 + 10 % is 220: percent of what stands before it.
  const sum = (): number => {
    let left = product().value;
    for (;;) {
      const sign = take("+") ? 1 : take("-") ? -1 : 0;
      if (!sign) return left;
      const right = product();
      left += sign * (right.percent ? left * right.value : right.value);
    }
  };
  const product = (): { value: number; percent: boolean } => {
    let left = unary();
    for (;;) {
      if (take("*")) left = { value: left.value * unary().value, percent: false };
      else if (take("/")) {
        const by = unary().value;
        if (by === 0) throw new Fault("Nothing can be divided by zero.");
        left = { value: left.value / by, percent: false };
      } else if (/^[(√\p{L}]/u.test(peek()) && peek() !== "mod") left = { value: left.value * unary().value, percent: false }; // 2π, 3(4+5)
      else if (take("mod")) {
        const by = unary().value;
        if (by === 0) throw new Fault("Nothing can be divided by zero.");
        left = { value: left.value - by * Math.floor(left.value / by), percent: false };
      } else return left;
    }
  };
  const unary = (): { value: number; percent: boolean } => {
    if (take("-")) {
      const u = unary();
      return { ...u, value: -u.value };
    }
    if (take("+")) return unary();
    let value = power();
    let percent = false;
    while (take("%")) [value, percent] = [value / 100, true];
    return { value, percent };
  };
  const power = (): number => {
    const base = postfix();
    return take("^") ? base ** unary().value : base;
  };
  const postfix = (): number => {
    let value = atom();
    for (;;) {
      if (take("²")) value **= 2;
      else if (take("³")) value **= 3;
      else if (take("!")) value = factorial(value);
      else return value;
    }
  };
  const atom = (): number => {
    const t = peek();
    at++;
    if (/^[\d.]/.test(t)) return Number(t);
    if (t === "(") {
      const value = sum();
      take(")"); // one that is left open at the end is meant to be closed there
      return value;
    }
    if (t === "√") return functions.sqrt!(postfix(), degrees);
    if (t === "ans") return answer;
    if (Object.hasOwn(constants, t)) return constants[t]!;
    const fn = Object.hasOwn(functions, t) ? functions[t] : undefined;
    if (fn) return fn(postfix(), degrees);
    throw new Fault(t === "" ? "Something is missing at the end." : /^\p{L}/u.test(t) ? `“${t}” is not known here.` : `“${t}” does not fit there.`);
  };

  const value = sum();
  if (at < tokens.length) throw new Fault(`“${peek()}” does not fit there.`);
  if (Number.isNaN(value)) throw new Fault("This has no result.");
  if (!Number.isFinite(value)) throw new Fault("The result is too large.");
  return tidy(value);
}

function factorial(n: number): number {
  if (n < 0 || n > 170 || n !== Math.floor(n)) throw new Fault("A factorial is of a whole number from 0 to 170.");
  let out = 1;
  for (let i = 2; i <= n; i++) out *= i;
  return out;
}

/** tidy takes off what binary figures leave behind: 0.1 + 0.2 is 0.3. */
export const tidy = (n: number): number => (n === 0 || Math.abs(n) < 1e-300 ? 0 : Number(n.toPrecision(13)));

const same: Record<string, string> = { "×": "*", "·": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "[": "(", "]": ")", ",": "." };

function split(text: string): string[] {
  const plain = [...text.toLowerCase()].map((c) => same[c] ?? c).join("").replaceAll("**", "^");
  const out: string[] = [];
  const form = /\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+|\p{L}+|[-+*/^()%!²³√])/uy;
  while (form.lastIndex < plain.trimEnd().length) {
    const from = form.lastIndex;
    const m = form.exec(plain);
    if (!m) throw new Fault(`“${plain.slice(from).trim()[0]}” does not belong in a sum.`);
    out.push(m[1]!);
  }
  if (out.length === 0) throw new Fault("Write a sum, such as 3 × 4.");
  return out;
}

/** show writes a result with the figures that matter; plain leaves out the grouping, so that it can be reckoned with. */
export function show(n: number, locale: string, plain = false): string {
  if (n !== 0 && (Math.abs(n) >= 1e15 || Math.abs(n) < 1e-9)) return String(n).replace("+", "");
  return plain ? String(n) : new Intl.NumberFormat(locale, { maximumFractionDigits: 12 }).format(n).replace("-", "−");
}
