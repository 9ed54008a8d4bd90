// How people are called and told apart.

/** nameOf is how somebody is called: the part of their handle before the domain. */
export const nameOf = (handle: string): string => handle.replace(/^@/, "").split(":")[0] ?? handle;

/** hueOf is somebody's colour, the same everywhere. */
export function hueOf(handle: string): number {
  let n = 0;
  for (const c of handle) n = (n * 31 + (c.codePointAt(0) ?? 0)) % 360;
  return n;
}

/** personOf is whose AI somebody is; themselves if they are none. */
export const personOf = (handle: string): string => handle.replace(/_ai:/, ":");

/** isAI reports whether a handle is that of an AI. */
export const isAI = (handle: string): boolean => /^@[^:]*_ai:/.test(handle);

/** wholeHandle is a handle as people write it: a name alone is somebody of one's own homeserver. */
export function wholeHandle(text: string, me: string): string {
  const name = text.trim().replace(/^@/, "");
  return name.includes(":") ? `@${name}` : `@${name}:${me.split(":").slice(1).join(":")}`;
}
