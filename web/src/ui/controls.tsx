// The few stateless controls that everything is made of.
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Codes } from "./Codes.tsx";

type Look = "plain" | "primary" | "quiet" | "undo" | "loss";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  icon?: LucideIcon;
}

const looks: Record<Look, string> = { plain: "", primary: "primary", quiet: "quiet", undo: "quiet undo", loss: "quiet loss" };

export function Button({ look = "plain", icon: Glyph, children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button ${looks[look]} ${className}`} {...rest}>
      {Glyph && <Glyph className="icon small" aria-hidden />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
  icon: LucideIcon;
}

export function IconButton({ label, icon: Glyph, className = "", ...rest }: IconButtonProps) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Glyph className="icon" aria-hidden />
    </button>
  );
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange(value: T): void;
}

export function Segmented<T extends string>({ label, value, options, onChange }: SegmentedProps<T>) {
  const move = (by: number) => {
    const at = options.findIndex((o) => o.value === value);
    const next = options[(at + by + options.length) % options.length];
    if (next) onChange(next.value);
  };
  return (
    <div
      className="segmented"
      role="radiogroup"
      aria-label={label}
      onKeyDown={(e) => {
        const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key];
        if (!by) return;
        e.preventDefault();
        move(by);
        const group = e.currentTarget;
        requestAnimationFrame(() => group.querySelector<HTMLElement>('[aria-checked="true"]')?.focus());
      }}
    >
      {options.map((o) => (
        <button key={o.value} type="button" role="radio" aria-checked={o.value === value} tabIndex={o.value === value ? 0 : -1} onClick={() => onChange(o.value)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

/** Trouble says what happened, why, and the way out, in that order. */
export function Trouble({ what, why, hint, children }: { what: string; why?: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="refusal" role="alert">
      <strong>{what}</strong>
      {why && (
        <span>
          <Codes text={why} />
        </span>
      )}
      {hint && (
        <span>
          <Codes text={hint} />
        </span>
      )}
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

export function Empty({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Skeleton stands for lines of text that are on their way; invisible for 150 ms. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div className="skeletons" aria-hidden>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className={`skeleton w${i % 4}`} />
      ))}
    </div>
  );
}
