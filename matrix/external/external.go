// Package external is the driver of matrix.Homeserver for a server that somebody else
// runs: Synapse, Dendrite, any that speaks the client API. With the token of an
// application service it makes accounts there as the home needs them (the server's
// owner registers the service); without one, each account exists already and is
// signed in to with its password.
//
// It serves no federation, and starts and stops nothing: that is its owner's affair.
package external

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/sys"
)

// Options say which server. Domain and URL are required.
type Options struct {
	Domain string
	URL    string // of the client API, such as https://matrix.example.org
	// Service is the token of an application service (its as_token) whose users are
	// ours; empty signs in with passwords.
	Service keyring.Secret
	// Password signs in whoever has none of their own; empty knows none.
	Password keyring.Secret
	// Transport reaches the server; http.DefaultTransport if nil.
	Transport http.RoundTripper
}

// Server is somebody else's homeserver.
type Server struct {
	o    Options
	base string

	mu    sync.Mutex
	state matrix.State
}

var _ matrix.Homeserver = (*Server)(nil)

// New makes a driver; errors are of kind Invalid if the address is none.
func New(o Options) (*Server, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, &sys.Error{Op: "use the homeserver at", Path: o.URL, Kind: sys.Invalid, Err: err, Hint: "write matrix.url as https://matrix.example.org"}
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return &Server{o: o, base: u.Scheme + "://" + u.Host, state: matrix.State{Phase: matrix.Idle}}, nil
}

// Domain is the part of its users' ids behind the colon.
func (s *Server) Domain() string { return s.o.Domain }

// BaseURL is the address of the client API.
func (s *Server) BaseURL() string { return s.base }

// Transport reaches it over the network.
func (s *Server) Transport() http.RoundTripper { return s.o.Transport }

// State says how the last answer was.
func (s *Server) State() matrix.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Ready asks whether it answers.
func (s *Server) Ready(ctx context.Context) error {
	_, _, err := s.call(ctx, http.MethodGet, "/_matrix/client/versions", keyring.Secret{}, nil)
	return err
}

// Close lets it go; it runs on.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = matrix.State{Phase: matrix.Stopped}
	return nil
}

// answer is what of any answer is looked at.
type answer struct {
	User   sys.Handle `json:"user_id"`
	Device string     `json:"device_id"`
	Token  string     `json:"access_token"`
	Code   string     `json:"errcode"`
	Error  string     `json:"error"`
}

// EnsureUser signs u in, unless its token still holds. A password cannot be set here: it
// is what opens an account that exists.
func (s *Server) EnsureUser(ctx context.Context, u matrix.User) (matrix.Account, error) {
	id := sys.Handle("@" + u.Local + ":" + s.o.Domain)
	device := cmp.Or(u.Device, matrix.Device)
	if !u.Token.Empty() {
		status, a, err := s.call(ctx, http.MethodGet, "/_matrix/client/v3/account/whoami", u.Token, nil)
		switch {
		case err != nil:
			return matrix.Account{}, err
		case status == http.StatusOK && a.User == id && a.Device == device:
			return matrix.Account{ID: id, Device: device, Token: u.Token}, nil
		}
	}
	if u.AccountOnly {
		if s.o.Service.Empty() {
			return matrix.Account{}, &sys.Error{Op: "make the account", Path: string(id), Kind: sys.Refused, Err: errors.New("the homeserver is somebody else's"), Hint: "ask its owner for one"}
		}
		return matrix.Account{ID: id}, s.register(ctx, u.Local)
	}
	if u.Password.Empty() {
		u.Password = s.o.Password
	}
	login := map[string]any{
		"type": "m.login.password", "password": u.Password.Reveal(), "device_id": device, "initial_device_display_name": u.Label,
		"identifier": map[string]string{"type": "m.id.user", "user": string(id)},
	}
	if !s.o.Service.Empty() {
		if err := s.register(ctx, u.Local); err != nil {
			return matrix.Account{}, err
		}
		login["type"] = "m.login.application_service"
		delete(login, "password")
	} else if u.Password.Empty() {
		return matrix.Account{}, &sys.Error{
			Op: "sign in", Path: string(id), Kind: sys.Unauthorized, Err: errors.New("no password is known for it"),
			Hint: "`matrixos handle password` takes it",
		}
	}
	status, a, err := s.call(ctx, http.MethodPost, "/_matrix/client/v3/login", s.o.Service, login)
	if err != nil {
		return matrix.Account{}, err
	}
	if status != http.StatusOK || a.User != id || a.Token == "" {
		return matrix.Account{}, s.refused("sign in", id, status, a)
	}
	return matrix.Account{ID: id, Device: a.Device, Token: keyring.NewSecret(a.Token)}, nil
}

// register makes an account as an application service; one that exists is fine.
func (s *Server) register(ctx context.Context, local string) error {
	status, a, err := s.call(ctx, http.MethodPost, "/_matrix/client/v3/register", s.o.Service, map[string]any{
		"type": "m.login.application_service", "username": local, "inhibit_login": true,
	})
	if err != nil || status == http.StatusOK || a.Code == "M_USER_IN_USE" {
		return err
	}
	return s.refused("make the account", sys.Handle("@"+local+":"+s.o.Domain), status, a)
}

func (s *Server) refused(op string, id sys.Handle, status int, a answer) error {
	kind, hint := sys.Unavailable, "its owner can see why"
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		kind, hint = sys.Unauthorized, "check the password, or the application service's token and its namespace of users"
	}
	return &sys.Error{Op: op, Path: string(id), Kind: kind, Err: fmt.Errorf("%s answers %d %s %s", s.base, status, a.Code, a.Error), Hint: hint}
}

// answerMost bounds an answer, and callWithin how long one takes.
const (
	answerMost = 1 << 20
	callWithin = 30 * time.Second
)

func (s *Server) call(ctx context.Context, method, path string, token keyring.Secret, body any) (status int, a answer, err error) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state.Phase == matrix.Stopped {
			return
		}
		s.state = matrix.State{Phase: matrix.Running}
		if err != nil {
			s.state = matrix.State{Phase: matrix.Failing, Why: err.Error()}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		return 0, a, err
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(b))
	if err != nil {
		return 0, a, err
	}
	r.Header.Set("Content-Type", "application/json")
	if !token.Empty() {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	res, err := s.o.Transport.RoundTrip(r)
	if err == nil {
		defer res.Body.Close()
		status = res.StatusCode
		err = json.NewDecoder(io.LimitReader(res.Body, answerMost)).Decode(&a)
	}
	if err != nil {
		err = &sys.Error{Op: "ask the homeserver at", Path: s.base, Kind: sys.Unavailable, Err: errors.New(strings.ReplaceAll(err.Error(), token.Reveal(), "…")), Hint: "check matrix.url, and whether it is up"}
	}
	return status, a, err
}
