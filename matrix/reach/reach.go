// Package reach finds out whether a domain is ready for a homeserver, as other servers
// would: names, ports, certificate, well-known files; and says each in words. It
// changes nothing.
package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Result is one thing that was looked at.
type Result struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`           // what was found
	Hint string `json:"hint,omitempty"` // what to do about it
}

// Looker looks. The zero value asks the network as it is.
type Looker struct {
	// Lookup finds the addresses of a name; net.DefaultResolver if nil.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// Roots are who may have signed a certificate; the system's if nil.
	Roots *x509.CertPool
	// Dial opens a connection; the network's own if nil.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	lookWithin = 10 * time.Second
	answerMost = 64 << 10
	ownPort    = "8448"
)

// Look checks domain in the order in which other servers go, and stops where they would.
// keyID is the key that the homeserver signs with; empty does not compare it.
func (l *Looker) Look(ctx context.Context, domain, keyID string) []Result {
	c := &checks{l: l, client: l.client()}
	defer c.client.CloseIdleConnections()
	host, port, explicit := strings.Cut(domain, ":")
	if strings.HasPrefix(domain, "[") {
		if h, p, err := net.SplitHostPort(domain); err == nil {
			host, port, explicit = h, p, true
		}
	}
	target := net.JoinHostPort(host, ownPort)
	switch {
	case explicit:
		target = net.JoinHostPort(host, port)
	case net.ParseIP(host) == nil:
		target = c.wellKnown(ctx, host, target)
	}
	if target == "" || !c.names(ctx, target) || !c.certificate(ctx, target, domain, explicit) {
		return c.list
	}
	c.answers(ctx, target, domain, keyID)
	if !explicit {
		c.clients(ctx, host)
	}
	return c.list
}

type checks struct {
	l      *Looker
	client *http.Client
	list   []Result
}

func (c *checks) good(name, text string, args ...any) {
	c.list = append(c.list, Result{Name: name, OK: true, Text: fmt.Sprintf(text, args...)})
}

func (c *checks) bad(name, hint, text string, args ...any) {
	c.list = append(c.list, Result{Name: name, Hint: hint, Text: fmt.Sprintf(text, args...)})
}

func (l *Looker) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.Dial != nil {
		return l.Dial(ctx, network, addr)
	}
	return (&net.Dialer{Timeout: lookWithin}).DialContext(ctx, network, addr)
}

func (l *Looker) client() *http.Client {
	return &http.Client{
		Timeout:   lookWithin,
		Transport: &http.Transport{DialContext: l.dial, TLSClientConfig: &tls.Config{RootCAs: l.Roots, MinVersion: tls.VersionTLS12}},
	}
}

// wellKnown is where the domain says that its homeserver is.
func (c *checks) wellKnown(ctx context.Context, host, otherwise string) (target string) {
	const name = "well-known for servers"
	var f struct {
		Server string `json:"m.server"`
	}
	address := "https://" + host + "/.well-known/matrix/server"
	status, err := c.get(ctx, address, &f)
	switch {
	case status == 0 || status == http.StatusNotFound:
		c.good(name, "%s is not there, so other servers try port %s of %s", address, ownPort, host)
		return otherwise
	case err != nil || f.Server == "":
		c.bad(name, `it has to be {"m.server": "matrix.`+host+`:443"}, or not be there`, "%s answers %d with something else", address, status)
		return ""
	}
	c.good(name, "%s says %s", address, f.Server)
	if h, p, err := net.SplitHostPort(f.Server); err == nil {
		return net.JoinHostPort(h, p)
	}
	return net.JoinHostPort(strings.Trim(f.Server, "[]"), ownPort)
}

// names finds the addresses of the target.
func (c *checks) names(ctx context.Context, target string) bool {
	const name = "DNS"
	host, _, _ := net.SplitHostPort(target)
	if net.ParseIP(host) != nil {
		c.good(name, "%s needs no name", host)
		return true
	}
	lookup := c.l.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	list, err := lookup(ctx, host)
	if err != nil || len(list) == 0 {
		c.bad(name, "make an A or AAAA record for "+host+" that points at this machine, and wait until it is known", "%s has no address", host)
		return false
	}
	var private []string
	for _, a := range list {
		if ip := net.ParseIP(a); ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
			private = append(private, a)
		}
	}
	if len(private) == len(list) {
		c.bad(name, "that is fine within your own network; others need a public address", "%s is %s, which nobody outside your network reaches", host, strings.Join(list, ", "))
		return true // within the network, one can go on looking
	}
	c.good(name, "%s is %s", host, strings.Join(list, ", "))
	return true
}

// certificate connects, and looks at who answers.
func (c *checks) certificate(ctx context.Context, target, domain string, explicit bool) bool {
	host, port, _ := net.SplitHostPort(target)
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	conn, err := c.l.dial(ctx, "tcp", target)
	if err != nil {
		c.bad("port", "open port "+port+" in the firewall, forward it in the router, and start the homeserver's listener", "nobody answers at %s", target)
		return false
	}
	defer conn.Close()
	c.good("port", "%s is open", target)
	tlsConn := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: c.l.Roots, MinVersion: tls.VersionTLS12})
	if err := tlsConn.HandshakeContext(ctx); err != nil {
		hint := "it has to name " + host + " and come from an authority that others know: Let's Encrypt does, with matrix.tls acme"
		if errors.As(err, new(tls.RecordHeaderError)) {
			hint = "it speaks plain HTTP: put a proxy with TLS before it, or set matrix.tls"
		}
		c.bad("certificate", hint, "the certificate of %s does not hold: %v", target, err)
		return false
	}
	until := tlsConn.ConnectionState().PeerCertificates[0].NotAfter
	c.good("certificate", "it is valid for %s until %s", host, until.Format(time.DateOnly))
	return true
}

// answers asks the homeserver who it is.
func (c *checks) answers(ctx context.Context, target, domain, keyID string) {
	const name = "homeserver"
	var k struct {
		Server string         `json:"server_name"`
		Keys   map[string]any `json:"verify_keys"`
	}
	address := (&url.URL{Scheme: "https", Host: target, Path: "/_matrix/key/v2/server"}).String()
	status, err := c.get(ctx, address, &k)
	switch {
	case err != nil || status != http.StatusOK:
		c.bad(name, "start this home with the handle claimed, and look whether a proxy passes /_matrix on", "%s does not answer as a homeserver does (%d)", target, status)
	case k.Server != domain:
		c.bad(name, "another homeserver is there; your handle needs one of its own", "%s says that it is %s, not %s", target, k.Server, domain)
	case keyID != "" && k.Keys[keyID] == nil:
		c.bad(name, "two homeservers of one domain break each other: end the other one", "%s signs with another key than this home", target)
	default:
		c.good(name, "%s answers as %s", target, domain)
	}
}

// clients looks where apps such as Element look.
func (c *checks) clients(ctx context.Context, host string) {
	const name = "well-known for clients"
	var f struct {
		Home struct {
			URL string `json:"base_url"`
		} `json:"m.homeserver"`
	}
	address := "https://" + host + "/.well-known/matrix/client"
	if status, err := c.get(ctx, address, &f); err != nil || status != http.StatusOK || f.Home.URL == "" {
		c.bad(name, "without it, people enter the homeserver's address themselves when they sign in", "%s does not say where the homeserver is", address)
		return
	}
	c.good(name, "%s says %s", address, f.Home.URL)
}

// get reads JSON; status is 0 if nobody answered.
func (c *checks) get(ctx context.Context, address string, into any) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := c.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil {
		return res.StatusCode, err
	}
	return res.StatusCode, json.Unmarshal(b, into)
}
