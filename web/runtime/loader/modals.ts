// alert, confirm and prompt. A sandboxed frame has none: they would answer no at once
// and in silence. Here the question is shown in the page; the call itself answers no,
// and when the owner says yes, what was clicked is clicked once more, and then the same
// question is answered as the owner did.
const patience = 5000; // ms from a click to its question
const remembered = 10000; // ms for which an answer holds

interface Answer {
  value: string | true;
  until: number;
}

/** askInPage puts the three in place. */
export function askInPage(): void {
  const answers = new Map<string, Answer>();
  let clicked: { target: HTMLElement; at: number } | null = null;
  addEventListener("click", (e) => {
    if (e.isTrusted && e.target instanceof HTMLElement) clicked = { target: e.target, at: performance.now() };
  }, true);

  const recall = (question: string): Answer["value"] | undefined => {
    const known = answers.get(question);
    answers.delete(question);
    return known && known.until > performance.now() ? known.value : undefined;
  };
  const ask = (kind: string, text: string, initial?: string) => {
    const again = clicked && performance.now() - clicked.at < patience ? clicked.target : null;
    show(text, kind !== "alert", initial, (value) => {
      if (value === null || kind === "alert") return;
      answers.set(kind + text, { value: kind === "confirm" ? true : value, until: performance.now() + remembered });
      if (again?.isConnected) again.click();
    });
  };
  window.alert = (text) => ask("alert", String(text ?? ""));
  window.confirm = (text) => {
    if (recall(`confirm${text ?? ""}`)) return true;
    ask("confirm", String(text ?? ""));
    return false;
  };
  window.prompt = (text, initial) => {
    const known = recall(`prompt${text ?? ""}`);
    if (typeof known === "string") return known;
    ask("prompt", String(text ?? ""), String(initial ?? ""));
    return null;
  };
}

const looks =
  ":host{all:initial}dialog{font:15px/22px var(--matrix-font-sans);color:var(--matrix-fg);background:var(--matrix-popover);border:1px solid var(--matrix-border);" +
  "border-radius:var(--matrix-radius);padding:20px;max-width:min(48ch,90vw)}p{margin:0 0 16px;white-space:pre-wrap;overflow-wrap:anywhere}" +
  "input{font:inherit;width:100%;box-sizing:border-box;margin:0 0 16px;padding:6px 10px;color:inherit;background:var(--matrix-card);border:1px solid var(--matrix-input);border-radius:var(--matrix-radius)}" +
  "div{display:flex;gap:8px;justify-content:flex-end}button{font:inherit;padding:6px 14px;min-height:36px;border-radius:var(--matrix-radius);border:1px solid var(--matrix-input);background:none;color:inherit}" +
  "button.yes{background:var(--matrix-primary);border-color:var(--matrix-primary);color:var(--matrix-primary-fg)}";

// One dialog at a time; a further one waits for it.
let before: Promise<void> = Promise.resolve();

function show(text: string, question: boolean, initial: string | undefined, done: (value: string | null) => void): void {
  before = before.then(() => new Promise((closed) => {
    const host = document.createElement("matrix-dialog");
    const root = host.attachShadow({ mode: "open" });
    const dialog = document.createElement("dialog");
    const field = initial === undefined ? null : Object.assign(document.createElement("input"), { value: initial, ariaLabel: text });
    const row = document.createElement("div");
    const end = (value: string | null) => {
      host.remove();
      closed();
      done(value);
    };
    const button = (label: string, look: string, value: () => string | null) => {
      const b = Object.assign(document.createElement("button"), { textContent: label, className: look });
      b.onclick = () => end(value());
      row.append(b);
      return b;
    };
    if (question) button("Cancel", "", () => null);
    const yes = button("OK", "yes", () => field?.value ?? "");
    if (field) field.onkeydown = (e) => void (e.key === "Enter" && yes.click());
    dialog.oncancel = () => end(null);
    dialog.append(Object.assign(document.createElement("p"), { textContent: text }), ...(field ? [field] : []), row);
    root.append(Object.assign(document.createElement("style"), { textContent: looks }), dialog);
    document.documentElement.append(host);
    dialog.showModal();
    (field ?? yes).focus();
  }));
}
