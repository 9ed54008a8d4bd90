package egress_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sys"
)

const canary = "sk-canary-91f3"

// bindings are keys bound to one address.
type bindings struct{ scheme, address string }

func (b bindings) Bound(scheme, address string) bool {
	return scheme == b.scheme && address == b.address
}

func (b bindings) Named(host string) bool { return strings.HasPrefix(b.address, host+":") }

func (b bindings) Secret(name, scheme, address string) (keyring.Secret, error) {
	if name != "github" || !b.Bound(scheme, address) {
		return keyring.Secret{}, &sys.Error{Op: "use the key", Path: name, Kind: sys.Refused}
	}
	return keyring.NewSecret(canary), nil
}

// echo says a request back, and remembers what authorization it saw.
type echo struct {
	mu   sync.Mutex
	seen []string
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.seen = append(e.seen, r.Header.Get("Authorization"))
	e.mu.Unlock()
	w.Header().Set("X-Echo", r.Header.Get("Authorization"))
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s|%s|", r.Method, r.URL, body, strings.Repeat("x", 32<<10-60)) // the canary lies across reads
	fmt.Fprint(w, r.Header.Get("Authorization"), strings.Repeat("y", 40<<10), r.Header.Get("Authorization"))
}

func (e *echo) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.seen) == 0 {
		return ""
	}
	return e.seen[len(e.seen)-1]
}

// world is a proxy with a plain and a TLS server behind it.
type world struct {
	plain, secure *httptest.Server
	p, s          *echo
	asked         []string
	proxy         *egress.Proxy
	client        *http.Client
}

func newWorld(t *testing.T, bind func(w *world) egress.Keys) *world {
	w := &world{p: &echo{}, s: &echo{}}
	w.plain, w.secure = httptest.NewServer(w.p), httptest.NewTLSServer(w.s)
	t.Cleanup(w.plain.Close)
	t.Cleanup(w.secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(w.secure.Certificate())
	var keys egress.Keys
	if bind != nil {
		keys = bind(w)
	}
	var err error
	w.proxy, err = egress.NewProxy(egress.ProxyOptions{
		Gate: egress.New(egress.Options{Allow: func(a netip.AddrPort) bool {
			return a == addr(w.plain) || a == addr(w.secure)
		}}),
		May: func(_ context.Context, host string) error {
			w.asked = append(w.asked, host)
			if strings.HasPrefix(host, "evil") {
				return &sys.Error{Op: "network", Path: host, Kind: sys.Refused}
			}
			return nil
		},
		Keys: keys, Roots: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); w.proxy.Serve(context.Background(), ln) }()
	t.Cleanup(func() { ln.Close(); <-done })
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(w.proxy.Authorities())
	at := &url.URL{Scheme: "http", Host: ln.Addr().String()}
	tr := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(tr.CloseIdleConnections)
	w.client = &http.Client{Transport: tr}
	return w
}

func addr(s *httptest.Server) netip.AddrPort { return s.Listener.Addr().(*net.TCPAddr).AddrPort() }

func (w *world) get(t *testing.T, to, authorization string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := w.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	_ = res.Header.Write(&head)
	return res.StatusCode, head.String() + string(b)
}

// A key goes into the header of the host it is bound to, and nothing that the host
// says brings it back.
func TestKeyGoesOnlyWhereItIsBound(t *testing.T) {
	w := newWorld(t, func(w *world) egress.Keys { return bindings{"https", addr(w.secure).String()} })
	for sent, want := range map[string]string{
		"Bearer {{key:github}}":          "Bearer " + canary,
		"Basic eDp7e2tleTpnaXRodWJ9fQ==": "Basic eDpzay1jYW5hcnktOTFmMw==", // x:{{key:github}}
	} {
		status, got := w.get(t, w.secure.URL+"/a?b=c", sent)
		if status != 200 || w.s.last() != want || !strings.Contains(got, "POST /a?b=c body") {
			t.Errorf("%s: %d, the host saw %q", sent, status, w.s.last())
		}
		if strings.Contains(got, canary) || strings.Contains(got, "eDpzay1jYW5hcnktOTFmMw==") || strings.Count(got, "[secret]") != 3 {
			t.Errorf("%s: it came back: %d times concealed", sent, strings.Count(got, "[secret]"))
		}
	}
	if status, got := w.get(t, w.secure.URL, "Bearer {{key:other}}"); status != http.StatusForbidden {
		t.Errorf("a key that is not bound: %d %.100s", status, got)
	}
	status, _ := w.get(t, w.plain.URL, "Bearer {{key:github}}")
	if status != http.StatusForbidden || w.p.last() != "" {
		t.Errorf("another host: %d, it saw %q", status, w.p.last())
	}
	if status, _ := w.get(t, w.plain.URL, "Bearer own"); status != 200 || w.p.last() != "Bearer own" {
		t.Errorf("plain: %d %q", status, w.p.last())
	}
}

// TLS of hosts that no key is bound to is not opened.
func TestOtherTLSPassesThrough(t *testing.T) {
	w := newWorld(t, nil)
	if _, got := w.get(t, w.secure.URL, ""); !strings.Contains(got, "unknown authority") {
		t.Errorf("the proxy stands in for the host: %.100s", got)
	}
	w.client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(w.secure.Certificate())
	if status, got := w.get(t, w.secure.URL, "Bearer {{key:github}}"); status != 200 || w.s.last() != "Bearer {{key:github}}" {
		t.Errorf("%d %.100s, %q", status, got, w.s.last())
	}
}

// Every host is asked for once, and then goes through the Gate; one that is never
// let through is not asked for.
func TestHostsAreAskedFor(t *testing.T) {
	w := newWorld(t, nil)
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	defer inner.Close()
	for _, to := range []string{inner.URL, "https://" + inner.Listener.Addr().String(), "http://evil.example/", "https://evil.example/", "http://EVIL.example./"} {
		if status, got := w.get(t, to, ""); status != http.StatusForbidden && !strings.Contains(got, "Forbidden") {
			t.Errorf("%s: %d %.100s", to, status, got)
		}
	}
	if got := strings.Join(w.asked, " "); got != "evil.example" {
		t.Errorf("asked for %s", got)
	}
	if got := w.proxy.Refusals(); len(got) != 1 || !strings.Contains(got[0], "evil.example") {
		t.Errorf("refusals: %v", got)
	}
}
