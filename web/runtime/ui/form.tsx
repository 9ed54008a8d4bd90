// Forms made of fields.
import { currencyOf, defaultValue, labelOf, type Field } from "@matrixos/sdk";
import { useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { Button, Checkbox, Rating, Select } from "./controls.tsx";

const inputTypes: Record<string, string> = { date: "date", time: "time", datetime: "datetime-local", link: "url", email: "email", phone: "tel", color: "color" };
const isFigure = (f: Field) => f.type === "number" || f.type === "money" || f.type === "percent";

/** readNumber reads a figure as people write it: "12,50", "1.200,00" and "1,200.00". */
export function readNumber(text: string): number | null {
  let t = text.replace(/[^\d.,+-]/g, "");
  const [dot, comma] = [t.lastIndexOf("."), t.lastIndexOf(",")];
  if (dot >= 0 && comma >= 0) t = t.replaceAll(dot > comma ? "," : ".", "").replace(",", ".");
  else if (comma >= 0) t = t.indexOf(",") === comma ? t.replace(",", ".") : t.replaceAll(",", "");
  const n = Number(t);
  return t === "" || !Number.isFinite(n) ? null : n;
}

export interface FieldInputProps {
  field: Field;
  value: any;
  onChange: (value: any) => void;
  error?: string;
  id?: string;
}

/** FieldInput is the control for one field, with its label and what is wrong with it. */
export function FieldInput({ field, value, onChange, error, id }: FieldInputProps) {
  const own = useId();
  const control = id ?? own;
  if (field.type === "check") {
    return (
      <div className="mx-field mx-box">
        <Checkbox id={control} checked={Boolean(value)} onChange={onChange} label={labelOf(field)} />
      </div>
    );
  }
  const wide = field.type === "note";
  return (
    <div className={wide ? "mx-field mx-wide" : "mx-field"}>
      <label htmlFor={control}>
        {labelOf(field)}
        {field.type === "tags" && <span className="mx-quiet"> separated by commas</span>}
      </label>
      <Control field={field} value={value} onChange={onChange} id={control} error={error} />
      {error && <span className="mx-error" id={`${control}e`}>{error}</span>}
    </div>
  );
}

function Control({ field, value, onChange, id, error }: FieldInputProps & { id: string }): ReactNode {
  const aria = { id, "aria-invalid": error ? true : undefined, "aria-describedby": error ? `${id}e` : undefined, required: field.required };
  if (field.type === "choice" || (field.options && field.type !== "tags" && field.type !== undefined)) {
    return <Select {...aria} value={value} options={field.options ?? []} onChange={(v) => onChange(v || null)} empty={field.required ? undefined : "None"} />;
  }
  if (field.type === "rating") return <Rating id={id} label={labelOf(field)} value={value} max={field.max} onChange={onChange} />;
  if (field.type === "note") return <textarea className="mx-in" {...aria} value={value ?? ""} onChange={(e) => onChange(e.target.value)} />;
  if (field.type === "duration") return <Duration id={id} value={value} onChange={onChange} label={labelOf(field)} />;
  if (field.type === "tags") return <Tags {...aria} field={field} value={value} onChange={onChange} />;
  if (isFigure(field)) return <Figure {...aria} field={field} value={value} onChange={onChange} />;
  const list = field.options ? `${id}o` : undefined;
  return (
    <>
      <input className="mx-in" {...aria} type={inputTypes[field.type ?? ""] ?? "text"} value={value ?? (field.type === "color" ? "#1f7a4d" : "")} list={list} autoComplete="off" onChange={(e) => onChange(e.target.value)} />
      {list && <datalist id={list}>{field.options!.map((o) => <option key={o} value={o} />)}</datalist>}
    </>
  );
}

// What is being typed is kept as text, so that "12," is not fought over.
function Figure({ field, value, onChange, ...rest }: { field: Field; value: any; onChange: (v: any) => void; id: string }) {
  const [text, setText] = useState<string | null>(null);
  const unit = field.type === "money" ? currencyOf(field) : field.type === "percent" ? "%" : field.unit;
  const stands = text !== null && readNumber(text) === (value ?? null);
  const input = (
    <input
      {...rest}
      className="mx-in mx-num"
      inputMode="decimal"
      autoComplete="off"
      value={stands ? text : value === null || value === undefined ? (text ?? "") : String(value)}
      onChange={(e) => {
        setText(e.target.value);
        onChange(readNumber(e.target.value));
      }}
    />
  );
  return unit ? <div className="mx-affix">{input}<span>{unit}</span></div> : input;
}

function Duration({ id, value, onChange, label }: { id: string; value: any; onChange: (v: any) => void; label: string }) {
  const minutes = typeof value === "number" ? value : null;
  const set = (h: string, m: string) => onChange(h === "" && m === "" ? null : Math.max(0, (readNumber(h) ?? 0) * 60 + (readNumber(m) ?? 0)));
  const h = minutes === null ? "" : String(Math.floor(minutes / 60));
  const m = minutes === null ? "" : String(minutes % 60);
  return (
    <div className="mx-two">
      <div className="mx-affix"><input className="mx-in mx-num" aria-label={`${label}, hours`} inputMode="numeric" value={h} onChange={(e) => set(e.target.value, m)} /><span>h</span></div>
      <div className="mx-affix"><input className="mx-in mx-num" id={id} inputMode="numeric" value={m} onChange={(e) => set(h, e.target.value)} /><span>min</span></div>
    </div>
  );
}

function Tags({ field, value, onChange, ...rest }: { field: Field; value: any; onChange: (v: any) => void; id: string }) {
  const [text, setText] = useState<string>(Array.isArray(value) ? value.join(", ") : "");
  const list = field.options ? `${rest.id}o` : undefined;
  return (
    <>
      <input {...rest} className="mx-in" value={text} list={list} autoComplete="off" onChange={(e) => {
        setText(e.target.value);
        onChange([...new Set(e.target.value.split(",").map((t) => t.trim()).filter(Boolean))]);
      }} />
      {list && <datalist id={list}>{field.options!.map((o) => <option key={o} value={o} />)}</datalist>}
    </>
  );
}

/** problem says in words what is wrong with a value, or "". */
export function problem(field: Field, value: any): string {
  const empty = value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  const name = labelOf(field);
  if (field.type === "check") return "";
  if (empty || (field.type === "rating" && value === 0)) return field.required ? `${name} is missing.` : "";
  if (isFigure(field) || field.type === "duration") {
    if (field.min !== undefined && value < field.min) return `${name} is at least ${field.min}.`;
    if (field.max !== undefined && value > field.max) return `${name} is at most ${field.max}.`;
  }
  if (field.type === "email" && !/^\S+@\S+\.\S+$/.test(value)) return "Write an address such as ada@example.org.";
  return "";
}

export interface FormProps {
  fields: readonly Field[];
  value?: Record<string, any>;
  onSave: (value: Record<string, any>) => unknown;
  saveLabel?: string;
  onCancel?: () => void;
  extra?: ReactNode;
}

/** Form edits one record. onSave receives all fields; while it runs the form waits, and says what failed. */
export function Form({ fields, value, onSave, saveLabel = "Save", onCancel, extra }: FormProps) {
  const [draft, setDraft] = useState<Record<string, any>>(() => Object.fromEntries(fields.map((f) => [f.name, value?.[f.name] ?? (value && "id" in value ? null : defaultValue(f))])));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (busy) return;
    const found = Object.fromEntries(fields.map((f) => [f.name, problem(f, draft[f.name])]).filter(([, text]) => text));
    setErrors(found);
    const first = fields.find((f) => found[f.name]);
    if (first) {
      form.current?.querySelector<HTMLElement>(`[id="${id}${first.name}"]`)?.focus();
      return;
    }
    setBusy(true);
    setFailure("");
    try {
      await onSave(Object.fromEntries(fields.map((f) => [f.name, draft[f.name] === "" ? null : draft[f.name]])));
    } catch (error) {
      setFailure((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="mx-form" ref={form} onSubmit={submit} noValidate onKeyDown={(e) => e.key === "Escape" && onCancel && (e.stopPropagation(), onCancel())}>
      {fields.map((f) => (
        <FieldInput key={f.name} id={`${id}${f.name}`} field={f} value={draft[f.name]} error={errors[f.name]} onChange={(v) => setDraft((d) => ({ ...d, [f.name]: v }))} />
      ))}
      {failure && <div className="mx-error mx-wide" role="alert">{failure}</div>}
      <div className="mx-form-foot">
        {extra}
        {onCancel && <Button onClick={onCancel}>Cancel</Button>}
        <Button primary type="submit" disabled={busy}>{saveLabel}</Button>
      </div>
    </form>
  );
}
