import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button, IconButton } from "./controls.tsx";

const usable = "input:not(:disabled,[type=hidden]),select:not(:disabled),textarea:not(:disabled),button:not(:disabled),a[href],[tabindex='0']";

/** enter gives the keyboard to the first thing there is to fill in or to press, which is not the cross in the corner; text that is there goes on at its end. */
function enter(body: Element) {
  const first = [...body.querySelectorAll<HTMLElement>(usable)].find((e) => !e.closest("header") && e.getClientRects().length > 0);
  first?.focus();
  if (first instanceof HTMLInputElement && first.selectionEnd !== null) first.setSelectionRange(first.value.length, first.value.length);
}

/** Dialog asks for something in the way, and has the keyboard; Escape and a click outside close it, and the keyboard is back where it was. */
export function Dialog({ open, title, onClose, children }: { open: boolean; title: string; onClose: () => void; children?: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    ref.current?.showModal();
    if (ref.current) enter(ref.current);
    return () => {
      if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      className="mx-dialog mx"
      aria-labelledby={id}
      ref={ref}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => {
        if (e.target === ref.current) onClose();
      }}
    >
      <div>
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton icon="x" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  open: boolean;
  title: string;
  action?: string;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Confirm asks before what cannot be undone. Where Undo is possible, do it and offer Undo instead. */
export function Confirm({ open, title, action = "Continue", danger, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog open={open} title={title} onClose={onClose}>
      {children}
      <div className="mx-form-foot" style={{ marginTop: 16 }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          primary
          danger={danger}
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
