import { useEffect, useState } from "react";
import { perform } from "../../commands/all.ts";
import type { Context } from "../../commands/registry.ts";
import type { Cause, Explanation } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { Skeleton, Trouble } from "../../ui/controls.tsx";
import { Blame } from "../../ui/Blame.tsx";

const who = (c: Cause) => (c.kind === "owner" ? "you" : c.kind === "agent" ? (c.provenance.program ?? "agent") : c.kind);

/** Why says of each line of a file which change wrote it. */
export function Why({ path, context }: { path: string; context(): Context }) {
  const [found, setFound] = useState<Explanation | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  useEffect(() => {
    let here = true;
    api.why(path).then(
      (e) => here && setFound(e),
      (e: unknown) => here && setFailure(refusalOf(e)),
    );
    return () => {
      here = false;
    };
  }, [path]);
  if (failure) return <Trouble what="Its past is not known." why={failure.message} hint={failure.hint} />;
  if (!found) return <Skeleton lines={10} />;
  return <Blame explanation={found} who={who} onChoose={(id) => perform("go.history", context(), String(id))} />;
}
