import { useState, type FormEvent } from "react";
import { api } from "../session/api.ts";
import { refusalOf, type Refusal } from "../session/http.ts";
import { start } from "../session/store.ts";
import { Button, Trouble } from "../ui/controls.tsx";
import { Wallpaper } from "./Wallpaper.tsx";

/** codeOf takes a code, or the whole link that the terminal printed. */
export function codeOf(pasted: string): string {
  const text = pasted.trim();
  const inLink = /[?&]code=([^&#\s]+)/.exec(text);
  return inLink?.[1] ? decodeURIComponent(inLink[1]) : text;
}

function explain(f: Refusal): { what: string; hint: string } {
  if (f.status === 0) return { what: "Matrix OS does not answer.", hint: "Check that `matrixos up` is still running in its terminal." };
  if (f.status === 429) return { what: "Too many tries.", hint: "Wait a minute, then try again." };
  if (f.status === 401 || f.status === 403 || f.status === 404) {
    return { what: "That code does not open this home.", hint: f.hint || "Each code works once, for ten minutes. `matrixos signin` prints a new one." };
  }
  return { what: f.message, hint: f.hint };
}

export function SignIn({ width, height }: { width: number; height: number }) {
  const fromLink = new URLSearchParams(location.search).get("error");
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ what: string; hint: string } | null>(
    fromLink ? { what: "That link has been used or has expired.", hint: "Each link works once, for ten minutes. `matrixos signin` prints a new one." } : null,
  );

  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const text = codeOf(code);
    if (text === "") {
      setFailure({ what: "There is no code yet.", hint: "Copy it from the terminal; the whole link works too." });
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      await api.signIn(text);
      history.replaceState(null, "", "/");
      await start();
    } catch (error) {
      setFailure(explain(refusalOf(error)));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <Wallpaper handle={location.host} width={width} height={height} />
      <form className="sign-in-sheet" onSubmit={submit}>
        <h1>Open your home</h1>
        <p>
          When Matrix OS started, its terminal printed a link that signs you in once. Open that link here, or paste it below.
        </p>
        <label className="field">
          <span>Link or code</span>
          <input className="input mono" autoFocus autoComplete="one-time-code" spellCheck={false} autoCapitalize="off" value={code} aria-invalid={failure !== null} onChange={(e) => setCode(e.target.value)} />
        </label>
        {failure && <Trouble what={failure.what} hint={failure.hint} />}
        <Button look="primary" type="submit" disabled={busy}>
          {busy ? "Signing in" : "Sign in"}
        </Button>
        <p className="hint">
          No link at hand? Run <code>matrixos signin</code> on the machine that holds your home.
        </p>
      </form>
    </main>
  );
}
