package test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestHostileAppInTheDesktop runs the app that app.TestHostileAppGetsNothing has in a shell
// of its own in the desktop as it ships: each window in a process of its own, into which
// nobody looks. What it got it writes into its own data; everything else is looked at from
// outside: what the internet hears, the files of the home, what waits for the owner, what
// the daemon listens on, and where the desktop is.
func TestHostileAppInTheDesktop(t *testing.T) {
	t.Parallel()
	evil := newEvil(t)
	w := NewWorld(t)
	w.Up()
	w.bring("bank", nil)
	w.save("data/bank/pin.json", `"1234-BANK-PIN"`)
	accounts := filepath.Join(t.TempDir(), "accounts.json")
	if err := os.WriteFile(accounts, []byte(`[{"owner": "BANK-OWNER", "amount": 9}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Do("data", "import", "bank", "accounts", accounts)
	w.bring("hostile", func(page string) string {
		page = strings.NewReplacer("http://EVIL", "http://"+evil.address, "http://SHELL", w.Addr).Replace(page)
		const report = `parent.postMessage({ type: "report", out }, "*");`
		if !strings.Contains(page, report) {
			t.Fatalf("the app does not end with %s", report)
		}
		return strings.Replace(page, report, `await os.writeData("out", out);`, 1)
	})
	w.Do("check", "bank") // in the home's own browser, whose windows come from a port of theirs
	before, listens := w.belongings(), w.listens()
	desk := w.SignIn(chromiumApart(t), 1280, 860)
	begun := time.Now()
	desk.Follow(w.Addr + "/?open=hostile")
	desk.calm(evil)
	out := map[string]string{}
	Eventually(t, time.Minute, "the app has tried everything", func() bool { return w.keyOf("hostile", "out", &out) })
	t.Logf("%d attempts in %.1f s", len(out), time.Since(begun).Seconds())
	desk.Shot("tried")
	if len(out) < 100 || out["own rows"] != "fine 36" {
		t.Errorf("%d attempts were made; of its own rows it got %q", len(out), out["own rows"])
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if got := out[name]; name != "own rows" && got != "nothing" && !strings.HasPrefix(got, "blocked") || strings.Contains(got, "BANK") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// It ends its document in another way in each further window.
	const farewells = 10
	for range farewells + 2 {
		if w.run() > farewells {
			break
		}
		was := w.run()
		desk.Follow(w.Addr + "/?open=hostile")
		Eventually(t, patience, "a further window of it runs", func() bool { return w.run() > was })
		time.Sleep(300 * time.Millisecond) // it leaves after 50 ms
		desk.calm(evil)
	}
	if n := w.run(); n <= farewells {
		t.Errorf("it ran in %d windows", n)
	}
	t.Logf("left in %d windows after %.1f s", w.run()-1, time.Since(begun).Seconds())
	desk.Shot("left")
	for name, sum := range w.belongings() {
		if before[name] != sum {
			t.Errorf("%s is another", name)
		}
		delete(before, name)
	}
	if len(before) > 0 {
		t.Errorf("gone: %v", slices.Sorted(maps.Keys(before)))
	}
	if got := w.Rows("bank", "SELECT owner, amount FROM accounts"); got != "BANK-OWNER|9.0" {
		t.Errorf("the bank has %q", got)
	}
	if now := w.listens(); now != listens {
		t.Errorf("the daemon listens on %s; before on %s", now, listens)
	}
	for _, what := range []string{"approvals", "ps", "tokens"} {
		if got := strings.TrimSpace(w.Do(what, "--json").Stdout); got != "[]" {
			t.Errorf("%s: %s", what, got)
		}
	}
	if strings.Contains(w.Output(), "panic") {
		t.Error(w.Output())
	}
}

// run is how many windows the hostile app has had.
func (w *World) run() (n int) {
	w.keyOf("hostile", "run", &n)
	return n
}

// keyOf reads the value of an app's key, if it is there.
func (w *World) keyOf(app, key string, into any) bool {
	raw, err := os.ReadFile(filepath.Join(w.Home, "data", app, key+".json"))
	return err == nil && json.Unmarshal(raw, into) == nil
}

// bring saves an app of the tests of package app as its owner would, and waits for it.
func (w *World) bring(slug string, change func(page string) string) {
	w.t.Helper()
	folder := filepath.Join("../app/testdata/home/apps", slug)
	for _, name := range []string{"matrix.json", "index.html"} {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			w.t.Fatal(err)
		}
		text := string(raw)
		if name == "index.html" && change != nil {
			text = change(text)
		}
		w.save("apps/"+slug+"/"+name, text)
	}
	Eventually(w.t, patience, slug+" is there", func() bool { return w.app(slug).OK })
}

// belongings are the sums of the files of the home, but for the store, what the hostile app
// keeps itself, where the owner's windows are, and databases.
func (w *World) belongings() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, top := range []string{"apps", "agents", "data", "system"} {
		err := filepath.WalkDir(filepath.Join(w.Home, top), func(p string, e fs.DirEntry, err error) error {
			name, _ := strings.CutPrefix(p, w.Home+"/")
			if err != nil || !e.Type().IsRegular() || strings.HasPrefix(name, "data/hostile/") || name == "system/layout.json" || strings.Contains(name, ".sqlite") {
				return err
			}
			raw, err := os.ReadFile(p)
			out[name] = fmt.Sprintf("%x", sha256.Sum256(raw))
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// listens are the TCP ports on which the daemon listens, in the kernel's form.
func (w *World) listens() string {
	w.t.Helper()
	mine := map[string]bool{}
	folder := fmt.Sprintf("/proc/%d/fd", w.PID())
	all, err := os.ReadDir(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range all {
		to, err := os.Readlink(filepath.Join(folder, e.Name()))
		if inode, ok := strings.CutPrefix(to, "socket:["); err == nil && ok {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var out []string
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", w.PID(), table))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			const listening = "0A"
			if f := strings.Fields(line); len(f) > 9 && f[3] == listening && mine[f[9]] {
				out = append(out, f[1])
			}
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		w.t.Fatal("the daemon is not seen to listen on anything")
	}
	return strings.Join(out, " ")
}

// calm fails if the desktop is elsewhere, if there is another page, or if the internet has
// heard anything.
func (d *Desk) calm(evil *evil) {
	d.t.Helper()
	pages, err := d.page.Browser().Pages()
	d.must(err)
	for _, p := range pages {
		info, err := p.Info()
		d.must(err)
		if info.TargetID == d.page.TargetID && !strings.HasPrefix(info.URL, "http://127.0.0.1:") || info.TargetID != d.page.TargetID && info.URL != "about:blank" && !strings.HasPrefix(info.URL, "chrome://") {
			d.t.Errorf("there is a page at %s", info.URL)
		}
	}
	if tcp, udp := evil.tcp.Load(), evil.udp.Load(); tcp > 0 || udp > 0 {
		d.t.Errorf("the internet heard %d connections and %d datagrams", tcp, udp)
	}
}

// evil is the internet: it counts connections and datagrams.
type evil struct {
	address  string
	tcp, udp atomic.Int64
}

// newEvil listens, and has proved that it hears.
func newEvil(t *testing.T) *evil {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &evil{address: l.Addr().String()}
	server := &http.Server{ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			e.tcp.Add(1)
		}
	}}
	go server.Serve(l) //nolint:errcheck // it ends with the test
	udp, err := net.ListenPacket("udp", e.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); udp.Close() })
	go func() {
		for b := make([]byte, 2048); ; {
			if _, _, err := udp.ReadFrom(b); err != nil {
				return
			}
			e.udp.Add(1)
		}
	}()
	for _, network := range []string{"tcp", "udp"} {
		c, err := net.Dial(network, e.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	Eventually(t, patience, "the internet hears", func() bool { return e.tcp.Load() == 1 && e.udp.Load() == 1 })
	e.tcp.Store(0)
	e.udp.Store(0)
	return e
}
