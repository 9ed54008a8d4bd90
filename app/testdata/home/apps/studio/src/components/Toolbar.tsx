import { RotateCcw } from "lucide-react";

export function Toolbar({ onReset }: { onReset: () => void }) {
  return <button onClick={onReset} aria-label="Reset"><RotateCcw /></button>;
}
