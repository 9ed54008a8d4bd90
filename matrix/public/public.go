// Package public is the listener that the rest of the network reaches a homeserver
// by: with TLS by an own certificate or one from an ACME authority, or plain behind a
// proxy that does TLS. Nothing but the handler that it is given is served on it; the
// desktop never is.
package public

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"matrixos/sys"
)

// Mode is where TLS comes from.
type Mode string

// The modes.
const (
	Proxy Mode = "proxy" // somebody else does TLS; the listener is plain
	Files Mode = "files" // a certificate in files, read again when they change
	ACME  Mode = "acme"  // one is asked for, over this very listener; it has to be reached at port 443
)

// Options say how to listen.
type Options struct {
	Addr   string // host:port
	Mode   Mode
	Domain string // the certificate's, for ACME
	// Certificate and Key are the files of mode Files.
	Certificate, Key string
	// Cache keeps what ACME has given; Email is told of trouble, and may be empty.
	Cache, Email string
	// Authority is the ACME directory; empty is Let's Encrypt.
	Authority string
	Logger    *slog.Logger
}

// Listen opens the listener. Errors are of kind Exists if the port is in use, Refused if
// the port may not be opened, Invalid if the certificate cannot be used.
func Listen(ctx context.Context, o Options) (net.Listener, error) {
	config, err := tlsOf(o)
	if err != nil {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		kind, hint := sys.Exists, "choose another address with `matrix.listen` in system/config.json"
		if errors.Is(err, os.ErrPermission) {
			kind, hint = sys.Refused, "ports below 1024 need a right: run setcap cap_net_bind_service=+ep on the binary, or let a proxy listen"
		}
		return nil, &sys.Error{Op: "listen for other homeservers on", Path: o.Addr, Kind: kind, Err: err, Hint: hint}
	}
	if config == nil {
		return ln, nil
	}
	return tls.NewListener(ln, config), nil
}

func tlsOf(o Options) (*tls.Config, error) {
	bad := func(err error, hint string) (*tls.Config, error) {
		return nil, &sys.Error{Op: "use the certificate of", Path: o.Domain, Kind: sys.Invalid, Err: err, Hint: hint}
	}
	switch o.Mode {
	case Proxy:
		return nil, nil //nolint:nilnil // plain
	case Files:
		f := &files{cert: o.Certificate, key: o.Key}
		if _, err := f.get(nil); err != nil {
			return bad(err, "name readable PEM files in matrix.certificate and matrix.key of system/config.json")
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get, NextProtos: []string{"h2", "http/1.1"}}, nil
	case ACME:
		name, _, _ := strings.Cut(o.Domain, ":")
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.Cache), HostPolicy: autocert.HostWhitelist(name), Email: o.Email,
			Client: &acme.Client{DirectoryURL: o.Authority},
		}
		c := m.TLSConfig()
		c.MinVersion = tls.VersionTLS12
		return c, nil
	}
	return bad(errors.New("no such way: "+string(o.Mode)), "matrix.tls is proxy, files or acme")
}

// files reads a certificate, and again when its file has changed: whoever renews it
// need not restart anything.
type files struct {
	cert, key string

	mu   sync.Mutex
	at   time.Time
	kept *tls.Certificate
}

func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.cert)
	if err == nil && f.kept != nil && info.ModTime().Equal(f.at) {
		return f.kept, nil
	}
	var c tls.Certificate
	if err == nil {
		c, err = tls.LoadX509KeyPair(f.cert, f.key)
	}
	if err != nil {
		if f.kept != nil { // half a renewal: the old one still serves
			return f.kept, nil
		}
		return nil, err
	}
	f.kept, f.at = &c, info.ModTime()
	return f.kept, nil
}

// Serve answers on ln until ctx ends, then gives what runs a few seconds.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		err := srv.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) { // syncs wait long by nature
			err = srv.Close()
		}
		stopped <- err
	})
	err := srv.Serve(ln)
	if stop() {
		return &sys.Error{Op: "serve other homeservers on", Path: ln.Addr().String(), Kind: sys.Unavailable, Err: err}
	}
	return <-stopped
}

// Split serves other servers and clients on one listener, each what is theirs.
func Split(clients, servers http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		if strings.HasPrefix(p, "/_matrix/client/") || strings.HasPrefix(p, "/_matrix/media/") || p == "/.well-known/matrix/client" {
			clients.ServeHTTP(w, r)
			return
		}
		servers.ServeHTTP(w, r)
	})
}
