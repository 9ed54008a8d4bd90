// Dictation by the browser's own speech recognition, where it has one. Some
// browsers send the sound to their maker to have it written down; the button says so.
import { useEffect, useRef, useState } from "react";

interface Recognition {
  lang: string;
  interimResults: boolean;
  continuous: boolean;
  onresult: ((e: { results: ArrayLike<ArrayLike<{ transcript: string }>> }) => void) | null;
  onend: (() => void) | null;
  onerror: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}

type Recognizer = new () => Recognition;

function recognizer(): Recognizer | undefined {
  const w = window as unknown as { SpeechRecognition?: Recognizer; webkitSpeechRecognition?: Recognizer };
  return w.SpeechRecognition ?? w.webkitSpeechRecognition;
}

/** heard joins what was recognised so far. */
export function heard(results: ArrayLike<ArrayLike<{ transcript: string }>>): string {
  return Array.from(results, (r) => r[0]?.transcript.trim() ?? "").filter(Boolean).join(" ");
}

/** useDictation writes what is said into onText; toggle is undefined where the browser cannot listen. */
export function useDictation(onText: (text: string) => void): { listening: boolean; toggle?: () => void } {
  const [listening, setListening] = useState(false);
  const running = useRef<Recognition | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const make = recognizer();
  if (!make) return { listening: false };
  const toggle = () => {
    if (running.current) return running.current.stop();
    const r = new make();
    r.lang = document.documentElement.lang || navigator.language;
    r.interimResults = true;
    r.continuous = true;
    r.onresult = (e) => onText(heard(e.results));
    r.onend = r.onerror = () => {
      running.current = null;
      setListening(false);
    };
    running.current = r;
    setListening(true);
    r.start();
  };
  return { listening, toggle };
}
