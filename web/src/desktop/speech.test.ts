import { describe, expect, it } from "vitest";
import { speak } from "./speech.ts";

function voice(plays: boolean) {
  const done: string[] = [];
  return {
    done,
    play: (url: string) => (plays ? (done.push(`play ${url}`), Promise.resolve()) : Promise.reject(new Error("not allowed"))),
    say: (text: string) => void done.push(`say ${text}`),
  };
}

describe("speech", () => {
  it.each([
    ["a recording is played", { text: "hi", path: "data/speech/a b.mp3" }, true, ["play /api/raw?path=data%2Fspeech%2Fa%20b.mp3"]],
    ["one that cannot be played is said", { text: "hi", path: "data/speech/a.mp3" }, false, ["say hi"]],
    ["without a recording the browser speaks", { text: "hi" }, true, ["say hi"]],
  ])("%s", async (_, data, plays, want) => {
    const v = voice(plays);
    await speak(data, v);
    expect(v.done).toEqual(want);
  });
});
