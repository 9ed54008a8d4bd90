package claude

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"matrixos/sys"
)

// proxy is what the CLIs take for the provider: a server on the loopback
// address that knows each of them by its token, and hands what it asks for to the
// turn that runs. It has no key, and sends nothing anywhere itself.
type proxy struct {
	mu     sync.Mutex
	server *http.Server
	base   string
	clis   map[string]*cli // by token
}

// open has the server listen on the loopback address, if it does not yet, and
// returns where that is.
func (p *proxy) open() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.base != "" {
		return p.base, nil
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", &sys.Error{Op: "serve Claude Code", Kind: sys.Unavailable, Err: err}
	}
	p.base = "http://" + ln.Addr().String()
	go p.readyLocked().Serve(ln) //nolint:errcheck // it ends when it is closed
	return p.base, nil
}

// serve answers at a listener until that is closed.
func (p *proxy) serve(ln net.Listener) {
	p.mu.Lock()
	server := p.readyLocked()
	p.mu.Unlock()
	_ = server.Serve(ln) // it ends when it is closed
}

func (p *proxy) readyLocked() *http.Server {
	if p.server == nil {
		p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	}
	return p.server
}

func (p *proxy) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}

func (p *proxy) admit(c *cli) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clis == nil {
		p.clis = map[string]*cli{}
	}
	p.clis[c.token] = c
}

func (p *proxy) dismiss(c *cli) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clis, c.token)
}

// asked is a request of a CLI on its way through a turn.
type asked struct {
	cli   *cli
	body  []byte
	betas []string
	reply chan<- answer // takes one
}

// answer is what becomes of it: the events of a stream, or a refusal.
type answer struct {
	stream  []byte
	refusal string
}

// maxBody is the largest request of a CLI.
const maxBody = 64 << 20

// pingEvery keeps a CLI patient while its request waits or is answered.
const pingEvery = 5 * time.Second

// ServeHTTP takes requests for messages from CLIs that a turn uses, and refuses
// all others: nothing is asked of the provider that no turn accounts for.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("X-Api-Key")
	if key == "" {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	p.mu.Lock()
	c := p.clis[key]
	p.mu.Unlock()
	if c == nil {
		refuse(w, http.StatusUnauthorized, "authentication_error", "this token is not known here")
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/messages" {
		refuse(w, http.StatusNotFound, "not_found_error", "only messages are served here")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "request_too_large", "the request is too large")
		return
	}
	var t *turn
	if s := c.user.Load(); s != nil {
		t = s.turn.Load()
	}
	if t == nil {
		refuse(w, http.StatusForbidden, "permission_error", "no turn is running")
		return
	}
	reply := make(chan answer, 1)
	q := &asked{cli: c, body: body, betas: split(r.Header.Values("Anthropic-Beta")), reply: reply}
	select {
	case t.asked <- q:
	case <-t.over:
		refuse(w, http.StatusForbidden, "permission_error", "the turn is over")
		return
	case <-r.Context().Done():
		return
	}
	wait(w, r, t, reply)
}

// wait answers at once, with the beginning of a stream, and keeps it alive until
// there is something to say.
func wait(w http.ResponseWriter, r *http.Request, t *turn, reply <-chan answer) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		var text []byte
		last := true
		select {
		case a := <-reply:
			if text = a.stream; a.refusal != "" {
				text = event("error", object{"error": object{"type": "invalid_request_error", "message": a.refusal}})
			}
		case <-t.over:
			text = event("error", object{"error": object{"type": "invalid_request_error", "message": "the turn is over"}})
		case <-r.Context().Done():
			return
		case <-tick.C:
			text, last = event("ping", object{}), false
		}
		if _, err := w.Write(text); err != nil {
			return
		}
		if err := flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) || last {
			return
		}
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Should-Retry", "false")
	w.WriteHeader(status)
	raw, err := json.Marshal(object{"type": "error", "error": object{"type": kind, "message": message}})
	if err == nil {
		_, _ = w.Write(raw) // who asked may be gone
	}
}

// split reads a header with lists.
func split(values []string) (list []string) {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}
