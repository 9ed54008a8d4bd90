package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/sys"
)

// ProxyOptions say whom a Proxy asks. Gate and May are required.
type ProxyOptions struct {
	Gate *Gate
	// May asks, once for each host, whether the command may reach it.
	May func(ctx context.Context, host string) error
	// Keys puts in secrets; nil puts in none.
	Keys Keys
	// Roots are the authorities by which bound hosts are checked; nil means the
	// machine's.
	Roots *x509.CertPool
}

// Proxy is the network of one command: an HTTP proxy that asks before a host is
// reached, connects through a Gate, and puts secrets in the place of placeholders
// for the hosts that the owner has bound to them. For these hosts alone it opens
// TLS, with an authority of its own that lives as long as the Proxy; all other TLS
// passes through as it is, so nobody sees who is asked for inside of it.
type Proxy struct {
	o         ProxyOptions
	ca        *authority
	transport *http.Transport

	asking sync.Mutex // one question at a time
	hosts  map[string]error
	order  []string
}

// NewProxy makes a Proxy.
func NewProxy(o ProxyOptions) (*Proxy, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	return &Proxy{o: o, ca: ca, hosts: map[string]error{}, transport: &http.Transport{
		DialContext: o.Gate.Dial, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: o.Gate.timeout, MaxIdleConns: 8, DisableCompression: true,
	}}, nil
}

// Authorities are the certificates, in PEM, that whoever uses the proxy trusts: the
// machine's, and the proxy's own.
func (p *Proxy) Authorities() []byte {
	for _, file := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if b, err := os.ReadFile(file); err == nil {
			return append(append(b, '\n'), p.ca.pem...)
		}
	}
	return p.ca.pem // only bound hosts can be checked then
}

// Refusals says which hosts were refused and why, in the order they were asked for.
func (p *Proxy) Refusals() (out []string) {
	p.asking.Lock()
	defer p.asking.Unlock()
	for _, h := range p.order {
		if err := p.hosts[h]; err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

// Serve answers what comes in at ln until that is closed or ctx ends, and cuts off
// what still runs then.
func (p *Proxy) Serve(ctx context.Context, ln net.Listener) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer p.transport.CloseIdleConnections()
	srv := p.server(ctx, http.HandlerFunc(p.enter))
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	_ = srv.Serve(ln) // always an error: the listener is closed
	_ = srv.Close()
}

func (p *Proxy) server(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: log.New(io.Discard, "", 0), // a command's own faults, with its words in them
	}
}

// enter takes a request as a proxy gets it.
func (p *Proxy) enter(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Host
	if r.Method == http.MethodConnect {
		target = r.Host
	} else if r.URL.Scheme != "http" {
		http.Error(w, "this is a proxy: ask it for http://… or CONNECT", http.StatusBadRequest)
		return
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		host, port = strings.Trim(target, "[]"), "80"
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		http.Error(w, "no host is named", http.StatusBadRequest)
		return
	}
	err = p.o.Gate.Refuses(host, port) // the owner is not asked about what is never reached
	if err == nil {
		err = p.may(r.Context(), host)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	address := net.JoinHostPort(host, port)
	switch {
	case r.Method != http.MethodConnect:
		p.forward("http", address).ServeHTTP(w, r)
	case p.o.Keys != nil && p.o.Keys.Bound("https", address):
		p.terminate(w, r, host, address)
	default:
		p.tunnel(w, r, address)
	}
}

// may asks once for each host.
func (p *Proxy) may(ctx context.Context, host string) error {
	p.asking.Lock()
	defer p.asking.Unlock()
	err, asked := p.hosts[host]
	if !asked {
		if err = p.o.May(ctx, host); ctx.Err() == nil {
			p.hosts[host] = err
			p.order = append(p.order, host)
		}
	}
	return err
}

// take takes the connection over and says that the way is free.
func take(w http.ResponseWriter) (net.Conn, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if rw.Reader.Buffered() > 0 {
		return nil, errors.Join(errors.New("it talks before it was answered"), conn.Close())
	}
	if _, err = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// tunnel carries bytes both ways.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request, address string) {
	out, err := p.o.Gate.Dial(r.Context(), "tcp", address)
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	defer out.Close()
	in, err := take(w)
	if err != nil {
		return
	}
	defer in.Close()
	stop := context.AfterFunc(r.Context(), func() { _, _ = in.Close(), out.Close() })
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if c, ok := way[0].(*net.TCPConn); ok {
				_ = c.CloseWrite()
			}
		})
	}
	both.Wait()
}

// terminate speaks TLS as the host, with a certificate that only this command
// trusts, and hands on what is asked inside.
func (p *Proxy) terminate(w http.ResponseWriter, r *http.Request, host, address string) {
	cert, err := p.ca.issue(host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	ctx := r.Context()
	conn, err := take(w)
	if err != nil {
		return
	}
	one := &single{conn: tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), done: make(chan struct{})}
	srv := p.server(ctx, p.forward("https", address))
	srv.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed || s == http.StateHijacked {
			one.Close()
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	_ = srv.Serve(one) // ends with its one connection
}

// single is a listener of one connection; Accept waits for its end then.
type single struct {
	conn net.Conn
	once sync.Once
	end  sync.Once
	done chan struct{}
}

func (s *single) Accept() (c net.Conn, err error) {
	s.once.Do(func() { c = s.conn })
	if c == nil {
		<-s.done
		err = net.ErrClosed
	}
	return c, err
}

func (s *single) Close() error   { s.end.Do(func() { close(s.done) }); return nil }
func (s *single) Addr() net.Addr { return s.conn.LocalAddr() }

// forward hands requests to one host on, with secrets put in. What comes back has
// none of them.
func (p *Proxy) forward(scheme, address string) http.Handler {
	host := address
	if h, port, _ := net.SplitHostPort(address); scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		put, err := p.fill(r.Header, scheme, address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		proxy := httputil.ReverseProxy{
			Transport: p.transport, ErrorLog: log.New(io.Discard, "", 0),
			Rewrite: func(q *httputil.ProxyRequest) {
				q.Out.URL = &url.URL{Scheme: scheme, Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
				q.Out.Host = host
				q.Out.Body = sys.ByLength(q.Out.Body, r.ContentLength)
				if len(put) > 0 { // what comes back has to be readable
					q.Out.Header.Set("Accept-Encoding", "identity")
					q.Out.Header.Del("Upgrade")
					q.Out.Header.Del("Connection")
					q.Out.Header.Del("Range")
				}
			},
			ModifyResponse: func(res *http.Response) error { return conceal(res, put) },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, hide(err.Error(), put), statusOf(err))
			},
		}
		proxy.ServeHTTP(w, r)
	})
}

func statusOf(err error) int {
	if errors.Is(err, sys.Refused) {
		return http.StatusForbidden
	}
	return http.StatusBadGateway
}

// conceal takes the secrets that were put into a request out of its response,
// should the host say them back.
func conceal(res *http.Response, put []string) error {
	if len(put) == 0 {
		return nil
	}
	if e := res.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return fmt.Errorf("it answers in %s, in which a key could not be seen", e)
	}
	for _, values := range res.Header {
		for i := range values {
			values[i] = hide(values[i], put)
		}
	}
	res.Header.Del("Content-Length")
	res.ContentLength = -1
	res.Body = &hiding{src: res.Body, put: put}
	return nil
}

const hidden = "[secret]"

func hide(s string, put []string) string {
	for _, p := range put {
		s = strings.ReplaceAll(s, p, hidden)
	}
	return s
}

// hiding reads a body with secrets replaced, wherever a read may cut it.
type hiding struct {
	src  io.ReadCloser
	put  []string
	buf  []byte // read, and not yet looked at to its end
	out  []byte
	fail error
}

func (h *hiding) Read(b []byte) (int, error) {
	keep := 0
	for _, p := range h.put {
		keep = max(keep, len(p)-1)
	}
	for len(h.out) == 0 && h.fail == nil {
		chunk := make([]byte, 32<<10)
		n, err := h.src.Read(chunk)
		h.buf, h.fail = append(h.buf, chunk[:n]...), err
		for _, p := range h.put {
			h.buf = bytes.ReplaceAll(h.buf, []byte(p), []byte(hidden))
		}
		ready := len(h.buf) - keep
		if h.fail != nil {
			ready = len(h.buf)
		}
		if ready > 0 {
			h.out, h.buf = slices.Clone(h.buf[:ready]), h.buf[ready:]
		}
	}
	n := copy(b, h.out)
	if h.out = h.out[n:]; n > 0 {
		return n, nil
	}
	return 0, h.fail
}

func (h *hiding) Close() error { return h.src.Close() }
