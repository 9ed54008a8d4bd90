// The document of a mock app: it shakes hands like a real one, keeps rows through
// the bridge, and draws with the theme's variables only.

export const csp = (origin) =>
  `default-src 'none'; script-src 'nonce-mock' blob:; style-src 'unsafe-inline'; img-src data:; frame-ancestors ${origin}; sandbox allow-scripts allow-forms allow-downloads`;

const style = `
  body { margin: 0; padding: 20px 24px; font: 15px/22px var(--matrix-font-sans, sans-serif); background: var(--matrix-bg); color: var(--matrix-fg); }
  header { display: flex; justify-content: space-between; align-items: baseline; margin-bottom: 14px; }
  h1 { font-size: 18px; margin: 0; } small { color: var(--matrix-muted-fg); }
  form { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 16px; }
  input { font: inherit; min-width: 0; width: 120px; padding: 6px 10px; border: 1px solid var(--matrix-input); border-radius: 6px; background: var(--matrix-card); color: inherit; }
  button { font: inherit; padding: 6px 14px; border: 0; border-radius: 6px; background: var(--matrix-primary); color: var(--matrix-primary-fg); }
  table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; } td { padding: 6px 0; border-bottom: 1px solid var(--matrix-border); } td:last-child { text-align: right; }
  .bars { display: flex; align-items: flex-end; gap: 10px; height: 120px; margin: 18px 0; } .bars i { flex: 1; background: var(--matrix-primary); border-radius: 3px 3px 0 0; }`;

export function appDocument(home, launch) {
  const app = home.apps.get(launch.slug);
  const config = JSON.stringify({ nonce: launch.nonce, slug: launch.slug, name: app?.name ?? launch.slug, landing: app?.landing ?? 0, crash: app?.description === "crashes" });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${app?.name ?? launch.slug}</title><style>${style}</style></head><body><main id="root"></main>
<script nonce="mock">(${frame.toString()})(${config})</script></body></html>`;
}

// Runs in the frame.
function frame(config) {
  let port;
  let last = 0;
  const waiting = new Map();
  const call = (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, method, params });
    });
  const theme = (t) => {
    for (const [k, v] of Object.entries(t.vars)) document.documentElement.style.setProperty(k, v);
    document.documentElement.dataset.mode = t.mode;
  };
  const draw = async () => {
    const rows = await call("db.find", { table: "items" });
    const sum = rows.reduce((n, r) => n + r.amount, 0);
    const max = Math.max(1, ...rows.map((r) => r.amount));
    root.innerHTML = `<header><h1></h1><small>L${config.landing} · ${rows.length} rows · $${sum.toFixed(2)}</small></header>
      <form><input name="what" aria-label="What" placeholder="What" required><input name="amount" aria-label="Amount" type="number" step="any" placeholder="Amount" required><button>Add</button></form>
      <div class="bars">${rows.map((r) => `<i style="height:${Math.round((100 * r.amount) / max)}%"></i>`).join("")}</div><table></table>`;
    root.querySelector("h1").textContent = config.name;
    for (const r of rows) {
      const tr = document.createElement("tr");
      for (const text of [r.what, `$${r.amount.toFixed(2)}`]) tr.append(Object.assign(document.createElement("td"), { textContent: text }));
      root.querySelector("table").append(tr);
    }
    root.querySelector("form").onsubmit = (e) => {
      e.preventDefault();
      const form = new FormData(e.target);
      call("db.insert", { table: "items", data: { what: form.get("what"), amount: Number(form.get("amount")) } });
    };
  };
  const root = document.getElementById("root");
  addEventListener("message", (e) => {
    if (e.source !== parent || e.data?.type !== "matrixos:connect" || port) return;
    port = e.ports[0];
    theme(e.data.theme);
    document.body.dataset.modules = e.data.modules.map((m) => m[0]).join(",");
    port.onmessage = ({ data: m }) => {
      if (m.type === "theme") return theme(m.theme);
      if (m.type === "data") return void draw();
      const w = waiting.get(m.id);
      if (m.error !== undefined) w?.reject(new Error(m.error));
      else w?.resolve(m.value);
    };
    if (config.crash) return port.postMessage({ type: "error", message: "amount is undefined", stack: "at App.tsx:12" });
    draw().then(() => port.postMessage({ type: "ready" }));
  });
  parent.postMessage({ type: "matrixos:hello", nonce: config.nonce }, "*");
}
