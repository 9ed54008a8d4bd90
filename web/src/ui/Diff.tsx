import { useState } from "react";
import type { FileDiff } from "../protocol/api.ts";
import { count } from "./words.ts";
import "./diff.css";

export interface DiffLine {
  kind: "add" | "del" | "same" | "hunk";
  text: string;
  old?: number;
  new?: number;
}

/** parsePatch reads a unified diff of one file into numbered lines. */
export function parsePatch(patch: string): DiffLine[] {
  const out: DiffLine[] = [];
  let a = 0;
  let b = 0;
  let inHunk = false;
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/.exec(line);
    if (hunk) {
      a = Number(hunk[1]);
      b = Number(hunk[2]);
      inHunk = true;
      out.push({ kind: "hunk", text: hunk[3] ?? "" });
    } else if (!inHunk || line.startsWith("\\")) continue;
    else if (line.startsWith("+")) out.push({ kind: "add", text: line.slice(1), new: b++ });
    else if (line.startsWith("-")) out.push({ kind: "del", text: line.slice(1), old: a++ });
    else out.push({ kind: "same", text: line.slice(1), old: a++, new: b++ });
  }
  return out;
}

const limit = 400;
const signs = { add: "+", del: "−", same: " ", hunk: "" };

/** Diff shows what happened to one file. */
export function Diff({ file }: { file: Pick<FileDiff, "path" | "op"> & Partial<FileDiff> }) {
  const [all, setAll] = useState(false);
  const lines = file.patch ? parsePatch(file.patch).filter((l, i) => l.kind !== "hunk" || l.text !== "" || i > 0) : [];
  const added = file.added_lines ?? lines.filter((l) => l.kind === "add").length;
  const deleted = file.deleted_lines ?? lines.filter((l) => l.kind === "del").length;
  const shown = all ? lines : lines.slice(0, limit);
  return (
    <details className="diff" open={lines.length < 120}>
      <summary>
        <i className={`op ${file.op}`} aria-label={file.op} role="img" />
        <span className="mono">
          {file.from && <span className="diff-from">{file.from} → </span>}
          {file.path}
        </span>
        <span className="num diff-sum">
          {added > 0 && <ins>+{added}</ins>} {deleted > 0 && <del>−{deleted}</del>}
        </span>
      </summary>
      {file.binary ? (
        <p className="hint">Not a text file.</p>
      ) : (
        <div className="diff-scroll" tabIndex={0} role="region" aria-label={`Changes of ${file.path}`}>
          <table>
            <tbody>
              {shown.map((l, i) => (
                <tr key={i} className={l.kind}>
                  <td className="num">{l.old ?? ""}</td>
                  <td className="num">{l.new ?? ""}</td>
                  <td>
                    <span aria-hidden>{signs[l.kind]}</span>
                    {l.text}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {lines.length > shown.length && (
            <button type="button" className="button quiet" onClick={() => setAll(true)}>
              Show {count(lines.length - shown.length, "more line")}
            </button>
          )}
        </div>
      )}
    </details>
  );
}
