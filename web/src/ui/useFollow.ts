// The newest line stays in view while the owner reads at the end; whoever
// scrolled up is left alone.
import { useEffect, useRef } from "react";

const near = 80;

export function useFollow(jump: string) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(true);

  useEffect(() => {
    const box = scroller.current;
    const doc = content.current;
    if (!box || !doc) return;
    const end = () => {
      if (following.current) box.scrollTop = box.scrollHeight;
    };
    const onScroll = () => {
      following.current = box.scrollHeight - box.scrollTop - box.clientHeight < near;
    };
    const watch = new ResizeObserver(end);
    watch.observe(doc);
    watch.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      watch.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }, []);

  // A new line of the owner's own always comes into view.
  useEffect(() => {
    following.current = true;
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  }, [jump]);

  return { scroller, content, following };
}
