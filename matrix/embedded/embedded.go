// Package embedded is the driver of matrix.Homeserver that runs Dendrite in this
// process: in tests, while developing, and on machines that are too small for two
// processes. A crash of Dendrite can be one of the process then, which is why
// matrix/child is the default; that one runs this package in the child.
package embedded

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	dendrite "github.com/element-hq/dendrite/matrixos"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/sys"
)

// Options say what to serve. Domain, Dir and Key are required.
type Options struct {
	Domain string
	// Dir holds everything of the server; it belongs to Domain for good.
	Dir string
	Key matrix.SigningKey
	// Federate lets it speak with other servers. A local-only domain never does.
	Federate bool
	// AllowPrivate lets it connect to servers on this machine and in private networks.
	AllowPrivate bool
	// Public is the address of the client API, and Delegate where other servers find
	// the federation API, both for /.well-known/matrix. They may be empty.
	Public, Delegate string
	// Log takes what Dendrite says, as lines of JSON; nil drops it. It is one for all
	// servers of the process.
	Log io.Writer
}

// Server is a homeserver in this process.
type Server struct {
	o Options

	mu     sync.Mutex
	server *dendrite.Server // nil while it is down
	lock   *os.File         // of the folder, while server is there
	state  matrix.State
}

var _ matrix.Homeserver = (*Server)(nil)

// New makes a server; nothing runs before it is used.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = io.Discard
	}
	return &Server{o: o, state: matrix.State{Phase: matrix.Idle}}
}

// Domain is the part of its users' ids behind the colon.
func (s *Server) Domain() string { return s.o.Domain }

// BaseURL is an address that only Transport takes.
func (s *Server) BaseURL() string { return "http://homeserver.invalid" }

// State says how it is.
func (s *Server) State() matrix.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Failed receives why the running server can no longer be trusted to work; nil while
// none runs.
func (s *Server) Failed() <-chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	return s.server.Failed()
}

// Ready starts it, unless it runs.
func (s *Server) Ready(ctx context.Context) error {
	_, err := s.up(ctx)
	return err
}

func (s *Server) up(ctx context.Context) (*dendrite.Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Phase == matrix.Stopped {
		return nil, &sys.Error{Op: "use the homeserver", Kind: sys.Unavailable, Err: errors.New("it has been closed")}
	}
	if s.server != nil {
		select {
		case why := <-s.server.Failed():
			s.state = matrix.State{Phase: matrix.Failing, Why: why, Restarts: s.state.Restarts + 1}
			if err := s.stopLocked(); err != nil {
				s.state.Why = err.Error()
				return nil, s.fail(err)
			}
		default:
			return s.server, nil
		}
	}
	if err := s.startLocked(ctx); err != nil {
		s.state.Phase, s.state.Why = matrix.Failing, err.Error()
		return nil, s.fail(err)
	}
	s.state.Phase, s.state.Why = matrix.Running, ""
	return s.server, nil
}

func (s *Server) startLocked(ctx context.Context) error {
	key, err := s.o.Key.Private()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(s.o.Dir)
	if err != nil {
		return err
	}
	if s.lock, err = lock(ctx, dir); err != nil {
		return err
	}
	dendrite.Log(s.o.Log)
	s.server, err = dendrite.Start(ctx, dendrite.Options{
		Domain: s.o.Domain, Dir: dir, KeyID: s.o.Key.ID, Key: key,
		Federate: s.o.Federate && !matrix.LocalOnly(s.o.Domain), AllowPrivate: s.o.AllowPrivate, Public: s.o.Public, Delegate: s.o.Delegate,
	})
	if err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

func (s *Server) stopLocked() error {
	server := s.server
	s.server = nil
	return errors.Join(server.Close(), s.lock.Close())
}

func (s *Server) fail(err error) error {
	return &sys.Error{Op: "start the homeserver of", Path: s.o.Domain, Kind: sys.Unavailable, Err: err, Hint: "its log says more"}
}

// EnsureUser makes what is missing of u.
func (s *Server) EnsureUser(ctx context.Context, u matrix.User) (matrix.Account, error) {
	server, err := s.up(ctx)
	if err != nil {
		return matrix.Account{}, err
	}
	if u.Device == "" {
		u.Device = matrix.Device
	}
	id := sys.Handle("@" + u.Local + ":" + s.o.Domain)
	token, err := server.EnsureUser(ctx, dendrite.User{
		Local: u.Local, Device: u.Device, Label: u.Label, Password: u.Password.Reveal(), Token: u.Token.Reveal(), AccountOnly: u.AccountOnly,
	})
	if err != nil {
		return matrix.Account{}, &sys.Error{Op: "sign in", Path: string(id), Kind: sys.Unavailable, Err: err, Hint: "the homeserver's log says more"}
	}
	return matrix.Account{ID: id, Device: u.Device, Token: keyring.NewSecret(token)}, nil
}

// ServeHTTP answers as the homeserver, and starts it if need be.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	server, err := s.up(r.Context())
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"errcode":"M_UNKNOWN","error":"the homeserver does not start"}`) // the client sees the status at least
		return
	}
	server.Handler().ServeHTTP(w, r)
}

// Close ends it.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Phase = matrix.Stopped
	if s.server == nil {
		return nil
	}
	return s.stopLocked()
}
