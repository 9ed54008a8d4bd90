/** Codes shows a short line in which `backticks` mark code. */
export function Codes({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}
