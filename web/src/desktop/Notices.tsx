import { X } from "lucide-react";
import { useEffect } from "react";
import { perform } from "../commands/all.ts";
import type { Notice } from "../session/state.ts";
import { dismiss, useSession } from "../session/store.ts";
import { Codes } from "../ui/Codes.tsx";
import { Button, IconButton } from "../ui/controls.tsx";
import { context, desk } from "./store.ts";

/** Notices tell the owner something and go; errors and reminders wait to be seen. */
export function Notices() {
  const notices = useSession((s) => s.notices);
  return (
    <div className="notices" aria-live="polite">
      {notices.map((n) => (
        <NoticeSlip key={n.id} notice={n} />
      ))}
    </div>
  );
}

function NoticeSlip({ notice: n }: { notice: Notice }) {
  const { id, level } = n;
  useEffect(() => {
    if (level !== "info") return;
    const timer = setTimeout(() => dismiss(id), 8000);
    return () => clearTimeout(timer);
  }, [id, level]);
  return (
    <div className={`notice ${level}`} role={level === "error" ? "alert" : "status"}>
      <div className="notice-text">
        <strong>{n.title}</strong>
        {n.text && (
          <span>
            <Codes text={n.text} />
          </span>
        )}
        {(n.action || n.app) && (
          <div className="notice-actions">
            {n.action && (
              <Button
                onClick={() => {
                  dismiss(id);
                  perform(n.action?.command ?? "", context(), n.action?.arg);
                }}
              >
                {n.action.label}
              </Button>
            )}
            {n.app && (
              <Button
                onClick={() => {
                  dismiss(id);
                  desk.openApp(n.app ?? "");
                }}
              >
                Open
              </Button>
            )}
          </div>
        )}
      </div>
      <IconButton icon={X} label="Dismiss" onClick={() => dismiss(id)} />
    </div>
  );
}
