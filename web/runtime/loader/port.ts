// The handshake with the shell and the port that comes of it.

export interface Theme {
  vars: Record<string, string>;
  mode: "light" | "dark";
}

export interface Connected {
  theme: Theme;
  design: string;
  app: { name: string };
  modules: [string, string][];
  fonts?: [string, ArrayBuffer][]; // variable, by family
  keys?: string[]; // shortcuts of the shell, such as "Mod+K"
}

export interface Link {
  connected: Promise<Connected>;
  call(method: string, params: unknown): Promise<any>;
  note(message: object): void;
  on(type: string, fn: (message: any) => void): void;
}

/**
 * connect says hello until the shell has answered. Calls and notes made before
 * that wait, in order. Only the parent window can answer, and only once.
 */
export function connect(nonce: string, modules: string[]): Link {
  const shell = window.parent;
  const pending = new Map<number, { resolve(value: any): void; reject(error: Error): void }>();
  const listeners = new Map<string, ((message: any) => void)[]>();
  let port: MessagePort | null = null;
  let queue: object[] = [];
  let last = 0;

  const send = (message: object) => {
    if (port) port.postMessage(message);
    else queue.push(message);
  };

  const receive = (e: MessageEvent) => {
    const m = e.data;
    if (m === null || typeof m !== "object") return;
    if (typeof m.id === "number") {
      const p = pending.get(m.id);
      pending.delete(m.id);
      if ("error" in m) p?.reject(new Error(typeof m.error === "string" ? m.error : (m.error?.message ?? "The call failed.")));
      else p?.resolve(m.value);
      return;
    }
    for (const fn of listeners.get(m.type) ?? []) fn(m);
  };

  const connected = new Promise<Connected>((resolve, reject) => {
    if (shell === window) {
      reject(new Error("Open this app from the desktop; it does not run on a page of its own."));
      return;
    }
    const hello = () => shell.postMessage({ type: "matrixos:hello", nonce, modules }, "*"); // an opaque origin can name no target; the nonce is of no use to others
    const timer = setInterval(hello, 400);
    addEventListener("message", function once(e) {
      if (e.source !== shell || e.data?.type !== "matrixos:connect" || !e.ports[0]) return;
      removeEventListener("message", once);
      clearInterval(timer);
      port = e.ports[0];
      port.onmessage = receive;
      for (const message of queue) port.postMessage(message);
      queue = [];
      resolve(e.data as Connected);
    });
    hello();
  });
  connected.catch(() => undefined);

  return {
    connected,
    call: (method, params) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        pending.set(id, { resolve, reject });
        try {
          send({ id, method, params });
        } catch (error) {
          pending.delete(id);
          reject(new Error(`${method}: only plain data can be handed over (${(error as Error).message})`));
        }
      }),
    note: send,
    on(type, fn) {
      listeners.set(type, [...(listeners.get(type) ?? []), fn]);
    },
  };
}
