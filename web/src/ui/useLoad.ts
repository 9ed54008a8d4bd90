import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  value: T | null; // what was read last
  failure: Error | null; // of the newest reading
  reload(): Promise<void>;
}

/** useLoad reads something when it is first shown, whenever read changes, and on reload. */
export function useLoad<T>(read: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; failure: Error | null }>({ value: null, failure: null });
  const reload = useCallback(
    () =>
      read().then(
        (value) => setState({ value, failure: null }),
        (error: unknown) => setState((s) => ({ ...s, failure: error instanceof Error ? error : new Error(String(error)) })),
      ),
    [read],
  );
  useEffect(() => {
    let here = true;
    read().then(
      (value) => here && setState({ value, failure: null }),
      (error: unknown) => here && setState((s) => ({ ...s, failure: error instanceof Error ? error : new Error(String(error)) })),
    );
    return () => {
      here = false;
    };
  }, [read]);
  return { ...state, reload };
}
