package reach_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"matrixos/matrix/reach"
)

// A domain is looked at as another server would; each thing that is wrong is named, with
// what to do, and nothing after it is guessed.
func TestWhatIsWrongIsNamed(t *testing.T) {
	answers := map[string]string{}
	ts := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, text)
	}))
	t.Cleanup(ts.Close)
	roots := x509.NewCertPool()
	roots.AddCert(ts.Certificate()) // it names example.com
	there := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, ts.Listener.Addr().String())
	}
	const serverFile, clientFile, keyFile = "/.well-known/matrix/server", "/.well-known/matrix/client", "/_matrix/key/v2/server"
	ready := map[string]string{
		serverFile: `{"m.server":"example.com:443"}`, clientFile: `{"m.homeserver":{"base_url":"https://example.com"}}`,
		keyFile: `{"server_name":"example.com","verify_keys":{"ed25519:ours":{}}}`,
	}
	for name, c := range map[string]struct {
		set    map[string]string // over ready; "-" takes it away
		look   reach.Looker
		broken string // the first result that is not OK
	}{
		"all well":          {},
		"no well-known":     {set: map[string]string{serverFile: "-"}},
		"damaged":           {set: map[string]string{serverFile: "<html>"}, broken: "well-known for servers"},
		"no name":           {look: reach.Looker{Lookup: func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }}, broken: "DNS"},
		"private":           {look: reach.Looker{Lookup: func(context.Context, string) ([]string, error) { return []string{"192.168.1.4"}, nil }}, broken: "DNS"},
		"closed port":       {look: reach.Looker{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }}, broken: "port"},
		"unknown authority": {look: reach.Looker{Roots: x509.NewCertPool()}, broken: "certificate"},
		"nobody":            {set: map[string]string{keyFile: "-"}, broken: "homeserver"},
		"somebody else":     {set: map[string]string{keyFile: `{"server_name":"example.org"}`}, broken: "homeserver"},
		"another key":       {set: map[string]string{keyFile: `{"server_name":"example.com","verify_keys":{"ed25519:x":{}}}`}, broken: "homeserver"},
		"nothing for apps":  {set: map[string]string{clientFile: "-"}, broken: "well-known for clients"},
	} {
		t.Run(name, func(t *testing.T) {
			clear(answers)
			for k, v := range ready {
				answers[k] = v
			}
			for k, v := range c.set {
				if answers[k] = v; v == "-" {
					delete(answers, k)
				}
			}
			l := c.look
			if l.Lookup == nil {
				l.Lookup = func(context.Context, string) ([]string, error) { return []string{"93.184.216.34"}, nil }
			}
			if l.Roots == nil {
				l.Roots = roots
			}
			if l.Dial == nil {
				l.Dial = there
			}
			broken := ""
			for _, r := range l.Look(t.Context(), "example.com", "ed25519:ours") {
				if !r.OK && broken == "" {
					broken = r.Name
				}
				if r.Text == "" || !r.OK && r.Hint == "" || strings.Contains(r.Text, "%!") {
					t.Errorf("it says %+v", r)
				}
			}
			if broken != c.broken {
				t.Errorf("%q is wrong, not %q", broken, c.broken)
			}
		})
	}
}
