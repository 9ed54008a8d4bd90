package device

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Messages is the owner's account on the homeserver, as another device gets it.
type Messages interface {
	// SignIn signs a device of the account in, and returns its token.
	SignIn(ctx context.Context, d Device, device string) (token string, err error)
	// Vouch has the account's identity sign a device of that fingerprint, and returns
	// the key of the backup of keys.
	Vouch(ctx context.Context, device, fingerprint string) (backup string, err error)
}

// Talks is what two homes exchange of conversations and labels, as documents that only
// they read.
type Talks interface {
	// Heads says how far each conversation is.
	Heads(ctx context.Context) (json.RawMessage, error)
	Talk(ctx context.Context, id sys.Conversation) (json.RawMessage, error)
	Take(ctx context.Context, from Device, talk json.RawMessage) error
	// Labels is what is noted of files; Mark notes what the other has.
	Labels(ctx context.Context) (json.RawMessage, error)
	Mark(ctx context.Context, labels json.RawMessage) error
}

// ServerOptions are what a Server is made of. All are required.
type ServerOptions struct {
	Identity Identity
	Roll     *Roll
	Journal  *journal.Journal
	Messages Messages
	Talks    Talks
	Matrix   http.Handler                    // the client API of the homeserver
	Repo     string                          // of git, where the homes meet
	Meet     func(ctx context.Context) error // brings this home and Repo together
	Welcome  func() Welcome
	Joined   func(d Device)         // one was let in
	Signs    func() (string, error) // the seed of the key that signs what is the owner's
	Log      *slog.Logger
}

// Server is the first device as the others reach it.
type Server struct {
	o ServerOptions

	mu   sync.Mutex
	runs map[ID]map[*run]bool // what is being done for each device
}

// run is one request of a device; it is cut off when the device is removed.
type run struct{ cancel context.CancelCauseFunc }

// NewServer makes one; it listens nowhere yet.
func NewServer(o ServerOptions) *Server { return &Server{o: o, runs: map[ID]map[*run]bool{}} }

// Bounds of what comes in. A device asks for little at once; a stranger, for nothing.
const (
	headerWithin = 10 * time.Second
	idleWithin   = 2 * time.Minute
	mostRuns     = 64
	pairMost     = 4 << 10
)

// Serve answers on ln until ctx ends; ln is closed then.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: headerWithin, IdleTimeout: idleWithin, MaxHeaderBytes: 32 << 10, TLSConfig: s.o.Identity.accepting(),
		BaseContext:  func(net.Listener) context.Context { return ctx },
		ErrorLog:     slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1: git speaks it, and one request is one connection
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // what was under way is asked for again
	defer stop()
	err := srv.ServeTLS(ln, "", "")
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was to end
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /device/pair", s.pair)
	for pattern, call := range map[string]func(http.ResponseWriter, *http.Request, Device){
		"GET /device/hello":      s.hello,
		"GET /device/changes":    s.changes,
		"POST /device/signin":    s.signIn,
		"POST /device/vouch":     s.vouch,
		"GET /device/talks":      s.heads,
		"GET /device/talks/{id}": s.talk,
		"POST /device/talks":     s.take,
		"GET /device/labels":     s.labels,
		"POST /device/labels":    s.mark,
		"/device/git/":           s.git,
		"/_matrix/":              func(w http.ResponseWriter, r *http.Request, _ Device) { s.o.Matrix.ServeHTTP(w, r) },
	} {
		mux.HandleFunc(pattern, s.only(call))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(protocolHeader) != protocol {
			refuse(w, &sys.Error{Op: "speak with a device", Kind: sys.TooNew, Err: errors.New("it has another version of Matrix OS, which speaks otherwise; here it is " + s.o.Welcome().Version), Hint: "install the same version on both devices; nothing was changed"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// keyOf is the key that whoever asks has proved.
func keyOf(r *http.Request) (ID, bool) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", false
	}
	return idOf(r.TLS.PeerCertificates[0]), true
}

// only lets devices of the roll pass, as long as they are on it.
func (s *Server) only(call func(http.ResponseWriter, *http.Request, Device)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := keyOf(r)
		d, err := Device{}, error(&sys.Error{Kind: sys.NotFound})
		if ok {
			d, err = s.o.Roll.find(r.Context(), id)
		}
		switch {
		case errors.Is(err, sys.NotFound):
			refuse(w, &sys.Error{Op: "let in", Kind: sys.Unauthorized, Err: errors.New("this device is not known here"), Hint: "pair it: `matrixos device add NAME` on the first device"})
			return
		case err != nil:
			refuse(w, err)
			return
		case d.Removed:
			refuse(w, removed())
			return
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		one := &run{cancel}
		if !s.begin(id, one) {
			refuse(w, &sys.Error{Op: "let in", Path: d.Name, Kind: sys.Unavailable, Err: errors.New("it asks for too much at once")})
			return
		}
		defer s.end(id, one)
		if d, err = s.o.Roll.find(ctx, id); err != nil || d.Removed { // it was removed before the run was known
			refuse(w, removed())
			return
		}
		call(w, r.WithContext(ctx), d)
	}
}

func (s *Server) begin(id ID, one *run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs[id] == nil {
		s.runs[id] = map[*run]bool{}
	}
	if len(s.runs[id]) >= mostRuns {
		return false
	}
	s.runs[id][one] = true
	return true
}

func (s *Server) end(id ID, one *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs[id], one)
}

// Online reports whether something is being done for a device: one that is there
// always waits for changes.
func (s *Server) Online(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.runs[id]) > 0
}

// Drop cuts off what is being done for a device that has just been removed.
func (s *Server) Drop(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.runs[id] {
		one.cancel(ErrRemoved)
	}
}

func (s *Server) pair(w http.ResponseWriter, r *http.Request) {
	var p Pairing
	r.Body = http.MaxBytesReader(w, r.Body, pairMost)
	id, ok := keyOf(r)
	err := body(w, r, &p)
	if err == nil && !ok {
		err = &sys.Error{Op: "pair", Kind: sys.Unauthorized}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	d, err := s.o.Roll.redeem(r.Context(), p.Code, id, p.Version)
	if err != nil {
		refuse(w, err)
		return
	}
	s.o.Joined(d)
	out := s.o.Welcome()
	out.Name = d.Name
	out.Signs, err = s.o.Signs()
	if err == nil {
		out.Number, err = s.o.Roll.number(r.Context(), id)
	}
	answer(w, out, err)
}

func (s *Server) hello(w http.ResponseWriter, r *http.Request, d Device) {
	err := s.o.Roll.seen(r.Context(), d.ID, cut(r.URL.Query().Get("version"), 60))
	out := s.o.Welcome()
	out.Name, out.Seq = d.Name, s.o.Journal.Last()
	if err == nil {
		out.Number, err = s.o.Roll.number(r.Context(), d.ID)
	}
	answer(w, out, err)
}

func cut(s string, n int) string { return s[:min(n, len(s))] }

// waitMost is how long changes waits.
const waitMost = 50 * time.Second

// changes answers when something has happened that another device wants to have.
func (s *Server) changes(w http.ResponseWriter, r *http.Request, _ Device) {
	var since sys.Seq
	if err := json.Unmarshal([]byte(r.URL.Query().Get("since")), &since); err != nil {
		since = s.o.Journal.Last()
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitMost)
	defer cancel()
	at, err := Changed(ctx, s.o.Journal, since)
	if context.Cause(r.Context()) == ErrRemoved { //nolint:errorlint // it is this very one
		err = removed()
	}
	answer(w, Moment{at}, err)
}

// Changed waits until something happens after since that the other devices want to
// have, and returns how far the journal is then; that it is over is no failure.
func Changed(ctx context.Context, j *journal.Journal, since sys.Seq) (sys.Seq, error) {
	if since > j.Last() { // another journal
		return j.Last(), nil
	}
	sub := j.Subscribe(since)
	defer sub.Close()
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return since, nil
			}
			return since, err
		}
		for _, e := range events {
			since = max(since, e.Seq)
		}
		if slices.ContainsFunc(events, concerns) {
			return since, nil
		}
	}
}

// concerns reports whether other devices want to have what has happened. That a
// conflict was decided counts: files that waited for it can meet.
func concerns(e sys.Event) bool {
	if e.Kind == sys.EventConflict {
		var c sys.ConflictInfo
		return json.Unmarshal(e.Data, &c) == nil && c.State == sys.ConflictSettled
	}
	return e.Kind == sys.EventLanding || e.Kind == sys.EventAnswer
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, d Device) {
	var in Signing
	err := body(w, r, &in)
	if err == nil {
		in.Token, err = s.o.Messages.SignIn(r.Context(), d, in.Device)
	}
	if err == nil {
		err = s.o.Roll.Signed(r.Context(), d.ID, in.Device)
	}
	answer(w, in, err)
}

func (s *Server) vouch(w http.ResponseWriter, r *http.Request, d Device) {
	var in Vouching
	err := body(w, r, &in)
	if err == nil && (in.Device == "" || in.Device != d.Matrix) {
		err = &sys.Error{Op: "sign device", Path: in.Device, Kind: sys.Refused, Err: errors.New("it is another device's")}
	}
	if err == nil {
		in.Backup, err = s.o.Messages.Vouch(r.Context(), in.Device, in.Key)
	}
	answer(w, in, err)
}

func (s *Server) heads(w http.ResponseWriter, r *http.Request, _ Device) {
	v, err := s.o.Talks.Heads(r.Context())
	answer(w, v, err)
}

func (s *Server) talk(w http.ResponseWriter, r *http.Request, _ Device) {
	v, err := s.o.Talks.Talk(r.Context(), sys.Conversation(r.PathValue("id")))
	answer(w, v, err)
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, d Device) {
	var in json.RawMessage
	err := body(w, r, &in)
	if err == nil {
		err = s.o.Talks.Take(r.Context(), d, in)
	}
	answer(w, struct{}{}, err)
}

func (s *Server) labels(w http.ResponseWriter, r *http.Request, _ Device) {
	v, err := s.o.Talks.Labels(r.Context())
	answer(w, v, err)
}

func (s *Server) mark(w http.ResponseWriter, r *http.Request, _ Device) {
	var in json.RawMessage
	err := body(w, r, &in)
	if err == nil {
		err = s.o.Talks.Mark(r.Context(), in)
	}
	answer(w, struct{}{}, err)
}
