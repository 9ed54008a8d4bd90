// How one value is shown, in every view alike.
import { exactValue, formatValue, type Field } from "@matrixos/sdk";
import type { ReactNode } from "react";
import { Badge } from "./controls.tsx";

const href: Record<string, (v: string) => string> = {
  link: (v) => (/^https?:\/\//i.test(v) ? v : `https://${v}`),
  email: (v) => `mailto:${v}`,
  phone: (v) => `tel:${v.replace(/[^\d+]/g, "")}`,
};

/** show renders a value of a field: badges for tags, stars, swatches, links. */
export function show(value: any, field: Field): ReactNode {
  const text = formatValue(value, field);
  if (text === "") return null;
  switch (field.type) {
    case "choice":
      return <Badge>{text}</Badge>;
    case "tags":
      return <span className="mx-chips" style={{ marginTop: 0 }}>{(Array.isArray(value) ? value : [value]).map((t: any) => <Badge key={String(t)}>{String(t)}</Badge>)}</span>;
    case "rating":
      return <span className="mx-stars" role="img" aria-label={`${value} of ${field.max ?? 5}`}>{text}</span>;
    case "color":
      return <span className="mx-key" style={{ "--c": String(value) } as any}>{text}</span>;
    case "date":
    case "datetime":
      return <time dateTime={String(value)} title={exactValue(value, field)}>{text}</time>;
    case "link":
    case "email":
    case "phone":
      return <a href={href[field.type]!(String(value))} rel="noreferrer">{text}</a>;
    default:
      return text;
  }
}
