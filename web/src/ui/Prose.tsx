import { memo, useEffect, useState } from "react";

type Render = (text: string) => string;

let render: Render | null = null;
let loading: Promise<Render> | null = null;

/** Prose shows markdown; as plain text until the renderer is here. */
export const Prose = memo(function Prose({ text, writing }: { text: string; writing?: boolean }) {
  const [ready, setReady] = useState<{ render: Render } | null>(render ? { render } : null);
  useEffect(() => {
    if (ready) return;
    let here = true;
    loading ??= import("./markdown.ts").then((m) => (render = m.render));
    void loading.then((r) => here && setReady({ render: r }));
    return () => {
      here = false;
    };
  }, [ready]);
  const className = `prose ${writing ? "writing" : ""}`;
  if (!ready) return <div className={`${className} raw`}>{text}</div>;
  return <div className={className} dangerouslySetInnerHTML={{ __html: ready.render(text) }} />;
});
