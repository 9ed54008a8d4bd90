import { useMemo } from "react";

export function Meter({ value }: { value: number }) {
  const bars = useMemo(() => Array.from({ length: value }, (_, i) => i), [value]);
  return <div data-testid="meter">{bars.map((b) => <i key={b}>|</i>)}</div>;
}
