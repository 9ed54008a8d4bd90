package front

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How often somebody may try to sign in as one user from one address, and a server
// may invite somebody.
const (
	loginsMost   = 10
	loginsEvery  = time.Minute
	invitesMost  = 20
	invitesEvery = time.Minute
	keysMost     = 4096 // what a limiter remembers; then it forgets those that are free again
)

// limiter counts by key: at most `most` within `every`.
type limiter struct {
	most  int
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]window
}

type window struct {
	since time.Time
	n     int
}

func newLimiter(most int, every time.Duration, now func() time.Time) *limiter {
	return &limiter{most: most, every: every, now: now, seen: map[string]window{}}
}

// allow counts one more; else it says how long to wait. When too many keys are under
// way at once, all new ones wait: what is remembered is bounded.
func (l *limiter) allow(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.seen) >= keysMost {
		for k, w := range l.seen {
			if now.Sub(w.since) >= l.every {
				delete(l.seen, k)
			}
		}
	}
	w, known := l.seen[key]
	if !known && len(l.seen) >= keysMost {
		return l.every, false
	}
	if !known || now.Sub(w.since) >= l.every {
		w = window{since: now}
	}
	w.n++
	l.seen[key] = w
	return l.every - now.Sub(w.since), w.n <= l.most
}

// places bounds how much is under way at once, over all and for one address.
type places struct {
	all, each int
	mu        sync.Mutex
	total     int
	by        map[string]int
}

func newPlaces(all, each int) *places { return &places{all: all, each: each, by: map[string]int{}} }

func (p *places) take(key string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.all || p.by[key] >= p.each {
		return nil, false
	}
	p.total++
	p.by[key]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.total--
		if p.by[key]--; p.by[key] == 0 {
			delete(p.by, key)
		}
	}, true
}

// tooMuch says when to come again.
func tooMuch(w http.ResponseWriter, wait time.Duration) {
	headers(w)
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
	w.WriteHeader(http.StatusTooManyRequests)
	_ = json.NewEncoder(w).Encode(map[string]any{"errcode": "M_LIMIT_EXCEEDED", "error": "too often; wait a little", "retry_after_ms": wait.Milliseconds()}) // the client has gone
}

// address is the network address that r comes from, without a port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// login lets a few attempts through for each user and address, so that a password
// cannot be guessed.
func (f *Front) login(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "M_TOO_LARGE", "the request is too large")
		return
	}
	var in struct {
		User       string `json:"user"`
		Identifier struct {
			User string `json:"user"`
		} `json:"identifier"`
	}
	_ = json.Unmarshal(body, &in) // the homeserver says what is wrong with it
	local, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(in.Identifier.User+in.User, "@")), ":")
	if wait, ok := f.logins.allow(address(r) + " " + local[:min(len(local), 255)]); !ok {
		tooMuch(w, wait)
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	f.proxy.ServeHTTP(w, r)
}
