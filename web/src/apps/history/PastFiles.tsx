import { ArrowLeft, ChevronRight, FileText, Folder, House, RotateCcw } from "lucide-react";
import { useEffect, useState } from "react";
import type { FileDiff, FileEntry } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { Button, Empty, IconButton, Segmented, Skeleton, Trouble } from "../../ui/controls.tsx";
import { Diff } from "../../ui/Diff.tsx";
import { bytes, count } from "../../ui/words.ts";
import { RestorePanel } from "./RestorePanel.tsx";

const parentOf = (path: string) => path.split("/").slice(0, -1).join("/");

/** PastFiles is the file tree of a moment; what is open stays open while time moves. */
export function PastFiles({ at }: { at: number }) {
  const [folder, setFolder] = useState("");
  const [file, setFile] = useState<string | null>(null);
  const [list, setList] = useState<{ of: string; at: number; entries: FileEntry[]; changed: Map<string, number> } | null>(null);
  const [failure, setFailure] = useState<{ of: string; why: Refusal } | null>(null);
  const [restoring, setRestoring] = useState<string | null>(null);

  useEffect(() => {
    let here = true;
    Promise.all([api.files(folder, `L${at}`), api.diff(`L${at}`, folder, true).catch(() => null)]).then(
      ([entries, diff]) => {
        if (!here) return;
        setFailure(null);
        setList({ of: folder, at, entries: entries.toSorted((a, b) => Number(b.dir) - Number(a.dir) || a.name.localeCompare(b.name, undefined, { numeric: true })), changed: changedBelow(folder, diff?.files ?? []) });
      },
      (e: unknown) => here && setFailure({ of: folder, why: refusalOf(e) }),
    );
    return () => {
      here = false;
    };
  }, [folder, at]);

  const parts = folder === "" ? [] : folder.split("/");
  const entries = list?.of === folder ? list.entries : null;
  return (
    <section className="past-files" aria-label="Files then">
      <nav className="crumbs" aria-label="Folder then">
        <button type="button" aria-label="Home folder" title="Home folder" onClick={() => setFolder("")}>
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
        {folder !== "" && (
          <Button look="undo" icon={RotateCcw} onClick={() => setRestoring(folder)}>
            Restore folder…
          </Button>
        )}
      </nav>
      {restoring !== null && <RestorePanel key={`${restoring}@${at}`} path={restoring} at={at} onClose={() => setRestoring(null)} />}
      {file !== null ? (
        <PastFile path={file} at={at} onClose={() => setFile(null)} onRestore={() => setRestoring(file)} />
      ) : failure?.of === folder ? (
        <Empty text="This folder did not exist then.">
          <Button onClick={() => setFolder(parentOf(folder))}>Up</Button>
        </Empty>
      ) : !entries ? (
        <Skeleton lines={6} />
      ) : (
        <ul>
          {entries.map((e) => (
            <li key={e.path}>
              <button type="button" onClick={() => (e.dir ? setFolder(e.path) : setFile(e.path))}>
                {e.dir ? <Folder className="icon small" aria-hidden /> : <FileText className="icon small" aria-hidden />}
                <span className="file-name">{e.name}</span>
                <Since n={list?.changed.get(e.path) ?? 0} dir={e.dir} />
                <span className="num file-size">{e.dir ? "" : bytes(e.size)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** changedBelow counts, for each entry of a folder, the files that are different now. */
export function changedBelow(folder: string, files: readonly Pick<FileDiff, "path" | "op" | "from">[]): Map<string, number> {
  const out = new Map<string, number>();
  const prefix = folder === "" ? "" : `${folder}/`;
  for (const f of files) {
    for (const path of f.from ? [f.path, f.from] : [f.path]) {
      if (!path.startsWith(prefix)) continue;
      const entry = prefix + (path.slice(prefix.length).split("/")[0] ?? "");
      out.set(entry, (out.get(entry) ?? 0) + 1);
    }
  }
  return out;
}

function Since({ n, dir }: { n: number; dir: boolean }) {
  if (n === 0) return null;
  return <span className="since num">{dir ? `${count(n, "file")} different now` : "different now"}</span>;
}

type Side = "then" | "since";

function PastFile({ path, at, onClose, onRestore }: { path: string; at: number; onClose(): void; onRestore(): void }) {
  const [side, setSide] = useState<Side>("then");
  const [text, setText] = useState<{ at: number; content: string } | null>(null);
  const [diff, setDiff] = useState<{ at: number; file: FileDiff | null } | null>(null);
  const [failure, setFailure] = useState<{ at: number; why: Refusal } | null>(null);
  useEffect(() => {
    let here = true;
    api.file(path, `L${at}`).then(
      (f) => here && setText({ at, content: f.content }),
      (e: unknown) => here && setFailure({ at, why: refusalOf(e) }),
    );
    api.diff(`L${at}`, path, false).then(
      (d) => here && setDiff({ at, file: d.files?.[0] ?? null }),
      () => here && setDiff({ at, file: null }),
    );
    return () => {
      here = false;
    };
  }, [path, at]);
  const same = diff?.at === at && diff.file === null;
  return (
    <div className="past-file">
      <header>
        <IconButton icon={ArrowLeft} label="Back to the folder then" onClick={onClose} />
        <span className="mono">{path}</span>
        <Segmented<Side>
          label="Show"
          value={side}
          options={[
            { value: "then", label: "As it was" },
            { value: "since", label: "Against now" },
          ]}
          onChange={setSide}
        />
        <Button look="undo" icon={RotateCcw} disabled={same} onClick={onRestore}>
          Restore…
        </Button>
      </header>
      {failure?.at === at ? (
        <Trouble what="It cannot be shown as it was then." why={failure.why.message} hint={failure.why.hint} />
      ) : side === "since" ? (
        same ? <p className="hint">It is the same now.</p> : diff?.file ? <Diff key={at} file={diff.file} /> : <Skeleton lines={4} />
      ) : text ? (
        <pre className="past-text mono" tabIndex={0} aria-label={`Text of ${path} as of L${at}`}>
          {text.content === "" ? "It was empty." : text.content}
        </pre>
      ) : (
        <Skeleton lines={8} />
      )}
    </div>
  );
}
