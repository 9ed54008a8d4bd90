package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"matrixos/egress"
	"matrixos/sys"
)

func TestPublic(t *testing.T) {
	for _, s := range []string{"1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
		if !egress.Public(netip.MustParseAddr(s)) {
			t.Errorf("%s is public", s)
		}
	}
	for _, s := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.9",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "2001:db8::1",
	} {
		if egress.Public(netip.MustParseAddr(s)) {
			t.Errorf("%s is not public", s)
		}
	}
}

// names is a resolver whose answers may change from one look to the next.
type names func(host string) []string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range n(host) {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

// A name that is public at the first look and loopback at the second reaches
// nothing: there is no second look.
func TestRebinding(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	defer srv.Close()
	var looks atomic.Int32
	g := egress.New(egress.Options{Resolver: names(func(string) []string {
		if looks.Add(1) == 1 {
			return []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"}
		}
		return []string{"127.0.0.1"}
	})})
	u, _ := url.Parse(srv.URL)
	for _, host := range []string{"evil.example", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "localhost"} {
		res, err := g.Client().Get("http://" + host + ":" + u.Port() + "/")
		if err == nil {
			res.Body.Close()
			t.Errorf("%s was reached", host)
		} else if !errors.Is(err, sys.Refused) {
			t.Errorf("%s: %v, want refused", host, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the inner server was reached") }))
	defer inner.Close()
	var to string
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ok" {
			_, _ = w.Write([]byte("fine"))
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer outer.Close()
	allowed := outer.Listener.Addr().(*net.TCPAddr).AddrPort()
	g := egress.New(egress.Options{Allow: func(a netip.AddrPort) bool { return a == allowed }})
	for target, want := range map[string]string{
		inner.URL:                     "not an address of the public internet",
		outer.URL + "/again":          "more than five times",
		"file:///etc/passwd":          "only http and https",
		"http://a:b@127.0.0.1/":       "do not belong in an address",
		"gopher://127.0.0.1:70/1quit": "only http and https",
	} {
		to = target
		res, err := g.Client().Get(outer.URL + "/")
		if err == nil {
			res.Body.Close()
			t.Errorf("%s: followed", target)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	to = outer.URL + "/ok"
	res, err := g.Client().Get(outer.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"https://example.org", "http://user:pw@x", "//x", "javascript:alert(1)", "http://[::1%25lo]/", "http://exa mple"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := egress.ParseURL(s)
		if err == nil && (u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
			t.Fatalf("%q was accepted as %v", s, u)
		}
	})
}
