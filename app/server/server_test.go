package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/sandbox"
	"matrixos/sys"
)

func servers(t *testing.T) *Servers {
	t.Helper()
	box, err := sandbox.Find(t.Context())
	if err == nil {
		_, err = exec.LookPath("node")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: ", err)
	}
	s := New(Options{
		Data: t.TempDir(), Sandbox: box, Logger: slog.New(slog.DiscardHandler),
		Network: func(context.Context, sys.Slug) (*sandbox.Network, error) { return nil, nil },
	})
	t.Cleanup(s.Close)
	return s
}

func sample(source string) App {
	return App{
		Slug: "x", Version: "1", Folder: "apps/x", Start: "node server.js", Memory: Memory, StartIn: time.Minute, Idle: 300 * time.Millisecond,
		Tree: fstest.MapFS{"apps/x/server.js": {Data: []byte(source)}},
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func get(t *testing.T, rt http.RoundTripper) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestServerStopsWhenNobodyUsesItAndLeavesNothing(t *testing.T) {
	s := servers(t)
	a := sample(`const s = require("http").createServer((q, r) => r.end("port " + s.address().port)).listen(8080);`)
	rt, done, err := s.Use(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, rt); got != "port 8080" { // as it believes
		t.Errorf("%q", got)
	}
	p := s.place("x")
	p.mu.Lock()
	dir := p.running.dir
	p.mu.Unlock()
	time.Sleep(2 * a.Idle)
	if get(t, rt) == "" {
		t.Error("it was stopped while it was in use")
	}
	done()
	eventually(t, "it is stopped", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
	rt, done, err = s.Use(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if get(t, rt) != "port 8080" {
		t.Error("it does not come back")
	}
}

func TestServerThatEndsIsTriedAgainLater(t *testing.T) {
	s := servers(t)
	a := sample(`console.error("no such table: guests"); process.exit(3);`)
	for range 2 {
		_, _, err := s.Use(t.Context(), a)
		if sys.KindOf(err) != sys.Unavailable || !strings.Contains(sys.HintOf(err), "no such table: guests") {
			t.Fatalf("%v: %s", err, sys.HintOf(err))
		}
	}
	if _, _, err := s.Use(t.Context(), a); err == nil || !strings.Contains(err.Error(), "in a row") {
		t.Errorf("at once again: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "mx-*", "app", "server.js")); err == nil {
		for _, f := range left {
			if raw, err := os.ReadFile(f); err == nil && strings.Contains(string(raw), "no such table: guests") {
				t.Errorf("left behind: %s", f)
			}
		}
	}
}

func TestServerIsHeldToItsMemory(t *testing.T) {
	s := servers(t)
	a := sample(`require("http").createServer((q, r) => { r.end("x"); globalThis.kept = []; setInterval(() => kept.push(Buffer.alloc(32 << 20, 1)), 20); }).listen(3000);`)
	a.Memory, a.Idle = 160<<20, time.Hour
	rt, done, err := s.Use(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	get(t, rt)
	p := s.place("x")
	eventually(t, "it is ended at its limit", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.running == nil && p.failures > 0
	})
}

// What a server says is kept, over its ends; one beside it has its own place, its own
// data and no part in that.
func TestWhatServersSayIsKept(t *testing.T) {
	s := servers(t)
	a := sample(`console.log("I say"); console.error("and complain"); require("fs").writeFileSync(process.env.DATA_DIR + "/was", "here"); require("http").createServer((q, r) => r.end("x")).listen(3000);`)
	beside := a
	beside.Key, beside.Data = "trial", t.TempDir()
	for _, a := range []App{a, beside} {
		_, done, err := s.Use(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		done()
	}
	for _, file := range []string{filepath.Join(s.o.Data, "x/server/was"), filepath.Join(beside.Data, "was")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "all of it is in the log", func() bool {
		log := s.Log("x")
		return strings.Contains(log, "started: node server.js]") && strings.Contains(log, "I say\n") && strings.Contains(log, "and complain\n") && strings.Count(log, "I say") == 1
	})
	s.Drop("trial")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places["trial"] != nil || s.places["x"] == nil {
		t.Errorf("places: %v", s.places)
	}
	var j journal
	for range 3 {
		_, _ = j.Write([]byte(strings.Repeat("x", kept-10) + "y\n"))
	}
	if text := j.text(); len(text) != kept || !strings.HasSuffix(text, "y\n") {
		t.Errorf("%d bytes are kept", len(text))
	}
}
