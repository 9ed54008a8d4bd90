package modeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a scripted model server, an http.Handler. Set its fields before the
// first request.
type Server struct {
	// Key is what a client has to present; empty accepts any.
	Key string
	// Lenient switches off the checks of what is received, for clients whose
	// requests are none of our business.
	Lenient bool
	// Now is the clock of the cache simulator; time.Now if nil.
	Now func() time.Time
	// Forget keeps no requests, for long benchmarks.
	Forget bool

	player Player
	count  atomic.Int64
	once   sync.Once
	cache  *Cache

	mu       sync.Mutex
	requests []*Request
	thoughts map[string]string // thinking by signature
	owed     map[string]string // signatures by the call that followed the thinking
}

// New returns a server that says what player plays.
func New(player Player) *Server {
	return &Server{player: player, thoughts: map[string]string{}, owed: map[string]string{}}
}

// Requests returns what was received so far and was well-formed, faults
// included, in the order of arrival.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Used returns the sum of what all answers were said to use.
func (s *Server) Used() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum Usage
	for _, r := range s.requests {
		sum = Usage{
			sum.Input + r.Usage.Input, sum.Write5m + r.Usage.Write5m, sum.Write1h + r.Usage.Write1h,
			sum.Read + r.Usage.Read, sum.Output + r.Usage.Output,
		}
	}
	return sum
}

// ServeHTTP implements http.Handler: both protocols, with or without /v1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.once.Do(func() {
		if s.Now == nil {
			s.Now = time.Now
		}
		s.cache = newCache(s.Now)
	})
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	switch p := strings.TrimPrefix(r.URL.Path, "/v1"); {
	case r.Method == http.MethodPost && p == "/messages":
		s.serve(w, r, body, &anthropicWire{})
	case r.Method == http.MethodPost && p == "/messages/count_tokens":
		writeJSON(w, http.StatusOK, map[string]any{"input_tokens": len(body)/4 + 1})
	case r.Method == http.MethodPost && p == "/chat/completions":
		s.serve(w, r, body, &openaiWire{})
	case r.Method == http.MethodGet && p == "/models":
		writeJSON(w, http.StatusOK, map[string]any{"object": "list", "has_more": false, "data": []any{
			map[string]any{"type": "model", "object": "model", "id": "scripted", "display_name": "Scripted"},
		}})
	default:
		writeJSON(w, http.StatusNotFound, map[string]any{"type": "error", "error": map[string]any{
			"type": "not_found_error", "message": r.Method + " " + r.URL.Path + " is not served here",
		}})
	}
}

// wire is one protocol on the server's side.
type wire interface { //nolint:interfacebloat // one protocol is these eight moments
	// key returns what the client presents.
	key(h http.Header) string
	// parse reads and checks a request. An error is a 400.
	parse(s *Server, body []byte) (*Request, error)
	// account finds out what a request uses.
	account(c *Cache, r *Request) Usage
	// fail answers with an error.
	fail(w http.ResponseWriter, status int, message string)
	// overflow is the message of a prompt that is too long.
	overflow() string
	// events encodes the whole answer as the events of a stream.
	events(a *answer) []event
	// errorEvent is an error in the middle of a stream.
	errorEvent(f *Fault) event
	// whole encodes the answer for a client that does not stream.
	whole(a *answer) any
}

// answer is a turn on its way out.
type answer struct {
	Turn
	n     int64
	req   *Request
	usage Usage
}

// event is one piece of a stream. The end of an answer is what follows its
// content; a truncated stream lacks it.
type event struct {
	name string // of the event; may be empty
	data []byte
	end  bool
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte, p wire) {
	if s.Key != "" && p.key(r.Header) != s.Key {
		p.fail(w, http.StatusUnauthorized, "invalid key")
		return
	}
	req, err := p.parse(s, body)
	if err == nil && !s.Lenient {
		err = s.checkThinking(req, body)
	}
	if err != nil {
		p.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Authorization")
	req.Header.Del("X-Api-Key")
	req.Body = body
	turn := s.player.Play(req)
	if msg := turn.Quirks.refuses(req); msg != "" {
		p.fail(w, http.StatusBadRequest, msg)
		return
	}
	a := &answer{Turn: turn, n: s.count.Add(1), req: req}
	a.prepare(p, s.cache)
	s.record(a)
	if !wait(r, time.Duration(turn.Delay)) || s.failed(w, r, p, turn.Fault) {
		return
	}
	if !req.Stream {
		writeJSON(w, http.StatusOK, p.whole(a))
		return
	}
	stream(w, r, p, a)
}

// refuses words the complaint of a server that does not know a field.
func (q Quirks) refuses(r *Request) string {
	has := func(field string) bool { return strings.Contains(string(r.Body), `"`+field+`":`) }
	switch {
	case q.RefuseLimit && has("max_tokens"):
		return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
	case q.RefuseStream && has("stream_options"):
		return "Unrecognized request argument supplied: stream_options"
	case q.RefuseEffort && has("reasoning_effort"):
		return "Unsupported value: reasoning_effort"
	}
	return ""
}

// prepare fills in what the turn leaves open.
func (a *answer) prepare(p wire, c *Cache) {
	a.Calls = slices.Clone(a.Calls)
	size := len(a.Text) + len(a.Thinking)
	for i := range a.Calls {
		call := &a.Calls[i]
		if call.ID == "" {
			call.ID = fmt.Sprintf("toolu_%06d_%d", a.n, i)
		}
		if name := a.req.Tool(call.Name); name != "" {
			call.Name = name
		}
		size += len(call.arguments()) + len(call.Name)
	}
	if a.Thinking != "" && a.Signature == "" {
		a.Signature = fmt.Sprintf("c2lnbmF0dXJl%06d==", a.n)
	}
	if a.Piece <= 0 {
		a.Piece = 40
	}
	if a.usage = p.account(c, a.req); a.Usage != nil {
		a.usage = *a.Usage
	} else {
		a.usage.Output = int64(size/4 + 1)
	}
}

func (s *Server) record(a *answer) {
	a.req.Usage = a.usage
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Thinking != "" {
		s.thoughts[a.Signature] = a.Thinking
		for _, c := range a.Calls {
			s.owed[c.ID] = a.Signature
		}
	}
	if s.Forget {
		return
	}
	s.requests = append(s.requests, a.req)
}

// thought returns the thinking that a signature belongs to.
func (s *Server) thought(signature string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.thoughts[signature]
	return text, ok
}

// checkThinking holds that the turn that still runs comes back with the thinking
// that led to its calls.
func (s *Server) checkThinking(r *Request, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(r.Messages) - 1
	if n < 1 || len(r.Messages[n].Results) == 0 {
		return nil
	}
	for _, c := range r.Messages[n-1].Calls {
		if sig := s.owed[c.ID]; sig != "" && !bytes.Contains(body, []byte(sig)) {
			return invalid("messages.%d.content.0.type: Expected `thinking`, but found `tool_use`", n-1)
		}
	}
	return nil
}

// failed answers with a fault that comes instead of a stream.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, p wire, f *Fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case HTTPError:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		msg := f.Message
		if msg == "" {
			msg = "scripted failure"
		}
		p.fail(w, f.Status, msg)
	case TooLong:
		p.fail(w, http.StatusBadRequest, p.overflow())
	case NotStream:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Welcome to the captive portal</body></html>")
	case Hang:
		if f.After > 0 {
			return false
		}
		<-r.Context().Done()
	case ErrorMid, Drop, Truncate, Garbage:
		return false
	}
	return true
}

// stream sends the events, and the fault among them.
func stream(w http.ResponseWriter, r *http.Request, p wire, a *answer) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	events := p.events(a)
	sent := 0
	for i, ev := range events {
		if f := a.Fault; f != nil && f.strikes(i, len(events), sent, ev) {
			f.strike(w, r, p, out)
			return
		}
		n, err := ev.write(w)
		if err != nil {
			return // the client is gone
		}
		sent += n
		if a.Pace > 0 {
			if out.Flush() != nil || !wait(r, time.Duration(a.Pace)) {
				return
			}
		}
	}
}

func (ev event) write(w io.Writer) (int, error) {
	head := ""
	if ev.name != "" {
		head = "event: " + ev.name + "\n"
	}
	return fmt.Fprintf(w, "%sdata: %s\n\n", head, ev.data)
}

// strikes reports whether the fault comes before the i-th of n events.
func (f *Fault) strikes(i, n, sent int, next event) bool {
	switch {
	case f.Kind == Truncate:
		return next.end
	case f.After > 0:
		return sent >= f.After || next.end
	default:
		return i >= n/2 || next.end
	}
}

func (f *Fault) strike(w http.ResponseWriter, r *http.Request, p wire, out *http.ResponseController) {
	switch f.Kind {
	case ErrorMid:
		_, _ = p.errorEvent(f).write(w) // the client may be gone
	case Garbage:
		_, _ = event{name: "content_block_delta", data: []byte(`{"type":"content_block_delta",`)}.write(w)
	case Drop:
		if err := out.Flush(); err == nil {
			panic(http.ErrAbortHandler)
		}
	case Hang:
		if err := out.Flush(); err == nil {
			<-r.Context().Done()
		}
	case HTTPError, Truncate, TooLong, NotStream:
	}
}

// wait reports whether d has passed before the client went.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may be gone
}

func pieces(s string, n int) []string {
	var out []string
	for len(s) > n {
		cut := n
		for cut > 1 && s[cut]&0xC0 == 0x80 {
			cut-- // between two characters
		}
		out = append(out, s[:cut])
		s = s[cut:]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

var errInvalid = errors.New("invalid request")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errInvalid}, args...)...)
}
