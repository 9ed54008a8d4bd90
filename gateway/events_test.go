package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"matrixos/sys"
)

// dial opens the event socket with the given headers.
func (w *world) dial(query string, headers ...string) (*websocket.Conn, *http.Response, error) {
	w.t.Helper()
	h := http.Header{}
	o := &websocket.DialOptions{HTTPHeader: h}
	for _, s := range headers {
		name, value, _ := strings.Cut(s, ": ")
		if name == "Host" {
			o.Host = value
			continue
		}
		h.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	c, res, err := websocket.Dial(ctx, w.server.URL+"/api/events"+query, o)
	if err == nil {
		c.SetReadLimit(8 << 20)
		w.t.Cleanup(func() { c.CloseNow() })
	}
	return c, res, err
}

func next(t *testing.T, c *websocket.Conn) []sys.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	kind, b, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var batch []sys.Event
	if err := json.Unmarshal(b, &batch); err != nil || kind != websocket.MessageText {
		t.Fatalf("%v frame %s: %v", kind, b, err)
	}
	return batch
}

func (w *world) append(n int) {
	w.t.Helper()
	var list []sys.Event
	for i := range n {
		list = append(list, sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "info", Title: fmt.Sprint(i)}))
	}
	if _, err := w.disk.Journal().Append(w.t.Context(), list...); err != nil {
		w.t.Fatal(err)
	}
}

func TestSocketFromElsewhere(t *testing.T) {
	w := newWorld(t)
	cookie := w.signIn()
	for name, h := range map[string][]string{
		"another origin":           {cookie, "Origin: https://evil.example"},
		"an app's frame":           {cookie, "Origin: null"},
		"no origin":                {cookie},
		"a rebound name":           {cookie, w.origin(), "Host: evil.example"},
		"nobody":                   {w.origin()},
		"another origin, by token": {bearer, "Origin: https://evil.example"},
		"a page of another port":   {cookie, w.origin(), "Sec-Fetch-Site: same-site"},
	} {
		if c, res, err := w.dial("", h...); err == nil || res == nil || res.StatusCode < 400 {
			t.Errorf("%s is let in (%v)", name, c)
		}
	}
	if _, _, err := w.dial("?token="+token, w.origin()); err == nil {
		t.Error("a token in the address is taken")
	}
	for name, h := range map[string][]string{"desktop": {cookie, w.origin()}, "command line": {bearer}} {
		if _, _, err := w.dial("", h...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A reader that comes back after a sequence number misses nothing and sees
// nothing twice, in frames of at most 64 events.
func TestSocketResumes(t *testing.T) {
	w := newWorld(t)
	w.append(500)
	last := w.disk.Journal().Last()
	seen := sys.Seq(0)
	for drops := 0; seen < last; drops++ {
		c, _, err := w.dial(fmt.Sprintf("?after=%d", seen), bearer)
		if err != nil {
			t.Fatal(err)
		}
		for frames := 0; seen < last && frames < 3; frames++ {
			batch := next(t, c)
			if len(batch) > 64 {
				t.Fatalf("%d events in a frame", len(batch))
			}
			for _, e := range batch {
				if e.Seq != seen+1 {
					t.Fatalf("%d follows %d", e.Seq, seen)
				}
				seen = e.Seq
			}
		}
		c.CloseNow()
		if drops > 50 {
			t.Fatal("it does not end")
		}
	}
}

// Without a position the socket starts now, and carries ephemeral events too.
func TestSocketStartsNow(t *testing.T) {
	w := newWorld(t)
	w.append(10)
	c, _, err := w.dial("", bearer)
	if err != nil {
		t.Fatal(err)
	}
	w.settle(1)
	w.disk.Journal().Publish(sys.NewEvent(sys.EventDelta, sys.DeltaData{Text: "hel"}))
	w.append(1)
	var got []sys.Event
	for len(got) < 2 {
		got = append(got, next(t, c)...)
	}
	if got[0].Kind != sys.EventDelta || got[0].Seq != 0 || got[1].Seq != w.disk.Journal().Last() {
		t.Errorf("%+v", got)
	}
}

// settle waits until n sockets are open and subscribed.
func (w *world) settle(n int) {
	w.t.Helper()
	for range 2000 {
		if a := w.do("GET", "/metrics", "", bearer); strings.Contains(a.body, fmt.Sprintf("matrixos_sockets %d\n", n)) {
			time.Sleep(20 * time.Millisecond)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("there are not %d sockets", n)
}

// A position from another home starts over instead of waiting for ever.
func TestSocketBeyondTheEnd(t *testing.T) {
	w := newWorld(t)
	w.append(3)
	c, _, err := w.dial("?after=999999", bearer)
	if err != nil {
		t.Fatal(err)
	}
	if got := next(t, c); got[0].Seq != 1 {
		t.Errorf("starts at %d", got[0].Seq)
	}
}

func TestOpenReachesDesktops(t *testing.T) {
	w := newWorld(t)
	c, _, err := w.dial("", w.signIn(), w.origin())
	if err != nil {
		t.Fatal(err)
	}
	w.settle(1)
	l, err := w.client.Open(t.Context(), "notes")
	if err != nil || !strings.Contains(l.URL, "next=%2F%3Fopen%3Dnotes") {
		t.Fatalf("%+v %v", l, err)
	}
	if e := next(t, c)[0]; e.Kind != sys.EventOpen || string(e.Data) != `{"app":"notes"}` {
		t.Errorf("%+v", e)
	}
}

// Signing a browser out ends its socket.
func TestSignOutEndsSocket(t *testing.T) {
	w := newWorld(t)
	cookie := w.signIn()
	c, _, err := w.dial("", cookie, w.origin())
	if err != nil {
		t.Fatal(err)
	}
	if a := w.do("POST", "/api/signout", "", cookie, w.origin()); a.StatusCode != http.StatusNoContent {
		t.Fatal(a.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the socket goes on: %v", err)
	}
}

// A reader that does not read holds up nobody: appending goes on, and when it
// reads at last it gets everything.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	slow, _, err := w.dial("?after=0", bearer)
	if err != nil {
		t.Fatal(err)
	}
	big := sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: strings.Repeat("x", 100_000)})
	began := time.Now()
	for range 120 { // 12 MB: more than any socket buffer holds
		if _, err := w.disk.Journal().Append(t.Context(), big); err != nil {
			t.Fatal(err)
		}
		w.disk.Journal().Publish(sys.NewEvent(sys.EventDelta, sys.DeltaData{Text: "x"}))
	}
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("appending took %v", d)
	}
	seen, last := sys.Seq(0), w.disk.Journal().Last()
	for seen < last {
		for _, e := range next(t, slow) {
			if e.Seq == 0 {
				continue
			}
			if e.Seq != seen+1 {
				t.Fatalf("%d follows %d", e.Seq, seen)
			}
			seen = e.Seq
		}
	}
}
