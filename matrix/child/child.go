// Package child is the driver of matrix.Homeserver that runs the homeserver in a
// process of its own: this binary once more, started when somebody first needs it.
// Dendrite may crash then without taking the home with it.
//
// The child gets its configuration and its signing key over standard input, never by
// its arguments, its environment or a file. It listens on a Unix socket in a folder
// that only the owner can enter; the socket is this process's, so that a request
// that comes while the child is being restarted waits for the next one. Standard
// input stays open: when this process ends, however it ends, the child sees the
// end of it and stops. A child that ends by itself is started again, after a pause
// that grows.
//
// The package must not read what passes through it.
package child

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
	"matrixos/sys"
)

// Options say what to run.
type Options struct {
	// Program is this binary; its main calls Serve when it is started as Name.
	Program string
	// Server is what the child serves. Its Log is not used.
	Server embedded.Options
	// LogFile takes what the child says; one older file is kept beside it.
	LogFile string
	Logger  *slog.Logger
}

// Server is a supervised homeserver. It may be used from any goroutine.
//
// Server.mu is a leaf: nothing is called while it is held.
type Server struct {
	o         Options
	secret    string // opens the control calls of the child
	transport *http.Transport
	dir       string // of the socket; made at the first start
	listener  *net.UnixListener
	log       *logFile

	starting sync.Mutex // held while the supervisor is made, and while nothing may start; above mu
	pauses   chan pause

	mu      sync.Mutex
	state   matrix.State
	changed chan struct{} // closed and made anew at every change of state
	closing chan struct{}
	ended   chan struct{} // closed when the supervisor has ended; nil before it runs
}

var _ matrix.Homeserver = (*Server)(nil)

// New makes a server; nothing runs before it is used.
func New(o Options) *Server {
	s := &Server{
		o: o, secret: rand.Text(), state: matrix.State{Phase: matrix.Idle},
		changed: make(chan struct{}), closing: make(chan struct{}), pauses: make(chan pause),
	}
	s.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := s.Ready(ctx); err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket())
		},
		MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, DisableCompression: true,
	}
	return s
}

// Domain is the part of its users' ids behind the colon.
func (s *Server) Domain() string { return s.o.Server.Domain }

// BaseURL is an address that only Transport takes.
func (s *Server) BaseURL() string { return "http://homeserver.invalid" }

// Transport carries requests to the child, and starts it if need be.
func (s *Server) Transport() http.RoundTripper { return s.transport }

// State says how the child is.
func (s *Server) State() matrix.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// patience is how long somebody waits for a child that starts or is tried again.
const patience = 20 * time.Second

// Ready starts the child unless it runs, and returns when it answers.
func (s *Server) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.supervised(); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		state, changed := s.state, s.changed
		s.mu.Unlock()
		switch state.Phase {
		case matrix.Running:
			return nil
		case matrix.Stopped:
			return &sys.Error{Op: "use the homeserver", Kind: sys.Unavailable, Err: errors.New("it has been closed")}
		case matrix.Idle, matrix.Starting, matrix.Failing:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			why := ctx.Err()
			if state.Why != "" {
				why = errors.New(state.Why)
			}
			return &sys.Error{Op: "wait for the homeserver of", Path: s.Domain(), Kind: sys.Unavailable, Err: why, Hint: "it is tried again; " + s.o.LogFile + " says more"}
		}
	}
}

// isSupervised reports whether the supervisor was started, or never will be.
func (s *Server) isSupervised() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended != nil || s.state.Phase == matrix.Stopped
}

// supervised starts the supervisor once.
func (s *Server) supervised() error {
	if s.isSupervised() {
		return nil
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil || s.state.Phase == matrix.Stopped {
		return nil
	}
	log, err := openLog(s.o.LogFile)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "matrixos-hs-") // short: a socket's path has a limit; its mode is 0700
	if err != nil {
		return errors.Join(err, log.Close())
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return errors.Join(err, os.Remove(dir), log.Close())
	}
	s.dir, s.listener, s.log, s.ended = dir, ln, log, make(chan struct{})
	go s.supervise()
	return nil
}

func (s *Server) socket() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return filepath.Join(s.dir, "s")
}

func (s *Server) set(change func(*matrix.State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Phase == matrix.Stopped {
		return
	}
	change(&s.state)
	close(s.changed)
	s.changed = make(chan struct{})
}

// Pauses before a child is tried again, and how long one has to have run to count
// as well.
const (
	pauseFirst = 250 * time.Millisecond
	pauseMost  = time.Minute
	ranWell    = 2 * time.Minute
)

// supervise runs one child after the other until Close.
func (s *Server) supervise() {
	defer close(s.ended)
	pause := pauseFirst
	for {
		begun := time.Now()
		s.set(func(st *matrix.State) { st.Phase = matrix.Starting })
		err := s.run()
		select {
		case <-s.closing:
			return
		default:
		}
		if errors.Is(err, errPaused) {
			continue
		}
		s.o.Logger.Warn("the homeserver ended; it is started again", "error", err, "domain", s.Domain())
		s.set(func(st *matrix.State) {
			*st = matrix.State{Phase: matrix.Failing, Why: err.Error(), Restarts: st.Restarts + 1}
		})
		if time.Since(begun) > ranWell {
			pause = pauseFirst
		}
		select {
		case <-s.closing:
			return
		case p := <-s.pauses:
			p.hold()
		case <-time.After(pause):
		}
		pause = min(2*pause, pauseMost)
	}
}

// EnsureUser makes what is missing of u.
func (s *Server) EnsureUser(ctx context.Context, u matrix.User) (matrix.Account, error) {
	fail := func(err error) (matrix.Account, error) {
		if sys.KindOf(err) == sys.Internal {
			err = &sys.Error{Op: "sign in", Path: "@" + u.Local + ":" + s.Domain(), Kind: sys.Unavailable, Err: err, Hint: "the homeserver's log says more"}
		}
		return matrix.Account{}, err
	}
	b, err := json.Marshal(wireUser{u.Local, u.Device, u.Label, u.Password.Reveal(), u.Token.Reveal(), u.AccountOnly})
	if err != nil {
		return fail(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.BaseURL()+ensurePath, bytes.NewReader(b))
	if err != nil {
		return fail(err)
	}
	r.Header.Set("Authorization", s.secret)
	res, err := s.transport.RoundTrip(r)
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close()
	var a wireAccount
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&a); err != nil {
		return fail(fmt.Errorf("the homeserver answers %d: %w", res.StatusCode, err))
	}
	if a.Error != "" {
		return fail(errors.New(a.Error))
	}
	return matrix.Account{ID: a.ID, Device: a.Device, Token: keyring.NewSecret(a.Token)}, nil
}

// Close ends the child, and waits until it has.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.state.Phase == matrix.Stopped {
		s.mu.Unlock()
		return nil
	}
	s.state = matrix.State{Phase: matrix.Stopped, Restarts: s.state.Restarts}
	close(s.changed)
	s.changed = make(chan struct{})
	close(s.closing)
	ended := s.ended
	s.mu.Unlock()
	if ended == nil {
		return nil
	}
	<-ended
	s.transport.CloseIdleConnections()
	return errors.Join(s.listener.Close(), os.RemoveAll(s.dir), s.log.Close())
}
