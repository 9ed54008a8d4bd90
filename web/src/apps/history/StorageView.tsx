import { useCallback, useEffect, useState } from "react";
import type { Context } from "../../commands/registry.ts";
import type { Space, Upkeep } from "../../protocol/api.ts";
import { api } from "../../session/api.ts";
import { refusalOf, type Refusal } from "../../session/http.ts";
import { attempt, useSession } from "../../session/store.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { ago, bytes, count } from "../../ui/words.ts";
import { BackupSection } from "./BackupSection.tsx";

/** StorageView says what takes room, and frees what need not be kept. */
export function StorageView({ context }: { context(): Context }) {
  const [space, setSpace] = useState<Space | null>(null);
  const [upkeep, setUpkeep] = useState<Upkeep>({});
  const [failure, setFailure] = useState<Refusal | null>(null);
  const [freed, setFreed] = useState<number | "busy" | null>(null);

  const read = useCallback(
    () =>
      Promise.all([api.space(), api.upkeep()]).then(
        ([s, u]) => {
          setSpace(s);
          setUpkeep(u);
        },
        (e: unknown) => setFailure(refusalOf(e)),
      ),
    [],
  );
  useEffect(() => void read(), [read]);

  const free = async () => {
    setFreed("busy");
    const done = await attempt("Nothing was freed", () => api.freeSpace());
    setFreed(done ? Math.max(done.before - done.after, 0) : null);
    if (done) await read();
  };
  if (failure) return <Trouble what="What takes room could not be measured." why={failure.message} hint={failure.hint} />;
  if (!space) return <Skeleton lines={8} />;
  return (
    <article className="storage">
      <header>
        <h2>Storage and backup</h2>
        <p className="num">
          Your files take <b>{bytes(space.home)}</b>, their history and copies <b>{bytes(space.store)}</b>. {bytes(space.free)} of {bytes(space.total)} are free on this disk.
        </p>
      </header>
      <div className="storage-take">
        <Button disabled={freed === "busy"} onClick={() => void free()}>
          Free space
        </Button>
        <span className="hint num" role="status">
          {freed === "busy" ? "Sorting out what need not be kept…" : freed !== null ? `${bytes(freed)} freed.` : space.garbage > 0 ? `About ${bytes(space.garbage)} need not be kept.` : "Everything there is needed."}
        </span>
      </div>
      <BackupSection />
      <AppTable space={space} />
      <Sizes title="History and copies" rows={most(space.parts)} />
      <Sizes title="Largest files" rows={space.largest} onOpen={(path) => context().desk.openProgram("files", path)} />
      <p className="hint">{careText(upkeep)}</p>
    </article>
  );
}

function AppTable({ space }: { space: Space }) {
  const apps = useSession((s) => s.apps);
  if (space.apps.length === 0) return null;
  return (
    <table className="storage-apps num">
      <caption>By app</caption>
      <thead>
        <tr>
          <th scope="col">App</th>
          <th scope="col">Files</th>
          <th scope="col">Data</th>
          <th scope="col">History</th>
        </tr>
      </thead>
      <tbody>
        {space.apps.map((a) => (
          <tr key={a.app}>
            <th scope="row">{apps[a.app]?.name ?? a.app}</th>
            <td>{bytes(a.files)}</td>
            <td>{bytes(a.data)}</td>
            <td>{bytes(a.history)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

// Bars begin at zero and share one scale; the number stands beside each.
function Sizes({ title, rows, onOpen }: { title: string; rows: Space["parts"]; onOpen?(name: string): void }) {
  if (rows.length === 0) return null;
  const widest = Math.max(...rows.map((r) => r.bytes), 1);
  return (
    <section className="storage-sizes">
      <h3>{title}</h3>
      <ul>
        {rows.map((r) => (
          <li key={r.name}>
            {onOpen ? (
              <button type="button" className="mono" onClick={() => onOpen(r.name)}>
                {r.name}
              </button>
            ) : (
              <span>{r.name}</span>
            )}
            <i aria-hidden style={{ inlineSize: `${(r.bytes / widest) * 100}%` }} />
            <span className="num">{bytes(r.bytes)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** most names the largest few, and adds the rest up. */
export function most(rows: Space["parts"], few = 4): Space["parts"] {
  const sorted = rows.toSorted((a, b) => b.bytes - a.bytes);
  if (sorted.length <= few + 1) return sorted;
  return [...sorted.slice(0, few), { name: "everything else", bytes: sorted.slice(few).reduce((sum, r) => sum + r.bytes, 0) }];
}

interface Care {
  scrub?: { finished?: string; problems: readonly { fixed?: boolean }[] | null };
  gc?: { time: string };
}

/** careText says how the home's care of itself stands. */
export function careText({ scrub, gc }: Care, now = Date.now()): string {
  const lost = scrub?.problems?.filter((p) => !p.fixed).length ?? 0;
  const checked = !scrub?.finished
    ? "The stored bytes have not been checked yet; that happens by itself."
    : `Every stored byte was checked ${ago(scrub.finished, now)}: ${lost > 0 ? `${count(lost, "place")} could not be restored. \`matrixos scrub\` names them.` : "all is as it should be."}`;
  return gc ? `${checked} Space was last freed ${ago(gc.time, now)}.` : checked;
}
