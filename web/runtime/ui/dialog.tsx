import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button, IconButton } from "./controls.tsx";

/** Dialog asks for something in the way; Escape and a click outside close it, and the keyboard is back where it was. */
export function Dialog({ open, title, onClose, children }: { open: boolean; title: string; onClose: () => void; children?: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    ref.current?.showModal();
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
