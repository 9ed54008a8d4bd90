// Package egress is the one way out to the network for what a model asks: it
// decides which addresses may be reached, and states what is found there. It
// resolves a name once and connects to the very address that it checked, so
// that a name which changes its mind reaches nothing. The adapters below it
// (page, search, media) go through a Gate, and put secrets into requests
// themselves: what comes back from a Gate is always untrusted text.
//
// It does not decide who may ask; policy does, and the kernel asks it first.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"matrixos/sys"
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options say what a Gate lets through beside public addresses.
type Options struct {
	// Allow lets an address through that is not public, such as that of a
	// search engine in the owner's own network; nil allows none.
	Allow    func(netip.AddrPort) bool
	Resolver Resolver // net.DefaultResolver if nil
	// Timeout bounds a connection attempt and, separately, the wait for the
	// header of a response; 20 s if 0.
	Timeout time.Duration
}

// Gate makes connections. It may be used from any goroutine.
type Gate struct {
	allow    func(netip.AddrPort) bool
	resolver Resolver
	timeout  time.Duration
}

// New makes a Gate.
func New(o Options) *Gate {
	g := &Gate{allow: o.Allow, resolver: o.Resolver, timeout: o.Timeout}
	if g.allow == nil {
		g.allow = func(netip.AddrPort) bool { return false }
	}
	if g.resolver == nil {
		g.resolver = net.DefaultResolver
	}
	if g.timeout <= 0 {
		g.timeout = 20 * time.Second
	}
	return g
}

// Dial connects to a host and port, if at least one address of the host may be
// reached. The error is of kind Refused if none may.
func (g *Gate) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, err
	}
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, &sys.Error{Op: "look up", Path: host, Kind: sys.Unavailable, Err: err, Hint: "check the name, and that this machine is online"}
	}
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	var failed error
	for _, a := range addrs {
		to := netip.AddrPortFrom(a.Unmap(), uint16(number))
		if err := g.check(host, to); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		d := net.Dialer{Control: g.control(host)}
		conn, err := d.DialContext(ctx, "tcp", to.String())
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// Refuses returns the error with which Dial would refuse an address that needs no
// look-up; nil for names, which are looked up only once they may be reached.
func (g *Gate) Refuses(host, port string) error {
	a, err := netip.ParseAddr(host)
	if strings.EqualFold(host, "localhost") {
		a, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil {
		return nil
	}
	return g.check(host, netip.AddrPortFrom(a.Unmap(), uint16(n)))
}

func (g *Gate) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = errors.New("it has no address")
	}
	return addrs, err
}

// control looks again at what the system is about to connect to.
func (g *Gate) control(host string) func(string, string, syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return g.check(host, to)
	}
}

func (g *Gate) check(host string, to netip.AddrPort) error {
	if Public(to.Addr()) || g.allow(netip.AddrPortFrom(to.Addr().Unmap(), to.Port())) {
		return nil
	}
	return &sys.Error{
		Op: "connect to", Path: host, Kind: sys.Refused, Err: fmt.Errorf("%s is not an address of the public internet", to.Addr()),
		Hint: "services of your own network have to be listed under `network.allow` in system/config.json",
	}
}

// Client is an HTTP client that reaches what the Gate lets through: http and
// https, at most five redirects, never from https down to http, no cookies, no
// proxy of the environment, no compression bombs (a body is read by the caller,
// who bounds it).
func (g *Gate) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: g.Dial, TLSHandshakeTimeout: g.timeout, ResponseHeaderTimeout: g.timeout,
			MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 5 {
				return &sys.Error{Op: "fetch", Path: via[0].URL.Redacted(), Kind: sys.Unavailable, Err: errors.New("it redirects more than five times")}
			}
			if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return &sys.Error{Op: "fetch", Path: via[0].URL.Redacted(), Kind: sys.Refused, Err: errors.New("it redirects from https to " + r.URL.Scheme)}
			}
			_, err := ParseURL(r.URL.String())
			return err
		},
	}
}

// ParseURL accepts what may be fetched: an absolute http or https address with a
// host and without a name or password in it.
func ParseURL(s string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) {
		return nil, &sys.Error{Op: "read address", Path: shorten(s), Kind: sys.Invalid, Err: errors.New(why), Hint: "write it like https://example.org/page"}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return bad("it is not an address")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad("only http and https can be fetched")
	case u.Hostname() == "":
		return bad("it names no host")
	case u.User != nil:
		return bad("names and passwords do not belong in an address")
	}
	return u, nil
}

func shorten(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// closed are the ranges that netip does not know as private: shared address
// space, documentation, benchmarks, what embeds an address of IPv4, and what is
// reserved.
var closed = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public reports whether an address belongs to the public internet.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range closed {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
