// Package client talks to a home's gateway: it is what the command line and the
// tests use. It knows the wire and nothing else; failures come back as the
// *sys.Error that they were, with kind and hint. It keeps no state but a
// connection pool, and may be used from any goroutine.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrixos/sys"
)

// Options say where the gateway is.
type Options struct {
	Base  string // such as "http://127.0.0.1:4000"
	Token string // the bearer token
	// Dial opens connections; nil means TCP. A gateway in the same process is
	// reached through a pipe.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client speaks to one gateway.
type Client struct {
	base  string
	token string
	home  string // whose daemon it is; "" if that is not known
	http  *http.Client
}

// answerLimit bounds what one call may return.
const answerLimit = 512 << 20

// New makes a client; it connects when it is used.
func New(o Options) *Client {
	t := &http.Transport{
		DialContext:         o.Dial,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
	}
	return &Client{base: strings.TrimSuffix(o.Base, "/"), token: o.Token, http: &http.Client{
		Transport: t,
		// The token goes to the address it was made for and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Base is the gateway's address.
func (c *Client) Base() string { return c.base }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// problem is a failure on the wire.
type problem struct {
	Detail string   `json:"detail"`
	Kind   sys.Kind `json:"kind"`
	Hint   string   `json:"hint"`
}

// call sends in as JSON and decodes the answer into out; either may be nil.
func (c *Client) call(ctx context.Context, op, method, path string, in, out any, header ...string) error {
	var body io.Reader
	kind := "application/json"
	if file, ok := in.(fileBody); ok {
		body, kind = bytes.NewReader(file), "application/octet-stream"
	} else if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return &sys.Error{Op: op, Kind: sys.Invalid, Err: err}
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return &sys.Error{Op: op, Path: c.base, Kind: sys.Invalid, Err: err}
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, op, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return c.unreachable(ctx, op, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return failure(op, res.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return &sys.Error{Op: op, Kind: sys.Internal, Err: err, Hint: "command and daemon may be of different versions: restart the daemon"}
	}
	return nil
}

// fileBody is the body of a call that is no JSON.
type fileBody []byte

// failure rebuilds the error that the gateway met.
func failure(op string, status int, body []byte) error {
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Kind == "" {
		return &sys.Error{Op: op, Kind: sys.Internal, Err: errors.New(http.StatusText(status)), Hint: "is it Matrix OS that answers at this address?"}
	}
	return &sys.Error{Op: op, Kind: p.Kind, Err: errors.New(p.Detail), Hint: p.Hint}
}

func (c *Client) unreachable(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return &sys.Error{Op: op, Kind: sys.Canceled, Err: context.Cause(ctx)}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return &sys.Error{Op: op, Path: c.base, Kind: sys.Unavailable, Err: err, Hint: "is it still running? start it with `matrixos up`"}
}
