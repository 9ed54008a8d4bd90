// The time zone of a trial is UTC, wherever it is played: what the data say of an hour and
// what the window shows of it are the same.

const fields = ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"] as const;
const named = /(?:Z|GMT|UTC|[+-]\d\d:?\d\d)\s*(?:\([^)]*\))?$/i;
const bare = /^\d{4}-\d\d-\d\d$/; // is of UTC anyway

/** elsewhere reports whether the browser's own zone is another one. */
export const elsewhere = (): boolean => Intl.DateTimeFormat().resolvedOptions().timeZone !== "UTC";

/** localParts makes the arguments of a date those of one in UTC. It is to be made before sameZone. */
export function localParts(): (args: unknown[]) => unknown[] {
  if (!elsewhere()) return (args) => args;
  const Real = Date;
  const get = fields.map((f) => Real.prototype[`get${f}`]);
  const utc = Real.UTC;
  return (args) => {
    if (args.length > 1) return [utc(...(args as [number, number]))];
    const [text] = args;
    if (typeof text !== "string" || named.test(text.trim()) || bare.test(text.trim())) return args;
    const read = new Real(text);
    const [y, mo, d, , h, mi, s, ms] = get.map((g) => g.call(read)) as [number, number, number, number, number, number, number, number];
    return [utc(y, mo, d, h, mi, s, ms)];
  };
}

/** sameZone has dates speak of UTC where they would of the owner's zone. */
export function sameZone(): void {
  if (!elsewhere()) return;
  const proto = Date.prototype as unknown as Record<string, (...args: any[]) => unknown>;
  for (const f of fields) {
    proto[`get${f}`] = proto[`getUTC${f}`]!;
    if (f !== "Day") proto[`set${f}`] = proto[`setUTC${f}`]!;
  }
  proto.getTimezoneOffset = () => 0;
  proto.getYear = function (this: Date) {
    return this.getUTCFullYear() - 1900;
  };
  const parts = (d: Date) => /^(\w+), (\d+) (\w+) (-?\d+) ([\d:]+)/.exec(d.toUTCString());
  const say = (write: (m: RegExpExecArray) => string) =>
    function (this: Date) {
      const m = parts(this);
      return m ? write(m) : "Invalid Date";
    };
  const time = (m: RegExpExecArray) => `${m[5]} GMT+0000 (Coordinated Universal Time)`;
  const date = (m: RegExpExecArray) => `${m[1]} ${m[3]} ${m[2]} ${m[4]}`;
  proto.toString = say((m) => `${date(m)} ${time(m)}`);
  proto.toDateString = say(date);
  proto.toTimeString = say(time);
}
