import { useState } from "react";
import { refusalOf, type Refusal } from "../../session/http.ts";

/** useAttempt does what the owner asks for, keeps why it was refused, and reads again either way. */
export function useAttempt(reload: () => Promise<void>): { refused: Refusal | null; attempt(fn: () => Promise<unknown>): Promise<void> } {
  const [refused, setRefused] = useState<Refusal | null>(null);
  const attempt = async (fn: () => Promise<unknown>) => {
    setRefused(null);
    try {
      await fn();
    } catch (error) {
      setRefused(refusalOf(error));
    }
    await reload();
  };
  return { refused, attempt };
}
