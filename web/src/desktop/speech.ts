// Speech of the desktop: it says aloud what an agent wants said. A recording that
// a provider made is played; without one, or where it cannot be played, the
// browser speaks with a voice of its own, which needs no key.
import type { Event, SpeakData } from "../protocol/events.ts";
import { onEvent } from "../session/store.ts";

/** Voice is what speaking needs of a browser. */
export interface Voice {
  play(url: string): Promise<void>;
  say(text: string): void;
}

/** speak plays the recording of d, or says its text. */
export async function speak(d: SpeakData, voice: Voice): Promise<void> {
  if (d.path) {
    try {
      return await voice.play(`/api/raw?path=${encodeURIComponent(d.path)}`);
    } catch {
      // It has not landed yet, or the browser plays nothing unasked: say it.
    }
  }
  voice.say(d.text);
}

function browser(): Voice {
  return {
    play: (url) => new Audio(url).play(),
    say: (text) => {
      if (typeof speechSynthesis === "undefined") return;
      const words = new SpeechSynthesisUtterance(text);
      words.lang = document.documentElement.lang || navigator.language;
      speechSynthesis.speak(words);
    },
  };
}

/** followSpeech speaks until the returned function is called. */
export function followSpeech(voice: Voice = browser()): () => void {
  return onEvent((e: Event) => {
    if (e.kind === "speak") void speak(e.data, voice);
  });
}
