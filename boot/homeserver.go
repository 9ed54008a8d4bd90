package boot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"

	"matrixos/disk"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/external"
	"matrixos/matrix/front"
	"matrixos/matrix/public"
	"matrixos/sys"
)

// The drivers of a homeserver, as they are named in system/config.json.
const (
	driverChild    = "child"
	driverEmbedded = "embedded"
	driverExternal = "external"
)

// Names of the keyring that an external homeserver is used with.
const (
	externalPassword = "matrix/password"
	externalService  = "matrix/service" // the as_token of an application service
)

// matrixConfig is matrix in system/config.json.
type matrixConfig struct {
	Driver      string `json:"driver,omitempty"`
	URL         string `json:"url,omitempty"` // of an external homeserver
	Listen      string `json:"listen,omitempty"`
	TLS         string `json:"tls,omitempty"` // proxy, files or acme
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	Email       string `json:"email,omitempty"`
	Public      string `json:"public,omitempty"` // address of the client API for others
	// AllowPrivate lets the homeserver connect to others in the owner's own network.
	AllowPrivate bool `json:"allow_private,omitempty"`
}

// homeserverOptions are what a homeserver of our own is made of.
type homeserverOptions struct {
	driver, program  string
	domain, dir, log string
	key              matrix.SigningKey
	federate         bool
	private          bool
	public, delegate string
	logger           *slog.Logger
}

// homeserver is the home on the Matrix network: the homeserver of the owner's domain,
// and what stands before it. It changes once, when a handle is claimed.
//
// Lock order: claiming before mu. Nothing that takes long is done while mu is held.
type homeserver struct {
	disk    *disk.Disk
	keys    *keyring.Keyring
	home    string
	program string // empty: no process of its own
	base    string // of the desktop
	log     *slog.Logger

	// first is the first device of the owner, where this home is another one: the
	// homeserver is there.
	first *borrowing

	claiming sync.Mutex
	used     func()                          // somebody's client has come; nil if nobody wants to know
	anew     func(change func() error) error // ends the clients before it changes something; nil without clients

	mu      sync.Mutex
	config  matrixConfig
	keyID   string // empty for an external one
	hs      matrix.Homeserver
	front   *front.Front
	clients http.Handler
	ln      net.Listener // of other servers; nil if none
	trouble string       // why there is none
	stop    func() error // ends serving ln
}

// openHomeserver makes the homeserver of the owner's handle. Nothing of it runs yet.
func (s *System) openHomeserver(p *parts) {
	s.matrix = &homeserver{disk: s.disk, keys: p.secrets, home: s.home, program: p.o.Holder, base: p.base, log: s.log, first: s.devices.borrowing()}
	_, domain := readHandle(s.disk).Handle.Parts()
	if s.matrix.first != nil {
		_, domain = s.matrix.first.owner.Parts()
	}
	err := s.matrix.open(domain)
	if err != nil { // the home starts without
		s.log.Error("the homeserver cannot be used", "error", err)
		s.matrix.trouble = err.Error()
	}
}

// dir is where everything of a domain's homeserver is: outside of the history, because
// it is a database that changes all the time.
func (h *homeserver) dir(domain string) string {
	return filepath.Join(h.home, sys.Store, "matrix", matrix.FolderName(domain))
}

func (h *homeserver) logFile(domain string) string {
	return filepath.Join(h.dir(domain), "homeserver.log")
}

// open makes the homeserver of a domain, and forgets the one before.
func (h *homeserver) open(domain string) error {
	c, _, err := lastConfig(h.disk, 0)
	if err != nil {
		return err
	}
	hs, keyID, err := h.make(c.Matrix, domain)
	if err != nil {
		return err
	}
	f, err := front.New(front.Options{Backend: hs, Dir: filepath.Join(h.dir(domain), "front"), Logger: h.log})
	if err != nil {
		return errors.Join(err, hs.Close())
	}
	h.mu.Lock()
	old := h.hs
	h.config, h.hs, h.keyID, h.front, h.clients = c.Matrix, hs, keyID, f, f.Client()
	h.mu.Unlock()
	if old != nil {
		return old.Close()
	}
	return nil
}

// make makes what the settings name.
func (h *homeserver) make(c matrixConfig, domain string) (hs matrix.Homeserver, keyID string, err error) {
	if h.first != nil {
		hs, err = h.first.homeserver()
		return hs, "", err
	}
	if c.Driver == driverExternal {
		service, err := h.optional(externalService)
		if err != nil {
			return nil, "", err
		}
		password, err := h.optional(externalPassword)
		if err != nil {
			return nil, "", err
		}
		hs, err = external.New(external.Options{Domain: domain, URL: c.URL, Service: service, Password: password})
		return hs, "", err
	}
	key, err := matrix.LoadSigningKey(h.keys, domain)
	if err != nil {
		return nil, "", err
	}
	return newDendrite(homeserverOptions{
		driver: c.Driver, program: h.program, domain: domain, dir: filepath.Join(h.dir(domain), "data"), log: h.logFile(domain),
		key: key, federate: !matrix.LocalOnly(domain), private: c.AllowPrivate, public: h.address(c, domain), delegate: delegate(c, domain), logger: h.log,
	}), key.ID, nil
}

func (h *homeserver) optional(name string) (keyring.Secret, error) {
	s, err := h.keys.Get(name)
	if errors.Is(err, sys.NotFound) {
		return keyring.Secret{}, nil
	}
	return s, err
}

// address is what clients take as the homeserver's: the desktop's own while it is local.
func (h *homeserver) address(c matrixConfig, domain string) string {
	switch {
	case h.first != nil:
		return h.base
	case c.Driver == driverExternal:
		return c.URL
	case matrix.LocalOnly(domain):
		return h.base
	}
	return cmp.Or(c.Public, "https://"+domain)
}

// delegate is where other servers find the federation API, for the well-known file: a
// domain without a port is asked at 443 for it.
func delegate(c matrixConfig, domain string) string {
	if _, port, err := net.SplitHostPort(c.Listen); err == nil && c.TLS != "" && c.TLS != string(public.Proxy) {
		if _, _, explicit := splitDomain(domain); !explicit {
			return net.JoinHostPort(domain, port)
		}
	}
	if _, _, explicit := splitDomain(domain); explicit {
		return domain
	}
	return domain + ":443"
}

func splitDomain(domain string) (host, port string, explicit bool) {
	host, port, err := net.SplitHostPort(domain)
	return host, port, err == nil
}

// Server is the homeserver as it is now.
func (h *homeserver) Server() (matrix.Homeserver, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hs == nil {
		return nil, &sys.Error{Op: "use the homeserver", Kind: sys.Unavailable, Err: errors.New(h.trouble), Hint: "`matrixos handle` says how it is"}
	}
	return h.hs, nil
}

// ServeHTTP answers Matrix clients, and starts the homeserver if it is the first.
func (h *homeserver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	clients := h.clients
	h.mu.Unlock()
	if clients == nil {
		http.Error(w, `{"errcode":"M_UNKNOWN","error":"this home has no homeserver; matrixos handle says why"}`, http.StatusServiceUnavailable)
		return
	}
	if h.used != nil {
		h.used()
	}
	clients.ServeHTTP(w, r)
}

// tend starts a homeserver that others count on, and lets them reach it.
func (h *homeserver) tend(ctx context.Context) {
	h.mu.Lock()
	hs := h.hs
	h.mu.Unlock()
	if hs == nil || h.first != nil || matrix.LocalOnly(hs.Domain()) {
		return
	}
	if r, ok := hs.(interface{ Ready(context.Context) error }); ok {
		if err := r.Ready(ctx); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "the homeserver does not answer yet", "error", err)
		}
	}
	if err := h.listen(ctx); err != nil {
		h.log.ErrorContext(ctx, "other homeservers cannot reach this home", "error", err)
	}
}

// listen opens the listener of other servers, if the settings name one.
func (h *homeserver) listen(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.config.Listen == "" || h.config.Driver == driverExternal || h.ln != nil || ctx.Err() != nil {
		return nil
	}
	domain := h.hs.Domain()
	ln, err := public.Listen(ctx, public.Options{
		Addr: h.config.Listen, Mode: public.Mode(cmp.Or(h.config.TLS, string(public.Proxy))), Domain: domain,
		Certificate: h.config.Certificate, Key: h.config.Key, Email: h.config.Email, Cache: filepath.Join(h.dir(domain), "acme"), Logger: h.log,
	})
	if h.trouble = ""; err != nil {
		h.trouble = err.Error()
		return err
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- public.Serve(serving, ln, public.Split(h.front.Client(), h.front.Federation()), h.log) }()
	h.ln = ln
	h.stop = func() error {
		cancel()
		return <-done
	}
	return nil
}

// homeserverStill calls do while the homeserver's files do not change.
func (s *System) homeserverStill(ctx context.Context, do func() error) error {
	hs, err := s.matrix.Server()
	if still, ok := hs.(matrix.Still); ok && err == nil {
		return still.Still(ctx, do)
	}
	return do() // there is none, or its files are elsewhere
}

// close ends everything, the way in first.
func (h *homeserver) close() error {
	h.mu.Lock()
	stop, hs := h.stop, h.hs
	h.stop, h.ln = nil, nil
	h.mu.Unlock()
	var errs []error
	if stop != nil {
		errs = append(errs, stop())
	}
	if hs != nil {
		errs = append(errs, hs.Close())
	}
	return errors.Join(errs...)
}
