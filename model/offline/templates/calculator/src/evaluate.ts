/**
 * Works out a sum such as "2 + 3 × (4 − 1)": numbers, + − × ÷ ^ %, brackets and
 * √. Nothing is executed; a text that is no sum throws.
 */
export function evaluate(text: string): number {
  const source = text.replaceAll("×", "*").replaceAll("÷", "/").replaceAll("−", "-").replaceAll(",", ".").replace(/\s+/g, "");
  let at = 0;
  const peek = () => source[at];
  const take = (c: string) => (peek() === c ? (at++, true) : false);

  const sum = (): number => {
    let value = product();
    for (;;) {
      if (take("+")) value += product();
      else if (take("-")) value -= product();
      else return value;
    }
  };
  const product = (): number => {
    let value = power();
    for (;;) {
      if (take("*")) value *= power();
      else if (take("/")) {
        const by = power();
        if (by === 0) throw new Error("Dividing by zero has no result.");
        value /= by;
      } else return value;
    }
  };
  const power = (): number => {
    if (take("-")) return -power();
    if (take("+")) return power();
    const base = percent();
    return take("^") ? base ** power() : base;
  };
  const percent = (): number => {
    let value = single();
    while (take("%")) value /= 100;
    return value;
  };
  const single = (): number => {
    if (take("√")) {
      const of = single();
      if (of < 0) throw new Error("A negative number has no square root.");
      return Math.sqrt(of);
    }
    if (take("(")) {
      const value = sum();
      if (!take(")")) throw new Error("A bracket is not closed.");
      return value;
    }
    const number = /^(\d+\.?\d*|\.\d+)/.exec(source.slice(at))?.[0];
    if (!number) throw new Error(at < source.length ? `“${peek()}” does not fit here.` : "Something is missing at the end.");
    at += number.length;
    return Number(number);
  };

  if (source === "") throw new Error("There is nothing to work out.");
  const value = sum();
  if (at < source.length) throw new Error(`“${peek()}” does not fit here.`);
  if (!Number.isFinite(value)) throw new Error("The result is too large.");
  return value;
}

/** A number without the noise of binary fractions. */
export function tidy(value: number): string {
  return String(Number(value.toPrecision(12)));
}
