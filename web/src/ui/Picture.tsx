import { Download, X } from "lucide-react";
import { useEffect, useRef, useState, type MouseEvent } from "react";
import { IconButton } from "./controls.tsx";
import "./people.css";

interface Props {
  source: string;
  name: string;
  text: string;
  onClose(): void;
}

/** Picture shows one over everything, as large as there is room; Escape and a click beside it end that. */
export function Picture({ source, name, text, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [state, setState] = useState<"loading" | "there" | "broken">("loading");
  useEffect(() => dialog.current?.showModal(), []);
  const beside = (e: MouseEvent) => {
    e.stopPropagation();
    if (!(e.target instanceof HTMLElement) || e.target.closest("img, button, a")) return;
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} className="picture" aria-label={name} onClose={onClose} onClick={beside} onKeyDown={(e) => e.stopPropagation()} onContextMenu={(e) => e.stopPropagation()}>
      <header>
        <p title={name}>{name}</p>
        <a className="icon-button" href={`${source}?download`} download={name} aria-label="Save" title="Save">
          <Download className="icon" aria-hidden />
        </a>
        <IconButton icon={X} label="Close" onClick={() => dialog.current?.close()} />
      </header>
      {state === "loading" && <img className="picture-small" src={`${source}?thumbnail`} alt="" />}
      {state === "loading" && <p className="picture-wait" role="status">Loading</p>}
      {state === "broken" ? (
        <p className="picture-wait">It did not load: the homeserver did not give it. Close it and try again.</p>
      ) : (
        <img className="picture-whole" src={source} alt={text} hidden={state === "loading"} onLoad={() => setState("there")} onError={() => setState("broken")} />
      )}
    </dialog>
  );
}
