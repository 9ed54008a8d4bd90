export function Gauge({ value }: { value: number }) {
  return <progress value={value} max={10} />;
}
