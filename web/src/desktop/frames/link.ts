// The shell's end of one app frame, for one load of it. The frame proves itself
// by being the window that was made for this launch and by its nonce, which begins
// with that of the launch and is another one for each document of the app, as an app of
// several pages has; each document gets one port, once, and ends that of the one before. A page that
// pretends to be the next one gains nothing by it: its rights are those of the launch. What an app may do is decided by the capability, on the server: the
// frame never sees it, and what a message claims about the app counts for nothing.
import type { FrameTheme } from "../../ui/theme.ts";
import type { Font, Module } from "./libraries.ts";

export interface Needs {
  nonce: string;
  name: string;
  design: string;
  frame: () => Window | null; // the content window of this load
  theme(): FrameTheme;
  libraries(wanted?: readonly string[]): Promise<Module[]>;
  fonts(): Promise<Font[]>;
  keys: readonly string[]; // shortcuts that the frame hands on unless the app takes them
  bridge(method: string, params: unknown): Promise<unknown>; // throws to reject
  onReady(): void;
  onTitle(title: string): void;
  onError(message: string, stack: string): void;
  onKey(shortcut: string): void; // one of keys: the app may say so without a key press
  onDocument(): void; // a document of the app has got its port
  onOver(): void; // and that one is gone, where the browser says so
  onPulse(n: number, alone: boolean): void; // it answers; alone: in a process of its own
  onWeight(bytes: number): void;
  onUsed(): void; // somebody types or points in it, by its own word
  recording(): Recording | null; // what is being recorded of this window, because the owner said so
}

/** Recording hears what a window says of its own use; it is not believed, and only asked for by the owner. */
export interface Recording {
  onSteps(steps: number): void;
  onUse(use: unknown): void;
}

export interface FrameLink {
  push(message: object): boolean; // whether there is anybody to hear it
  close(): void;
}

const documents = 1000; // of one window

interface Hello {
  type: "matrixos:hello";
  nonce: string;
  modules?: readonly string[];
}

function isHello(data: unknown): data is Hello {
  const d = data as Partial<Hello> | null;
  return typeof d === "object" && d !== null && d.type === "matrixos:hello" && typeof d.nonce === "string";
}

export function linkFrame(n: Needs, events: Pick<Window, "addEventListener" | "removeEventListener"> = window): FrameLink {
  let port: MessagePort | null = null;
  const taken = new Set<string>();
  let closed = false;

  const onHello = (e: MessageEvent) => {
    if (closed || !isHello(e.data) || e.source === null || e.source !== n.frame() || !e.data.nonce.startsWith(n.nonce)) return;
    const { nonce, modules } = e.data;
    if (taken.has(nonce) || nonce.length > n.nonce.length + 64 || taken.size >= documents) return;
    taken.add(nonce);
    void connect(e.source as Window, nonce, modules);
  };

  const connect = async (frame: Window, nonce: string, wanted?: readonly string[]) => {
    const list = Array.isArray(wanted) ? wanted.filter((w) => typeof w === "string") : undefined;
    let modules: Module[];
    let fonts: Font[];
    try {
      [modules, fonts] = await Promise.all([n.libraries(list), n.fonts()]);
    } catch (error) {
      if (!closed) n.onError((error as Error).message, "");
      return;
    }
    if (closed || [...taken].at(-1) !== nonce) return; // or another document has come meanwhile
    port?.close();
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = (m) => void receive(m.data);
    const { port1 } = channel;
    port1.addEventListener("close", () => port === port1 && n.onOver());
    // An opaque origin has no name to address; the port goes to that one window.
    frame.postMessage({ type: "matrixos:connect", theme: n.theme(), design: n.design, app: { name: n.name }, modules, fonts, keys: n.keys }, "*", [channel.port2]);
    if (n.recording()) port.postMessage({ type: "record", on: true });
    n.onDocument();
  };

  const receive = async (data: unknown) => {
    if (typeof data !== "object" || data === null) return;
    const m = data as { type?: unknown; id?: unknown; method?: unknown; params?: unknown; message?: unknown; stack?: unknown; title?: unknown; shortcut?: unknown; steps?: unknown; use?: unknown; n?: unknown; alone?: unknown; bytes?: unknown };
    if (m.type === "ready") return n.onReady();
    if (m.type === "title") return n.onTitle(String(m.title ?? "").slice(0, 120));
    if (m.type === "error") return n.onError(String(m.message ?? "").slice(0, 2000), String(m.stack ?? "").slice(0, 8000));
    if (m.type === "pulse") return typeof m.n === "number" ? n.onPulse(m.n, m.alone === true) : undefined;
    if (m.type === "weight") return typeof m.bytes === "number" ? n.onWeight(m.bytes) : undefined;
    if (m.type === "used") return n.onUsed();
    if (m.type === "recording") return typeof m.steps === "number" ? n.recording()?.onSteps(m.steps) : undefined;
    if (m.type === "recorded") return n.recording()?.onUse(m.use);
    if (m.type === "key") return n.keys.includes(m.shortcut as string) ? n.onKey(m.shortcut as string) : undefined;
    if (typeof m.id !== "number" || typeof m.method !== "string") return;
    const reply = port;
    try {
      const value = await n.bridge(m.method, m.params ?? {});
      reply?.postMessage({ id: m.id, value });
    } catch (error) {
      reply?.postMessage({ id: m.id, error: error instanceof Error ? error.message : String(error) });
    }
  };

  events.addEventListener("message", onHello as EventListener);
  return {
    push(message) {
      port?.postMessage(message);
      return port !== null;
    },
    close() {
      closed = true;
      events.removeEventListener("message", onHello as EventListener);
      port?.close();
      port = null;
    },
  };
}
