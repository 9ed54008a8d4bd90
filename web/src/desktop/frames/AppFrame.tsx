import { memo, useCallback } from "react";
import { perform } from "../../commands/all.ts";
import type { Slug } from "../../protocol/wire.ts";
import { Button, Skeleton, Trouble } from "../../ui/controls.tsx";
import { context, desk } from "../store.ts";
import { useLoads } from "./useLoads.ts";

const sandbox = "allow-scripts allow-forms allow-downloads";

export const AppFrame = memo(function AppFrame({ slug, onTitle }: { slug: Slug; onTitle(title: string): void }) {
  const title = useCallback((t: string) => onTitle(t), [onTitle]);
  const { app, loads, failure, fault, wish, attach, start, dismissFault } = useLoads(slug, title);
  const broken = app && !app.ok ? app.diagnostics?.find((d) => d.severity === "error") : undefined;
  const name = app?.name ?? slug;

  return (
    <div className="app-frame">
      {loads.map((load) => (
        <iframe
          key={load.id}
          ref={(el) => attach(load, el)}
          title={load.ready ? name : `${name}, loading`}
          sandbox={sandbox}
          referrerPolicy="no-referrer"
          className={load.ready ? "shown" : ""}
          aria-hidden={!load.ready}
        />
      ))}
      {loads.every((l) => !l.ready) && !failure && (
        <div className="app-waiting" aria-label={`${name} is starting`} role="status">
          <Skeleton lines={6} />
        </div>
      )}
      <div className="app-notes">
        {failure && (
          <Trouble what={`${name} did not start.`} why={failure.message} hint={failure.hint}>
            <Button onClick={() => void start()}>Try again</Button>
            <Button look="quiet" onClick={() => desk.openProgram("files", app?.folder ?? `apps/${slug}`)}>
              Show its files
            </Button>
          </Trouble>
        )}
        {broken && (
          <Trouble
            what={loads.some((l) => l.ready) ? "The newest change does not compile; you see the last good build." : `${name} does not compile.`}
            why={[broken.file && `${broken.file}${broken.line ? `:${broken.line}` : ""}`, broken.text].filter(Boolean).join(" — ")}
            hint={broken.hint}
          >
            <Button look="primary" onClick={() => perform("app.repair", context(), slug)}>
              Ask to repair
            </Button>
            <Button look="quiet" onClick={() => desk.openProgram("files", broken.file ?? `apps/${slug}`)}>
              Open the file
            </Button>
          </Trouble>
        )}
        {!broken && fault && (
          <Trouble what={`Something in ${name} went wrong.`} why={fault.message}>
            <Button look="primary" onClick={() => perform("app.repair", context(), slug)}>
              Ask to repair
            </Button>
            <Button look="quiet" onClick={dismissFault}>
              Dismiss
            </Button>
          </Trouble>
        )}
        {wish && (
          <div className="wish" role="alertdialog" aria-label={`${name} wants to ask`}>
            <p>
              <strong>{name} wants to ask the system:</strong> {wish.text}
            </p>
            <div className="actions">
              <Button look="primary" onClick={() => wish.decide(true)}>
                Ask it
              </Button>
              <Button look="quiet" onClick={() => wish.decide(false)}>
                Don’t
              </Button>
            </div>
          </div>
        )}
      </div>
    </div>
  );
});
