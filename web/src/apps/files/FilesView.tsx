import { ChevronRight, FileText, Folder, House } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import type { ProgramProps } from "../../desktop/program.ts";
import type { FileEntry } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { onEvent } from "../../session/store.ts";
import { Empty, Skeleton, Trouble } from "../../ui/controls.tsx";
import { ago, bytes, exact } from "../../ui/words.ts";
import { Editor } from "./Editor.tsx";
import "./files.css";

const parentOf = (path: string) => path.split("/").slice(0, -1).join("/");

/** isFile guesses by the name; the listing of its folder then knows. */
export const looksLikeFile = (path: string) => /\.[a-z0-9]+$/i.test(path.split("/").at(-1) ?? "");

/** order puts folders first, then by name. */
export function order(list: readonly FileEntry[]): FileEntry[] {
  return list.toSorted((a, b) => Number(b.dir) - Number(a.dir) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

export default function FilesView({ arg = "", context }: ProgramProps) {
  const [seen, setSeen] = useState(arg);
  const [folder, setFolder] = useState(looksLikeFile(arg) ? parentOf(arg) : arg);
  const [file, setFile] = useState<string | null>(looksLikeFile(arg) ? arg : null);
  const [list, setList] = useState<{ of: string; entries: FileEntry[] } | null>(null);
  const [failure, setFailure] = useState<Refusal | null>(null);
  if (arg !== seen) {
    setSeen(arg);
    setFolder(looksLikeFile(arg) ? parentOf(arg) : arg);
    setFile(looksLikeFile(arg) ? arg : null);
  }

  const load = useCallback(
    () =>
      api.files(folder).then(
        (entries) => {
          setList({ of: folder, entries: order(entries) });
          setFailure(null);
        },
        (error: unknown) => setFailure(refusalOf(error)),
      ),
    [folder],
  );

  useEffect(() => {
    void load();
    return onEvent((e) => {
      if (e.kind === "landing") void load();
    });
  }, [load]);

  const parts = folder === "" ? [] : folder.split("/");
  const entries = list?.of === folder ? list.entries : null;
  const choose = (e: FileEntry) => {
    if (e.dir) {
      setFolder(e.path);
      setFile(null);
    } else setFile(e.path);
  };
  return (
    <div className={`files ${file ? "with-file" : ""}`}>
      <div className="files-list">
        <nav className="crumbs" aria-label="Folder">
          <button type="button" onClick={() => setFolder("")} aria-label="Home folder" title="Home folder">
            <House className="icon small" aria-hidden />
          </button>
          {parts.map((p, i) => (
            <span key={i}>
              <ChevronRight className="icon small" aria-hidden />
              <button type="button" aria-current={i === parts.length - 1 ? "page" : undefined} onClick={() => setFolder(parts.slice(0, i + 1).join("/"))}>
                {p}
              </button>
            </span>
          ))}
        </nav>
        {failure && <Trouble what="This folder did not open." why={failure.message} hint={failure.hint} />}
        {!entries && !failure && <Skeleton lines={8} />}
        {entries?.length === 0 && <Empty text="This folder is empty." />}
        <ul>
          {entries?.map((e) => (
            <li key={e.path}>
              <button type="button" aria-current={e.path === file ? "true" : undefined} onClick={() => choose(e)}>
                {e.dir ? <Folder className="icon small" aria-hidden /> : <FileText className="icon small" aria-hidden />}
                <span className="file-name">{e.name}</span>
                <span className="num file-size">{e.dir ? "" : bytes(e.size)}</span>
                <time className="num" dateTime={e.modified} title={exact(e.modified)}>
                  {ago(e.modified)}
                </time>
              </button>
            </li>
          ))}
        </ul>
      </div>
      {file && <Editor key={file} path={file} onClose={() => setFile(null)} context={context} />}
    </div>
  );
}
