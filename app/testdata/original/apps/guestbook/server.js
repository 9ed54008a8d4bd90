import { createServer } from "node:http";
import { mkdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { extname, join } from "node:path";

const dataDir = process.env.DATA_DIR ?? "./data";
const file = join(dataDir, "guests.json");
mkdirSync(dataDir, { recursive: true });
const guests = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
let visits = 0;

const json = (res, status, body) => {
  res.writeHead(status, { "Content-Type": "application/json" });
  res.end(JSON.stringify(body));
};

createServer((req, res) => {
  const url = new URL(req.url, "http://localhost");
  if (url.pathname === "/api/health") return json(res, 200, { ok: true });
  if (url.pathname === "/api/crash") {
    console.error("guestbook: the book fell off the table");
    process.exit(3);
  }
  if (url.pathname === "/api/guests" && req.method === "GET") return json(res, 200, { guests, pid: process.pid, visits: ++visits });
  if (url.pathname === "/api/guests" && req.method === "POST") {
    let body = "";
    req.on("data", (d) => (body += d));
    req.on("end", () => {
      const { name } = JSON.parse(body);
      if (!name) return json(res, 400, { error: "a name is needed" });
      guests.push(name);
      writeFileSync(file, JSON.stringify(guests));
      json(res, 201, { name });
    });
    return;
  }
  const path = url.pathname === "/" ? "/index.html" : url.pathname;
  try {
    const raw = readFileSync(join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "public", path));
    res.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream" });
    res.end(raw);
  } catch {
    json(res, 404, { error: "not found" });
  }
}).listen(Number(process.env.PORT ?? 3000), () => console.log("guestbook is listening"));
