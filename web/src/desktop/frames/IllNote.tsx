import { perform } from "../../commands/all.ts";
import type { Slug } from "../../protocol/wire.ts";
import { Button, Trouble } from "../../ui/controls.tsx";
import { bytes, count } from "../../ui/words.ts";
import { context } from "../store.ts";
import type { Ill } from "./pulse.ts";

interface Props {
  ill: Ill;
  name: string;
  slug: Slug;
  guised: boolean; // it is not the app as it is now
  onAnew(): void;
  onWait(): void;
  onClose(): void;
}

/** IllNote says what is wrong with a window, and the ways out. */
export function IllNote({ ill, name, slug, guised, onAnew, onWait, onClose }: Props) {
  const repair = !guised && (
    <Button look="quiet" onClick={() => perform("app.repair", context(), slug)}>
      Ask to repair
    </Button>
  );
  const anew = (
    <Button look="primary" onClick={onAnew}>
      Start it again
    </Button>
  );
  switch (ill.kind) {
    case "silent":
      return (
        <Trouble what={`${name} does not answer.`} why={silence(ill.seconds, ill.with)}>
          {anew}
          <Button onClick={onWait}>Wait</Button>
          <Button look="quiet" onClick={onClose}>
            Close it
          </Button>
          {repair}
        </Trouble>
      );
    case "gone":
      return (
        <Trouble what={`${name} is not there any more.`} why="Its window ended by itself, perhaps for want of memory, or it shows a page that is none of its own.">
          {anew}
          <Button look="quiet" onClick={onWait}>
            Leave it as it is
          </Button>
          {repair}
        </Trouble>
      );
    case "heavy":
      return (
        <Trouble what={`${name} takes much memory.`} why={heaviness(ill)}>
          {anew}
          <Button look="quiet" onClick={onWait}>
            Leave it as it is
          </Button>
          {repair}
        </Trouble>
      );
  }
}

function silence(seconds: number, others: string[]): string {
  const since = `It has said nothing for ${count(seconds, "second")}: it has much to do, or is stuck.`;
  if (others.length === 0) return `${since} What it has saved is safe.`;
  return `${since} ${others.join(" and ")} ${others.length === 1 ? "does" : "do"} not answer either. In this browser apps share a process, so one that is stuck stops the others: close them one by one, or load the page again.`;
}

function heaviness({ bytes: now, before, minutes }: Extract<Ill, { kind: "heavy" }>): string {
  const grown = minutes > 0 ? `, ${bytes(before)} ${count(minutes, "minute")} ago` : "";
  return `It takes ${bytes(now)} now${grown}. Started again it begins with little; what it has saved is safe.`;
}
