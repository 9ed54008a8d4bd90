// How large a picture stands in a conversation.

export const widest = 420;
export const highest = 340;

/** fitted is the size at which a picture is shown, never larger than it is; undefined if its size is not known. */
export function fitted(w: number | undefined, h: number | undefined): { width: number; height: number } | undefined {
  if (!w || !h) return undefined;
  const scale = Math.min(1, widest / w, highest / h);
  return { width: Math.max(1, Math.round(w * scale)), height: Math.max(1, Math.round(h * scale)) };
}
