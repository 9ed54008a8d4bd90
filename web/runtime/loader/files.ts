// An app's own files, as fetch reads them. The policy of a frame allows no connection
// at all, so they come over the port.
import type { Link } from "./port.ts";

/** ownPath is the path of one of the app's files below base, or null if address is elsewhere. */
export function ownPath(address: string, base: string): string | null {
  const url = new URL(address.startsWith("/") && !address.startsWith("//") ? `.${address}` : address, base);
  const root = new URL(".", base);
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return null;
  return decodeURIComponent(url.pathname.slice(root.pathname.length));
}

/** rootOf is the address of the app's folder: /app/TICKET/ whichever page of it is shown. */
export function rootOf(location: string): string {
  const m = /^[^?#]*?\/app\/[^/]+\//.exec(location);
  return m ? m[0] : location;
}

/** readOwn has fetch answer for the app's own files; everything else stays refused. */
export function readOwn(link: Link): void {
  const ask = window.fetch;
  window.fetch = async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    const root = rootOf(location.href);
    const here = !address.startsWith("/") && !(input instanceof Request) ? new URL(address, location.href).href : address;
    const path = ownPath(here, root);
    if (path === null || (method !== "GET" && method !== "HEAD")) return ask(input, init);
    const file = (await link.call("app.file", { path })) as { type: string; base64: string } | null;
    if (!file) return new Response("The app has no such file.", { status: 404, statusText: "Not Found" });
    const bytes = Uint8Array.from(atob(file.base64), (c) => c.charCodeAt(0));
    return new Response(method === "HEAD" ? null : bytes, { status: 200, headers: { "Content-Type": file.type, "Content-Length": String(bytes.length) } });
  };
}
