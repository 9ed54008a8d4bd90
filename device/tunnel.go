package device

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// Tunnel is the way to the first device for the git program, which knows nothing of
// our keys: an address of this machine that wants a password of this run.
type Tunnel struct {
	URL    string
	Secret string // user:password
	srv    *http.Server
	done   chan error
}

// OpenTunnel opens one; Close it.
func OpenTunnel(ctx context.Context, f *First, log *slog.Logger) (*Tunnel, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	target, err := url.Parse(Base + "/device/git")
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	proxy := &httputil.ReverseProxy{
		Transport: f, FlushInterval: -1, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
		},
	}
	t := &Tunnel{URL: "http://" + ln.Addr().String(), Secret: "device:" + password, done: make(chan error, 1)}
	t.srv = &http.Server{ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(given), []byte(password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="Matrix OS"`)
			http.Error(w, "a password is needed", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { t.done <- t.srv.Serve(ln) }()
	return t, nil
}

// Close ends it, with what goes through it.
func (t *Tunnel) Close() error {
	err := t.srv.Close()
	if serve := <-t.done; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}
