package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"matrixos/client"
	"matrixos/sys"
)

// server is a gateway's wire without a gateway, so that it can misbehave.
func server(t *testing.T, routes map[string]http.HandlerFunc) (*httptest.Server, *client.Client) {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c := client.New(client.Options{Base: s.URL, Token: "tok"})
	t.Cleanup(c.Close)
	return s, c
}

func reply(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestTokenGoesToItsAddressOnly(t *testing.T) {
	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	defer thief.Close()
	_, c := server(t, map[string]http.HandlerFunc{"GET /api/apps": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("sent %q", r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, thief.URL, http.StatusFound)
	}})
	if _, err := c.Apps(t.Context()); err == nil {
		t.Error("a redirect is taken for an answer")
	}
	select {
	case s := <-stolen:
		t.Errorf("followed to another server with %q", s)
	default:
	}
}

// Whatever answers at the address, the caller gets an error with a kind.
func TestStrangeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		kind sys.Kind
	}{
		"a problem": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(409)
			fmt.Fprint(w, `{"detail":"it changed","kind":"conflict","hint":"look again"}`)
		}, sys.Conflict},
		"another program": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", 404) }, sys.Internal},
		"not JSON":        {reply("hello"), sys.Internal},
		"another type":    {reply(`{"a":1}`), sys.Internal},
		"a cut-off answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "[")
		}, sys.Unavailable},
	} {
		_, cl := server(t, map[string]http.HandlerFunc{"GET /api/apps": c.h})
		_, err := cl.Apps(t.Context())
		var e *sys.Error
		if sys.KindOf(err) != c.kind || !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("%s: %v (%s)", name, err, sys.KindOf(err))
		}
	}
}

func TestNobodyThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	c := client.New(client.Options{Base: "http://" + addr, Token: "tok"})
	if _, err := c.Session(t.Context()); sys.KindOf(err) != sys.Unavailable || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := c.Events(t.Context(), 0); sys.KindOf(err) != sys.Unavailable {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Session(ctx); sys.KindOf(err) != sys.Canceled {
		t.Errorf("%v", err)
	}
}

// flaky is an event socket that breaks off after every few events, sends some
// twice, and one of another request.
type flaky struct {
	mu    sync.Mutex
	dials int
	last  int
}

func (f *flaky) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials
}

func (f *flaky) serve(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.dials++
		n := f.dials
		f.mu.Unlock()
		if n%3 == 0 { // away for a moment
			http.Error(w, "restarting", http.StatusServiceUnavailable)
			return
		}
		after, err := strconv.Atoi(r.URL.Query().Get("after"))
		if err != nil {
			t.Errorf("after: %v", err)
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for seq := max(1, after-1); seq <= min(after+7, f.last); seq++ { // begins a little too early
			e := sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: strconv.Itoa(seq)})
			e.Seq, e.Request = sys.Seq(seq), "r1"
			if seq == f.last {
				e = sys.NewEvent(sys.EventAnswer, sys.AnswerData{OK: true, Text: "done"})
				e.Seq, e.Request = sys.Seq(seq), "r1"
			}
			other := sys.NewEvent(sys.EventAnswer, sys.AnswerData{Text: "somebody else's"})
			other.Request = "r2"
			b, err := json.Marshal([]sys.Event{other, e})
			if err != nil {
				t.Error(err)
			}
			if c.Write(r.Context(), websocket.MessageText, b) != nil {
				return
			}
		}
	}
}

// A request is followed to its answer over a connection that keeps breaking,
// without loss or repetition.
func TestFollowThroughBreaks(t *testing.T) {
	f := &flaky{last: 100}
	_, c := server(t, map[string]http.HandlerFunc{
		"GET /api/session": reply(`{"seq":0}`),
		"GET /api/events":  f.serve(t),
		"POST /api/ask":    reply(`{"request":"r1","conversation":"c1","pid":3}`),
	})
	var seen []sys.Seq
	began := false
	answer, err := c.Follow(t.Context(), client.Ask{Text: "x"}, func(tk client.Ticket) { began = tk.PID == 3 }, func(e sys.Event) error {
		seen = append(seen, e.Seq)
		return nil
	})
	if err != nil || answer.Text != "done" || !began {
		t.Fatalf("%+v %v", answer, err)
	}
	for i, s := range seen {
		if s != sys.Seq(i+1) {
			t.Fatalf("%d comes at place %d", s, i+1)
		}
	}
	if len(seen) != 100 || f.dials < 10 {
		t.Errorf("%d events over %d connections", len(seen), f.dials)
	}
}

// A daemon that dies is followed by one with another address and another token; who
// follows a request hears its answer from that.
func TestFollowThroughARestart(t *testing.T) {
	home := t.TempDir()
	f := &flaky{last: 20}
	daemon := func(token string, events http.HandlerFunc) *httptest.Server {
		s, _ := server(t, map[string]http.HandlerFunc{
			"GET /api/session": func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+token {
					http.Error(w, `{"detail":"nobody","kind":"unauthorized"}`, http.StatusUnauthorized)
					return
				}
				fmt.Fprintf(w, `{"seq":0,"home":%q}`, home)
			},
			"GET /api/events": events,
			"POST /api/ask":   reply(`{"request":"r1"}`),
		})
		if err := client.WriteDaemon(home, client.Daemon{Base: s.URL, Token: token}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var first *httptest.Server
	first = daemon("one", func(w http.ResponseWriter, r *http.Request) {
		if f.count() == 2 {
			daemon("two", f.serve(t))
			go first.Close()
			return
		}
		f.serve(t)(w, r)
	})
	c, err := client.Connect(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	answer, err := c.Follow(t.Context(), client.Ask{Text: "x"}, func(client.Ticket) {}, func(sys.Event) error { n++; return nil })
	if err != nil || answer.Text != "done" || n != 20 {
		t.Errorf("%d events: %+v %v", n, answer, err)
	}
}

func TestFollowStops(t *testing.T) {
	f := &flaky{last: 100}
	_, c := server(t, map[string]http.HandlerFunc{
		"GET /api/session": reply(`{"seq":0}`),
		"GET /api/events":  f.serve(t),
		"POST /api/ask":    reply(`{"request":"r1"}`),
	})
	enough := errors.New("enough")
	if _, err := c.Follow(t.Context(), client.Ask{}, func(client.Ticket) {}, func(sys.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := c.Follow(ctx, client.Ask{}, func(client.Ticket) {}, func(sys.Event) error { <-ctx.Done(); return nil })
	if sys.KindOf(err) != sys.Canceled {
		t.Errorf("%v", err)
	}
}

// A refusal is not tried again.
func TestEventsRefused(t *testing.T) {
	_, c := server(t, map[string]http.HandlerFunc{"GET /api/events": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"nobody","kind":"unauthorized","hint":"sign in"}`)
	}})
	if _, err := c.Events(t.Context(), 0); sys.KindOf(err) != sys.Unauthorized || sys.HintOf(err) != "sign in" {
		t.Errorf("%v", err)
	}
}

func TestDaemonFile(t *testing.T) {
	home, other := t.TempDir(), t.TempDir()
	if _, err := client.Connect(t.Context(), home); sys.KindOf(err) != sys.NotFound {
		t.Errorf("no daemon: %v", err)
	}
	s, _ := server(t, map[string]http.HandlerFunc{"GET /api/session": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(401)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"home": home})
	}})
	for _, h := range []string{home, other} {
		for range 2 { // also over an old one
			if err := client.WriteDaemon(h, client.Daemon{PID: 1, Base: s.URL, Token: "good"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	info, err := os.Stat(client.DaemonFile(home))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left, err := os.ReadDir(filepath.Dir(client.DaemonFile(home))); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
	c, err := client.Connect(t.Context(), home)
	if err != nil || c.Base() != s.URL {
		t.Fatalf("%v", err)
	}
	if _, err := client.Connect(t.Context(), other); sys.KindOf(err) != sys.NotFound {
		t.Errorf("the daemon of another home: %v", err)
	}
	if err := client.WriteDaemon(home, client.Daemon{Base: s.URL, Token: "old"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Connect(t.Context(), home); sys.KindOf(err) != sys.NotFound {
		t.Errorf("a stale token: %v", err)
	}
	if err := os.WriteFile(client.DaemonFile(home), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Connect(t.Context(), home); sys.KindOf(err) != sys.NotFound || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}
	for range 2 {
		if err := client.RemoveDaemon(home); err != nil {
			t.Error(err)
		}
	}
}
