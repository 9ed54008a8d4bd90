package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/app/internal/store"
	"matrixos/sys"
)

// world is a shell, a runtime and the internet, all on loopback.
type world struct {
	t      *testing.T
	home   string
	r      *Runtime
	shell  *httptest.Server
	evil   net.Listener
	less   less // of the walls around apps
	mu     sync.Mutex
	events []sys.Event
	asked  []string // requests that reached the internet
	seq    sys.LandingID
	tcp    atomic.Int64
	udp    atomic.Int64
}

// chromium finds the browser and the driver. Developers without them skip; CI has
// to have them.
func chromium(t *testing.T) (browser, driver string) {
	t.Helper()
	missing := func(what string) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", what)
		}
		t.Skipf("%s is missing", what)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	driver, err := filepath.Abs("../web/runtime/e2e/drive.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if browser == "" {
		missing("Chromium")
	}
	if _, err := os.Stat("../web/runtime/node_modules/playwright-core"); err != nil {
		missing("playwright-core in web/runtime (npm ci)")
	}
	if _, err := os.Stat("../web/runtime/dist/manifest.json"); err != nil {
		missing("the built web runtime (npm run build in web/runtime)")
	}
	return browser, driver
}

// newWorld is a world with the apps of testdata/home and of further folders there.
func newWorld(t *testing.T, more ...string) *world {
	t.Helper()
	w := &world{t: t, home: t.TempDir()}
	var err error
	w.evil, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.listen()
	w.r, err = New(Options{Libraries: os.DirFS("../web/runtime/dist"), Data: filepath.Join(w.home, "data"), Publish: func(ev sys.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, ev)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.shell = httptest.NewServer(w.routes())
	t.Cleanup(func() {
		w.shell.Close()
		if err := w.r.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, from := range append([]string{"testdata/home"}, more...) {
		w.copyHome(from)
	}
	w.land(nil)
	return w
}

// copyHome lays out a folder of testdata, with the addresses of this run in it.
func (w *world) copyHome(from string) {
	root := os.DirFS(from)
	put := strings.NewReplacer("SHELL", strings.TrimPrefix(w.shell.URL, "http://"), "EVIL", w.evil.Addr().String())
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		text := string(raw)
		if strings.HasPrefix(p, "apps/hostile/") {
			text = put.Replace(strings.NewReplacer("const EVIL", "const \x00", "EVIL +", "\x00 +", "(EVIL", "(\x00", "EVIL.", "\x00.", "{EVIL}", "{\x00}", "= EVIL;", "= \x00;", "const SHELL", "const \x01", "SHELL +", "\x01 +", "(SHELL", "(\x01", "SHELL.", "\x01.", ", SHELL =", ", \x01 =").Replace(text))
			text = strings.NewReplacer("\x00", "EVIL", "\x01", "SHELL").Replace(text)
		}
		w.write(p, text)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(name, text string) {
	w.t.Helper()
	p := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) land(changed []sys.Change) {
	w.t.Helper()
	w.seq++
	if err := w.r.Use(context.Background(), os.DirFS(w.home), w.seq, changed); err != nil {
		w.t.Fatal(err)
	}
}

// listen is the internet: it counts connections, requests and datagrams.
func (w *world) listen() {
	srv := &http.Server{
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				w.tcp.Add(1)
			}
		},
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			w.mu.Lock()
			w.asked = append(w.asked, req.Method+" "+req.URL.String())
			w.mu.Unlock()
			rw.Header().Set("Access-Control-Allow-Origin", "*")
		}),
	}
	go srv.Serve(w.evil) //nolint:errcheck // ends with the test
	udp, err := net.ListenPacket("udp", w.evil.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		b := make([]byte, 2048)
		for {
			if _, _, err := udp.ReadFrom(b); err != nil {
				return
			}
			w.udp.Add(1)
		}
	}()
	w.t.Cleanup(func() { srv.Close(); udp.Close() })
}

func (w *world) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/app/", func(rw http.ResponseWriter, req *http.Request) {
		if w.less.header != nil {
			rw = &lessened{rw, w.less.header}
		}
		w.r.ServeHTTP(rw, req)
	})
	mux.Handle("/runtime/", w.r)
	mux.HandleFunc("GET /{$}", w.servePage)
	w.serveOwner(mux)
	w.serveTest(mux)
	return mux
}

// servePage serves the page that stands for the desktop.
func (w *world) servePage(rw http.ResponseWriter, req *http.Request) {
	http.SetCookie(rw, &http.Cookie{Name: "session", Value: "S3CRET", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.SetCookie(rw, &http.Cookie{Name: "visible", Value: "v", Path: "/"})
	rw.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-src http://"+req.Host+"/app/; frame-ancestors 'none'")
	page, err := os.ReadFile("testdata/shell.html")
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Write(bytes.Replace(page, []byte("allow-downloads"), []byte("allow-downloads"+w.less.frame), 1))
}

// serveOwner serves what only the desktop may ask for.
func (w *world) serveOwner(mux *http.ServeMux) {
	owner := func(h http.HandlerFunc) http.HandlerFunc {
		return func(rw http.ResponseWriter, req *http.Request) {
			if c, err := req.Cookie("session"); err != nil || c.Value != "S3CRET" || req.Header.Get("Sec-Fetch-Site") != "same-origin" {
				http.Error(rw, "no", http.StatusUnauthorized)
				return
			}
			h(rw, req)
		}
	}
	mux.HandleFunc("GET /api/secret", owner(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "TOP-SECRET") }))
	mux.HandleFunc("POST /api/apps/{slug}/launch", owner(func(rw http.ResponseWriter, req *http.Request) {
		l, err := w.r.Launch(sys.Slug(req.PathValue("slug")), nil)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusNotFound)
			return
		}
		json.NewEncoder(rw).Encode(l)
	}))
	mux.HandleFunc("POST /api/bridge", owner(func(rw http.ResponseWriter, req *http.Request) {
		var q struct {
			Method string
			Params json.RawMessage
		}
		if err := json.NewDecoder(req.Body).Decode(&q); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		value, err := w.r.Call(req.Context(), req.Header.Get("X-App-Capability"), q.Method, q.Params)
		if err != nil {
			json.NewEncoder(rw).Encode(map[string]string{"error": err.Error()})
			return
		}
		json.NewEncoder(rw).Encode(map[string]json.RawMessage{"value": value})
	}))
}

// serveTest serves what tests look at and change.
func (w *world) serveTest(mux *http.ServeMux) {
	mux.HandleFunc("GET /test/events", func(rw http.ResponseWriter, req *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		// Every page hears every event from when it came on.
		out, since := []sys.Event{}, len(w.events)
		if n, err := strconv.Atoi(req.URL.Query().Get("since")); err == nil {
			since = n
		}
		for _, ev := range w.events[min(since, len(w.events)):] {
			if ev.Kind != sys.EventApp || w.seq > 1 {
				out = append(out, ev)
			}
		}
		json.NewEncoder(rw).Encode(map[string]any{"next": len(w.events), "events": out})
	})
	mux.HandleFunc("POST /test/write", func(rw http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		name := req.URL.Query().Get("path")
		w.write(name, string(raw))
		w.land([]sys.Change{{Path: sys.Path(name), Op: sys.Modified}})
	})
	mux.HandleFunc("GET /test/read", func(rw http.ResponseWriter, req *http.Request) {
		http.ServeFileFS(rw, req, os.DirFS(w.home), req.URL.Query().Get("path"))
	})
}

// drive runs one scenario of web/runtime/e2e/drive.mjs and returns what it found.
func (w *world) drive(scenario string, args ...string) map[string]string {
	w.t.Helper()
	browser, driver := chromium(w.t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{driver, browser, w.shell.URL, scenario}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", scenario, err, out)
	}
	found := map[string]string{}
	if err := json.Unmarshal(out, &found); err != nil {
		w.t.Fatalf("%s printed %q", scenario, out)
	}
	return found
}

func TestHostileAppGetsNothing(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	ctx := context.Background()
	bank, err := w.r.Launch("bank", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.r.Call(ctx, bank.Capability, "data.write", json.RawMessage(`{"key":"pin","value":"1234-BANK-PIN"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.r.Call(ctx, bank.Capability, "db.insert", json.RawMessage(`{"table":"accounts","data":{"owner":"BANK-OWNER","amount":9}}`)); err != nil {
		t.Fatal(err)
	}
	found := w.drive("hostile")
	allowed := map[string]bool{"own rows": true}
	if len(found) < 100 {
		t.Errorf("only %d attempts were made", len(found))
	}
	for name, got := range found {
		if got != "nothing" && !strings.HasPrefix(got, "blocked") && (!allowed[name] || got != "fine 36") {
			t.Errorf("%s: %s", name, got)
		}
		if strings.Contains(got, "BANK") || strings.Contains(got, "SECRET") {
			t.Errorf("%s got a secret: %s", name, got)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) > 0 || w.tcp.Load() > 0 || w.udp.Load() > 0 {
		t.Errorf("the internet heard %d connections, %d datagrams, requests %v", w.tcp.Load(), w.udp.Load(), w.asked)
	}
}

func TestTrackerAppInABrowser(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	found := w.drive("tracker", t.TempDir())
	rows, err := w.r.data.Tables("expenses", w.r.apps["expenses"].app.Manifest.Storage.Tables).Find(context.Background(), "expenses", store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range rows {
		got += fmt.Sprint(r["title"], " ", r["amount"], " ", r["category"], " ", r["paid"], "; ")
	}
	if want := "Groceries 54.3 Food false; Train 20 Travel false; "; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	for name, want := range map[string]string{"edited": "Spending", "broken": "cannot run as it is", "mended": "Expenses again", "live": "Written outside"} {
		if !strings.Contains(found[name], want) {
			t.Errorf("%s: %q lacks %q", name, found[name], want)
		}
	}
	if found["errors"] != "" {
		t.Errorf("console errors: %s", found["errors"])
	}
}

func TestPartsInABrowser(t *testing.T) {
	chromium(t)
	found := newWorld(t).drive("parts")
	for name, want := range map[string]string{
		"keyboard": "Doing", "drag": "Done", "calendar": "Dentist", "agenda": "Dentist", "total": "€20.00",
		"sorted": "Groceries,Train", "chart": "€25.00", "narrow": "", "errors": "",
	} {
		if !strings.Contains(found[name], want) || want == "" && found[name] != "" {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
}

func TestStaticAndViteAppsRunUnmodified(t *testing.T) {
	chromium(t)
	found := newWorld(t).drive("wild")
	for name, want := range map[string]string{
		"count": "2", "theme": "#123456 counter 2", "table": "presses", "changed": "count", "design": "desk",
		"studio": "Level", "meter": "|||", "legend": "23 Nov 2026", "footer": "production same", "icons": "3", "errors": "",
	} {
		if !strings.Contains(found[name], want) || want == "" && found[name] != "" {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
}
