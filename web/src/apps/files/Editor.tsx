import { ArrowLeft, History } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { FileText } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { onEvent } from "../../session/store.ts";
import { Button, IconButton, Skeleton, Trouble } from "../../ui/controls.tsx";
import type { Context } from "../../commands/registry.ts";
import { Why } from "./Why.tsx";

/** indent is the text after Tab or Shift+Tab, with the selection that belongs to it. */
export function indent(text: string, from: number, to: number, out: boolean): { text: string; from: number; to: number } {
  if (!out && from === to) return { text: text.slice(0, from) + "  " + text.slice(to), from: from + 2, to: to + 2 };
  const start = text.lastIndexOf("\n", from - 1) + 1;
  const block = text.slice(start, to);
  const changed = out ? block.replace(/^ {1,2}/gm, "") : block.replace(/^/gm, "  ");
  const first = out ? /^ {0,2}/.exec(block)?.[0].length ?? 0 : -2;
  return { text: text.slice(0, start) + changed + text.slice(to), from: Math.max(start, from - first), to: to + changed.length - block.length };
}

/** Editor changes one text file. A save is refused if the file changed meanwhile, and nothing is lost. */
export function Editor({ path, onClose, context }: { path: string; onClose(): void; context(): Context }) {
  const [file, setFile] = useState<FileText | null>(null);
  const [text, setText] = useState("");
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const dirty = file !== null && text !== file.content;
  const clean = useRef(true);
  useEffect(() => {
    clean.current = !dirty;
  }, [dirty]);

  const load = useCallback(
    () =>
      api.file(path).then(
        (f) => {
          setFile(f);
          setText(f.content);
          setFailure(null);
        },
        (error: unknown) => setFailure(refusalOf(error)),
      ),
    [path],
  );

  useEffect(() => {
    void load();
    return onEvent((e) => {
      const touched = e.kind === "landing" && e.data.changes?.some((c) => c.path === path);
      if (touched && clean.current) void load();
    });
  }, [load, path]);

  const save = async (anyway = false) => {
    if (!file) return;
    setBusy(true);
    try {
      const saved = await api.saveFile(path, text, anyway ? undefined : file.hash);
      setFile({ path, content: text, hash: saved?.hash ?? "" });
      if (!saved?.hash) await load();
      setFailure(null);
    } catch (error) {
      setFailure(refusalOf(error));
    }
    setBusy(false);
  };

  const onKeyDown = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "s") {
      e.preventDefault();
      void save();
    } else if (e.key === "Tab" && !e.ctrlKey && !e.altKey && !e.metaKey) {
      e.preventDefault();
      const el = e.currentTarget;
      const next = indent(text, el.selectionStart, el.selectionEnd, e.shiftKey);
      setText(next.text);
      requestAnimationFrame(() => field.current?.setSelectionRange(next.from, next.to));
    } else if (e.key === "Escape") e.currentTarget.blur(); // the way out for the keyboard, as Tab indents
  };

  const conflict = failure?.status === 409;
  return (
    <div className="editor">
      <header>
        <IconButton className="editor-back" icon={ArrowLeft} label="Back to the folder" onClick={onClose} />
        <span className="mono editor-path" title={path}>
          {path.split("/").at(-1)}
        </span>
        <span className="hint">{dirty ? "Not saved" : file ? "Saved" : ""}</span>
        <Button look="quiet" icon={History} aria-pressed={why} disabled={!file || dirty} title={dirty ? "Save first" : "Who wrote each line, and why"} onClick={() => setWhy(!why)}>
          Why
        </Button>
        <Button look={dirty ? "primary" : "plain"} disabled={!dirty || busy} onClick={() => void save()}>
          Save
        </Button>
      </header>
      {failure && (
        <Trouble what={conflict ? "Somebody else changed this file first." : file ? "The file was not saved." : "This file did not open."} why={conflict ? "Your text is still here." : failure.message} hint={conflict ? undefined : failure.hint}>
          {conflict && (
            <>
              <Button onClick={() => void save(true)}>Save mine anyway</Button>
              <Button look="loss" onClick={() => void load()}>
                Show theirs
              </Button>
            </>
          )}
        </Trouble>
      )}
      {!file && !failure && <Skeleton lines={10} />}
      {file && why && !dirty && <Why key={file.hash} path={path} context={context} />}
      {file && (!why || dirty) && <textarea ref={field} className="mono" aria-label={`Text of ${path}`} value={text} spellCheck={false} wrap="off" onChange={(e) => setText(e.target.value)} onKeyDown={onKeyDown} />}
    </div>
  );
}
