// A stand-in for the gateway, for developing the shell and for its end-to-end
// tests. It speaks the same API and event stream, keeps everything in memory, and
// plays a scripted agent (script.mjs) that never thinks.
//
//   node e2e/mock/server.mjs            serves dist and the API on 127.0.0.1:4010
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { Home } from "./home.mjs";
import { appDocument, csp as appPolicy } from "./app.mjs";
import { run } from "./script.mjs";

const dist = join(import.meta.dirname, "../../dist");
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json", ".woff2": "font/woff2" };

class Refused extends Error {
  constructor(status, kind, title, hint = "") {
    super(title);
    Object.assign(this, { status, kind, hint });
  }
}

/** serve starts a gateway; the end-to-end tests start one each. */
export function serve({ port = 4010, signedIn = true, pace = 1, seed } = {}) {
  const home = new Home({ signedIn, pace });
  seed?.(home);
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((req, res) => {
    handle(home, req, res).catch((error) => {
      const status = error.status ?? 500;
      send(res, status, { type: "about:blank", title: error.message, status, detail: error.message, kind: error.kind ?? "internal", hint: error.hint ?? "" });
    });
  });
  server.on("upgrade", (req, socket, head) => {
    const url = new URL(req.url, "http://mock");
    if (url.pathname !== "/api/events" || !home.signedIn) return socket.destroy();
    sockets.handleUpgrade(req, socket, head, (ws) => {
      let after = Number(url.searchParams.get("after") ?? 0);
      const past = home.log.filter((e) => e.seq > after);
      for (let i = 0; i < past.length; i += 64) ws.send(JSON.stringify(past.slice(i, i + 64)));
      const off = home.listen((e) => ws.send(JSON.stringify([e])));
      ws.on("close", off);
    });
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      home.origin = `http://127.0.0.1:${server.address().port}`;
      resolve({
        home,
        url: home.origin,
        dropSockets: () => sockets.clients.forEach((c) => c.terminate()),
        close: () => {
          sockets.clients.forEach((c) => c.terminate());
          server.closeAllConnections();
          return new Promise((done) => server.close(done));
        },
      });
    });
  });
}

function send(res, status, body, headers = {}) {
  res.writeHead(status, { "content-type": status >= 400 ? "application/problem+json" : "application/json", "cache-control": "no-store", ...headers });
  res.end(body === undefined ? "" : JSON.stringify(body));
}

async function bodyOf(req) {
  let text = "";
  for await (const chunk of req) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

const routes = [
  ["GET", "/api/session", (h) => h.session()],
  ["POST", "/api/ask", (h, _m, _q, body) => run(h, body)],
  ["GET", "/api/conversations", (h) => h.conversations()],
  ["GET", "/api/conversations/(.+)", (h, [id]) => ({ id, events: h.log.filter((e) => e.conversation === id) })],
  ["GET", "/api/processes", (h) => [...h.processes.values()]],
  ["POST", "/api/processes/(\\d+)/signal", (h, [pid], _q, body) => h.signal(Number(pid), body.signal)],
  ["POST", "/api/stop", (h) => [...h.processes.keys()].forEach((pid) => h.signal(pid, "kill"))],
  ["POST", "/api/questions/(.+)", (h, [id], _q, body) => h.answer(id, body.text)],
  ["GET", "/api/apps", (h) => [...h.apps.values()]],
  ["POST", "/api/apps/([^/]+)/launch", (h, [slug]) => h.launch(slug)],
  ["GET", "/api/snapshots", (h) => h.snapshots],
  ["POST", "/api/snapshots", (h, _m, _q, body) => h.nameSnapshot(body)],
  ["DELETE", "/api/snapshots/(.+)", (h, [name]) => void (h.snapshots = h.snapshots.filter((s) => s.name !== name))],
  ["GET", "/api/why", (h, _m, q) => h.why(q.get("path"))],
  ["GET", "/api/diff", (h, _m, q) => h.compare(q.get("from"), q.get("path") ?? "")],
  ["POST", "/api/restore", (h, _m, _q, body) => h.restore(body)],
  ["DELETE", "/api/apps/([^/]+)", (h, [slug]) => h.removeApp(slug)],
  ["GET", "/api/landings", (h, _m, q) => h.landingsPage(Number(q.get("limit") ?? 50), Number(q.get("before") ?? 0), q.get("text"), q.get("by"))],
  ["GET", "/api/landings/(\\d+)", (h, [id]) => h.show(Number(id))],
  ["POST", "/api/landings/(\\d+)/undo", (h, [id], _q, body) => h.undo(Number(id), body)],
  ["GET", "/api/conflicts", (h) => h.conflicts.filter((c) => c.state !== "settled")],
  ["GET", "/api/conflicts/([^/]+)", (h, [id]) => h.conflict(id)],
  ["POST", "/api/conflicts/([^/]+)/resolve", (h, [id], _q, body) => h.resolve(id, body)],
  ["DELETE", "/api/conflicts/([^/]+)", (h, [id]) => h.settle(id)],
  ["GET", "/api/space", (h) => h.space()],
  ["GET", "/api/upkeep", () => ({ scrub: { finished: new Date().toISOString(), problems: [] } })],
  ["GET", "/api/backup", () => ({ dest: "", key: false })],
  ["POST", "/api/gc", (h) => h.collect()],
  ["GET", "/api/files", (h, _m, q) => h.list(q.get("path") ?? "", q.get("at"))],
  ["GET", "/api/file", (h, _m, q) => h.file(q.get("path"), q.get("at"))],
  ["PUT", "/api/file", (h, _m, _q, body) => h.write(body)],
  ["GET", "/api/layout", (h) => h.layout],
  ["PUT", "/api/layout", (h, _m, _q, body) => void (h.layout = body)],
  ["GET", "/api/theme", (h) => h.theme],
  ["PUT", "/api/theme", (h, _m, _q, body) => h.setTheme(body)],
  ["GET", "/api/models", (h) => h.models()],
  ["PUT", "/api/models", (h, _m, _q, body) => h.setModel(body)],
  ["GET", "/runtime/manifest.json", () => ({ hash: "mock", modules: [{ specifier: "mock-ui", file: "ui.js" }] })],
];

async function handle(home, req, res) {
  const url = new URL(req.url, "http://mock");
  const path = decodeURIComponent(url.pathname);
  if (path === "/api/signin" && req.method === "POST") {
    const { code } = await bodyOf(req);
    if (code !== home.code) throw new Refused(401, "unauthorized", "The code is wrong, used or expired.");
    home.signedIn = true;
    return send(res, 200, undefined, { "set-cookie": "matrixos_session=mock; Path=/; HttpOnly; SameSite=Strict" });
  }
  if (path.startsWith("/app/")) return serveApp(home, path, res);
  if (path === "/runtime/mock/ui.js") return serveText(res, "text/javascript", "export const greet = (name) => `${name}`;");
  if (!path.startsWith("/api/") && !path.startsWith("/runtime/")) return serveShell(home, path, res);
  if (!home.signedIn) throw new Refused(401, "unauthorized", "You are not signed in.");
  if (path === "/api/bridge" && req.method === "DELETE") {
    home.leave(req.headers["x-app-capability"]);
    return send(res, 204);
  }
  if (path === "/api/bridge") {
    const { method, params } = await bodyOf(req);
    return send(res, 200, { value: home.bridge(req.headers["x-app-capability"], method, params) });
  }
  for (const [method, pattern, answer] of routes) {
    const m = req.method === method && new RegExp(`^${pattern}$`).exec(path);
    if (!m) continue;
    const value = await answer(home, m.slice(1), url.searchParams, method === "GET" ? {} : await bodyOf(req));
    return send(res, value === undefined ? 204 : 200, value);
  }
  throw new Refused(404, "not found", `There is no ${path}.`);
}

function serveText(res, type, text, headers = {}) {
  res.writeHead(200, { "content-type": type, ...headers });
  res.end(text);
}

function serveApp(home, path, res) {
  const launch = home.launches.get(path.split("/")[2]);
  if (!launch) return send(res, 404, { title: "This launch is over.", status: 404 });
  serveText(res, "text/html; charset=utf-8", appDocument(home, launch), { "content-security-policy": appPolicy(home.origin) });
}

function serveShell(home, path, res) {
  const wanted = normalize(path === "/" || path === "/signin" ? "/index.html" : path);
  const file = join(dist, wanted);
  if (!file.startsWith(dist) || !existsSync(file)) return send(res, 404, { title: `There is no ${path}.`, status: 404 });
  const host = new URL(home.origin).host;
  serveText(res, types[extname(file)] ?? "application/octet-stream", readFileSync(file), {
    "content-security-policy":
      `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws://${host}; frame-src ${home.origin}/app/; ` +
      "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  });
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await serve({ port: Number(process.env.PORT ?? 4010), signedIn: process.env.SIGNED_OUT === undefined });
  process.stdout.write(`mock gateway on ${url}\n`);
}

export { Refused };
