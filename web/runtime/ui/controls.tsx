// Buttons, inputs and the other small controls.
import { useId, useRef, type ButtonHTMLAttributes, type InputHTMLAttributes, type KeyboardEvent, type ReactNode, type TextareaHTMLAttributes } from "react";
import { cx } from "./base.tsx";
import { Icon } from "./icon.tsx";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  primary?: boolean;
  danger?: boolean;
  quiet?: boolean;
  icon?: string;
}

export function Button({ primary, danger, quiet, icon, children, className, type = "button", ...rest }: ButtonProps) {
  return (
    <button type={type} className={cx("mx-btn", primary && "mx-btn-primary", danger && "mx-btn-danger", quiet && "mx-btn-quiet", className)} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: string;
  label: string;
}

export function IconButton({ icon, label, className, type = "button", ...rest }: IconButtonProps) {
  return (
    <button type={type} className={cx("mx-icb", className)} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

type Change<T> = { value: T; onChange: (value: T) => void };
type Labelled = { label?: ReactNode; hint?: ReactNode };

function Wrapped({ label, hint, id, children }: Labelled & { id: string; children: ReactNode }) {
  if (!label) return <>{children}</>;
  return (
    <div className="mx-field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && <span className="mx-small mx-quiet">{hint}</span>}
    </div>
  );
}

export type InputProps = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> & Labelled & { value?: string | number | null; onChange?: (value: string) => void };

/** Input is a line of text; onChange receives the text. */
export function Input({ label, hint, value, onChange, id, className, ...rest }: InputProps) {
  const own = useId();
  return (
    <Wrapped label={label} hint={hint} id={id ?? own}>
      <input id={id ?? own} className={cx("mx-in", className)} value={value ?? ""} onChange={(e) => onChange?.(e.target.value)} {...rest} />
    </Wrapped>
  );
}

export type TextAreaProps = Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "onChange" | "value"> & Labelled & { value?: string | null; onChange?: (value: string) => void };

export function TextArea({ label, hint, value, onChange, id, className, ...rest }: TextAreaProps) {
  const own = useId();
  return (
    <Wrapped label={label} hint={hint} id={id ?? own}>
      <textarea id={id ?? own} className={cx("mx-in", className)} value={value ?? ""} onChange={(e) => onChange?.(e.target.value)} {...rest} />
    </Wrapped>
  );
}

export type Option = string | { value: string; label: string };
const optionOf = (o: Option) => (typeof o === "string" ? { value: o, label: o } : o);

export interface SelectProps extends Labelled {
  value: string | null | undefined;
  options: readonly Option[];
  onChange: (value: string) => void;
  empty?: string;
  id?: string;
  disabled?: boolean;
  required?: boolean;
  className?: string;
  "aria-label"?: string;
}

/** Select picks one of some options; empty is the text of "none chosen". */
export function Select({ label, hint, value, options, onChange, empty, id, className, ...rest }: SelectProps) {
  const own = useId();
  const known = options.map(optionOf);
  const lost = value && !known.some((o) => o.value === value); // a value from before the options changed
  return (
    <Wrapped label={label} hint={hint} id={id ?? own}>
      <select id={id ?? own} className={cx("mx-in", className)} value={value ?? ""} onChange={(e) => onChange(e.target.value)} {...rest}>
        {(empty !== undefined || !value) && <option value="">{empty ?? ""}</option>}
        {lost && <option value={value}>{value}</option>}
        {known.map((o) => (
          <option key={o.value} value={o.value}>
            {o.label}
          </option>
        ))}
      </select>
    </Wrapped>
  );
}

export interface CheckboxProps {
  checked?: boolean;
  value?: boolean;
  onChange: (checked: boolean) => void;
  label?: ReactNode;
  disabled?: boolean;
  id?: string;
  "aria-label"?: string;
}

export function Checkbox({ checked, value, onChange, label, ...rest }: CheckboxProps) {
  return (
    <label className={cx("mx-check", !label && "mx-alone")}>
      <input type="checkbox" checked={Boolean(checked ?? value)} onChange={(e) => onChange(e.target.checked)} {...rest} />
      {label}
    </label>
  );
}

export function Slider({ label, value, onChange, min = 0, max = 100, step = 1, unit, ...rest }: Change<number> & { label?: string; min?: number; max?: number; step?: number; unit?: string; disabled?: boolean; "aria-label"?: string }) {
  const id = useId();
  return (
    <div className="mx-field">
      {label && (
        <label htmlFor={id}>
          {label} <span className="mx-quiet mx-num">{value}{unit ? ` ${unit}` : ""}</span>
        </label>
      )}
      <input id={id} type="range" className="mx-slider" value={value} min={min} max={max} step={step} onChange={(e) => onChange(Number(e.target.value))} {...rest} />
    </div>
  );
}

/** Segmented picks one of two to five options that are all in view. */
export function Segmented({ value, options, onChange, label }: Change<string> & { options: readonly Option[]; label?: string }) {
  const all = options.map(optionOf);
  const box = useRef<HTMLDivElement>(null);
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" || e.key === "ArrowDown" ? 1 : e.key === "ArrowLeft" || e.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    const i = (all.findIndex((o) => o.value === value) + step + all.length) % all.length;
    onChange(all[i]!.value);
    (box.current?.children[i] as HTMLElement | undefined)?.focus();
  };
  const chosen = all.some((o) => o.value === value);
  return (
    <div className="mx-seg" role="radiogroup" aria-label={label} onKeyDown={move} ref={box}>
      {all.map((o, i) => (
        <button key={o.value} type="button" role="radio" aria-checked={o.value === value} tabIndex={o.value === value || (!chosen && i === 0) ? 0 : -1} onClick={() => o.value !== value && onChange(o.value)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

/** Progress is how much of max there is; more than all of it is written, and the bar is full. */
export function Progress({ value, max = 100, label, tone }: { value: number; max?: number; label?: string; tone?: "good" | "warn" | "bad" }) {
  const share = max > 0 ? Math.max(0, Math.min(1, value / max)) : 0;
  return (
    <div className="mx-field">
      {label && <span className="mx-label">{label}</span>}
      <div className="mx-progress">
        <div role="progressbar" data-tone={tone} aria-label={label ?? "Progress"} aria-valuemin={0} aria-valuemax={max} aria-valuenow={Math.min(value, max)}>
          <i style={{ width: `${share * 100}%` }} />
        </div>
        <span className="mx-small mx-quiet mx-num">{max > 0 ? Math.max(0, Math.round((value / max) * 100)) : 0} %</span>
      </div>
    </div>
  );
}

/** Rating sets 1 to max stars; the same star again clears. */
export function Rating({ value, onChange, max = 5, label = "Rating", id }: { value: number | null | undefined; onChange?: (value: number) => void; max?: number; label?: string; id?: string }) {
  const stars = Array.from({ length: max }, (_, i) => i + 1);
  return (
    <div className="mx-rating" role="group" aria-label={label} id={id}>
      {stars.map((n) => (
        <button key={n} type="button" disabled={!onChange} aria-label={`${n} of ${max}`} aria-pressed={n === value} data-on={n <= (value ?? 0) ? "" : undefined} onClick={() => onChange?.(n === value ? 0 : n)}>
          <Icon name="star" size={20} />
        </button>
      ))}
    </div>
  );
}

export function Badge({ tone, children }: { tone?: "info" | "good" | "warn" | "bad"; children: ReactNode }) {
  return (
    <span className="mx-badge" data-tone={tone}>
      {children}
    </span>
  );
}

/** Key is a large key, as on a calculator. */
export function Key({ label, onClick, primary, name, wide }: { label: ReactNode; onClick: () => void; primary?: boolean; name?: string; wide?: boolean }) {
  return (
    <button type="button" className={cx("mx-btn mx-key-btn", primary && "mx-btn-primary")} aria-label={name} onClick={onClick} style={wide ? { gridColumn: "span 2" } : undefined}>
      {label}
    </button>
  );
}
