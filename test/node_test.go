package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/client"
)

const nodeServer = `
const http = require("node:http"), fs = require("node:fs"), path = require("node:path");
const file = path.join(process.env.DATA_DIR, "visits.txt");
const can = (f) => { try { f(); return "yes"; } catch { return "no"; } };
http.createServer((req, res) => {
  const cookie = req.headers.cookie ?? "none";
  if (req.url === "/health") return res.end("ok");
  if (req.url === "/crash") process.exit(7);
  if (req.url === "/api/visits" && req.method === "POST") {
    let body = "";
    req.on("data", (d) => (body += d)).on("end", () => {
      fs.appendFileSync(file, JSON.parse(body).name + "\n");
      res.setHeader("Content-Type", "application/json");
      res.setHeader("Set-Cookie", "seen=1; Path=/");
      res.end(JSON.stringify({ pid: process.pid, cookie, authorization: req.headers.authorization ?? "none" }));
    });
    return;
  }
  if (req.url === "/api/facts") {
    const facts = { home: can(() => fs.readFileSync(HOME + "/system/soul.md")), store: can(() => fs.readdirSync(HOME + "/.disk")), own: can(() => fs.readFileSync("server.js")), started: String(process.hrtime.bigint()), cookie };
    const s = require("node:net").connect(OUTSIDE, "127.0.0.1", () => done("yes")).on("error", () => done("no"));
    const done = (loopback) => { s.destroy(); res.setHeader("Content-Type", "application/json"); res.end(JSON.stringify({ ...facts, loopback, data: fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "" })); };
    return;
  }
  res.setHeader("Content-Type", "text/html; charset=utf-8");
  res.setHeader("Content-Security-Policy", "default-src *");
  res.end('<!doctype html><html><head><title>Guests</title><script src="/client.js"></script></head><body><h1>Guests</h1></body></html>');
}).listen(Number(process.env.PORT), () => console.log("up"));
`

func readFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// An app with the runtime node is a confined process behind the gateway: it runs
// with the owner's yes, sees its own folder, keeps its data, reaches nothing else,
// and comes back when it ends.
func TestNodeApps(t *testing.T) {
	for _, tool := range []string{"bwrap", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: tools/setup installs it", err)
		}
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	w := NewWorld(t)
	w.Up()
	write := func(name, text string) {
		p := filepath.Join(w.Home, "apps/guests", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("server.js", strings.NewReplacer("HOME", `"`+w.Home+`"`, "OUTSIDE", port).Replace(nodeServer))
	write("matrix.json", `{"name":"Guests","slug":"guests","version":"1.0.0","runtime":"node","serve":{"start":"node server.js","healthCheck":"/health","startTimeout":60},"resources":{"memoryMb":256}}`)
	Eventually(t, time.Minute, "the app is there", func() bool { a, ok := w.App("guests"); return ok && a.OK })
	var daemon client.Daemon
	if err := json.Unmarshal([]byte(readFile(t, client.DaemonFile(w.Home))), &daemon); err != nil {
		t.Fatal(err)
	}
	open := func() (int, string) {
		req, err := http.NewRequest(http.MethodPost, w.Addr+"/api/apps/guests/launch", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+daemon.Token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	status, body := open()
	if status != http.StatusForbidden || !strings.Contains(body, "wants to run a program") {
		t.Fatalf("without the owner's yes: %d %s", status, body)
	}
	w.Do("apps", "grant", "guests", "server")
	status, body = open()
	var launch struct{ URL string }
	if err := json.Unmarshal([]byte(body), &launch); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	ask := func(method, path, body string) (int, string, http.Header) {
		req, err := http.NewRequest(method, w.Addr+launch.URL+path, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "null")
		req.Header.Set("Cookie", "matrixos=secret")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw), res.Header
	}
	_, page, head := ask("GET", "", "")
	if !strings.Contains(page, "<h1>Guests</h1>") || !strings.Contains(page, `src="`+strings.TrimSuffix(launch.URL, "/")+`/client.js"`) || !strings.Contains(page, "MatrixOS") {
		t.Errorf("page:\n%.600s", page)
	}
	if csp := head.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox allow-scripts") || len(head.Values("Content-Security-Policy")) != 1 {
		t.Errorf("policy %q", head.Values("Content-Security-Policy"))
	}
	if _, got, h := ask("POST", "api/visits", `{"name":"Ada"}`); !strings.Contains(got, `"cookie":"none"`) || !strings.Contains(got, `"authorization":"none"`) || h.Get("Set-Cookie") != "" {
		t.Errorf("post: %s, cookie to the browser %q", got, h.Get("Set-Cookie"))
	}
	var facts struct{ Home, Store, Own, Loopback, Started, Cookie, Data string }
	look := func() {
		t.Helper()
		_, got, _ := ask("GET", "api/facts", "")
		if err := json.Unmarshal([]byte(got), &facts); err != nil {
			t.Fatalf("%s", got)
		}
	}
	look()
	if facts.Home != "no" || facts.Store != "no" || facts.Own != "yes" || facts.Loopback != "no" || facts.Cookie != "seen=1" || facts.Data != "Ada\n" {
		t.Errorf("%+v", facts)
	}
	if got := w.Read("data/guests/server/visits.txt"); got != "Ada\n" {
		t.Errorf("kept data %q", got)
	}
	ask("GET", "crash", "")
	Eventually(t, time.Minute, "it is started again", func() bool {
		status, got, _ := ask("GET", "api/facts", "")
		return status == http.StatusOK && strings.Contains(got, "Ada")
	})
	w.Do("apps", "revoke", "guests", "server")
	if status, _, _ := ask("GET", "api/facts", ""); status != http.StatusBadGateway {
		t.Errorf("after the grant is taken back: %d", status)
	}
}
