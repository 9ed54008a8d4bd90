// The page of an app with a server of its own: an address that begins at the root
// means the app's own server, which lies below base.

/** below is an address of the app's server as the browser has to ask for it. */
export function below(address: string, base: string, origin: string): string {
  const scheme = /^(https?|wss?):\/\/([^/]+)(\/.*)?$/.exec(address);
  if (scheme) {
    const path = scheme[3] ?? "/";
    if (scheme[2] !== new URL(origin).host || path.startsWith(`${base}/`)) return address;
    return `${scheme[1]}://${scheme[2]}${base}${path}`;
  }
  return address.startsWith("/") && !address.startsWith("//") && !address.startsWith(`${base}/`) ? base + address : address;
}

/** atBase has the ways to ask a server ask the app's own. */
export function atBase(base: string): void {
  const origin = location.href.split("/", 3).join("/");
  const to = (address: string | URL) => below(String(address), base, origin);
  const ask = window.fetch;
  window.fetch = (input, init) => ask(input instanceof Request ? new Request(to(input.url), input) : to(input), init);
  const open = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, address: string | URL, ...rest: unknown[]) {
    return (open as (...args: unknown[]) => void).call(this, method, to(address), ...(rest.length > 0 ? rest : [true]));
  };
  window.EventSource = new Proxy(EventSource, { construct: (make, [address, ...rest]) => new make(to(address), ...rest) });
  window.WebSocket = new Proxy(WebSocket, { construct: (make, [address, ...rest]) => new make(to(String(address)).replace(/^\/|^http/, (m) => (m === "/" ? `${origin.replace(/^http/, "ws")}/` : "ws")), ...rest) });
}
