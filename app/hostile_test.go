package app

import (
	"net/http"
	"strings"
	"testing"
)

// less is what the walls around apps lack, for tests that must see an app succeed.
type less struct {
	header func(http.Header) // takes away from what an app's document comes with
	frame  string            // is added to what its frame may do
}

// lessened takes away from the header of an answer before it is sent.
type lessened struct {
	http.ResponseWriter
	take func(http.Header)
}

func (l *lessened) WriteHeader(status int) {
	l.take(l.Header())
	l.take = func(http.Header) {}
	l.ResponseWriter.WriteHeader(status)
}

func (l *lessened) Write(b []byte) (int, error) {
	l.take(l.Header())
	l.take = func(http.Header) {}
	return l.ResponseWriter.Write(b)
}

const (
	contentPolicy = "Content-Security-Policy"
	allowlist     = "Connection-Allowlist"
)

// TestHostileAppSucceedsWithoutItsWalls: what TestHostileAppGetsNothing asks for can be had
// where a wall is missing, so that test would notice.
func TestHostileAppSucceedsWithoutItsWalls(t *testing.T) {
	chromium(t)
	for name, c := range map[string]struct {
		less less
		got  map[string]string // by attempt, what it has to get
		asks bool              // requests reach the internet
		udp  bool              // datagrams do
	}{
		"what it may connect to": {
			less: less{header: func(h http.Header) {
				h.Set(contentPolicy, strings.Replace(h.Get(contentPolicy), "connect-src 'none'", "connect-src *", 1))
				h.Del(allowlist)
			}},
			got: map[string]string{"no-cors fetch": "SENT", "xhr": "LOADED"}, asks: true, udp: true,
		},
		"what is no request": {less: less{header: func(h http.Header) { h.Del(allowlist) }}, udp: true},
		"an origin that nobody has": {
			less: less{frame: " allow-same-origin", header: func(h http.Header) {
				h.Set(contentPolicy, h.Get(contentPolicy)+" allow-same-origin")
				h.Del("Document-Isolation-Policy") // a wall of its own: nobody reaches into another process
			}},
			got: map[string]string{"cookie": "visible=v", "indexedDB": "OPENED", "parent DOM": "<iframe"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.less = c.less
			found := w.drive("attempts")
			for attempt, want := range c.got {
				if !strings.Contains(found[attempt], want) {
					t.Errorf("%s got %q, and is to get %q", attempt, found[attempt], want)
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.asked) > 0 != c.asks || w.udp.Load() > 0 != c.udp {
				t.Errorf("the internet heard %d datagrams and %v", w.udp.Load(), w.asked)
			}
		})
	}
}
