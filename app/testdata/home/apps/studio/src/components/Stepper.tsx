export function Stepper({ value, onChange }: { value: number; onChange: (n: number) => void }) {
  return (
    <p>
      <button onClick={() => onChange(value - 1)}>Less</button>
      <output>{value}</output>
      <button onClick={() => onChange(value + 1)}>More</button>
    </p>
  );
}
