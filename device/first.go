package device

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"crypto/tls"

	"matrixos/sys"
)

// Base is the address of the first device for whoever goes by First.
const Base = "https://device.invalid"

// First is the first device as another one reaches it. It is an http.RoundTripper for
// the Matrix client API there, too. It may be used from any goroutine.
type First struct {
	id    ID
	addrs []string
	via   *http.Transport

	mu   sync.Mutex
	last string // the address that answered last
}

var _ http.RoundTripper = (*First)(nil)

// dialWithin is how long one address is tried.
const dialWithin = 5 * time.Second

// Reach makes a way to the device of a key.
func Reach(own Identity, id ID, addrs []string) *First {
	f := &First{id: id, addrs: addrs}
	f.via = &http.Transport{
		MaxIdleConns: 8, IdleConnTimeout: time.Minute, DisableCompression: true, Proxy: nil,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return f.dial(ctx, own.connecting(id)) },
	}
	return f
}

// dial tries the addresses, the one that answered last before the others. That
// somebody else answers at one of them is said only if nobody right does.
func (f *First) dial(ctx context.Context, conf *tls.Config) (net.Conn, error) {
	f.mu.Lock()
	list := append([]string{}, f.addrs...)
	if f.last != "" {
		list = append([]string{f.last}, list...)
	}
	f.mu.Unlock()
	var failed error
	for _, addr := range list {
		limit, cancel := context.WithTimeout(ctx, dialWithin)
		conn, err := (&tls.Dialer{Config: conf}).DialContext(limit, "tcp", addr)
		cancel()
		if err == nil {
			f.mu.Lock()
			f.last = addr
			f.mu.Unlock()
			return conn, nil
		}
		if failed == nil || errors.Is(err, errStranger) {
			failed = fmt.Errorf("%s: %w", addr, err)
		}
	}
	return nil, failed
}

// RoundTrip implements http.RoundTripper.
func (f *First) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(protocolHeader, protocol)
	return f.via.RoundTrip(r)
}

// Close lets connections go.
func (f *First) Close() { f.via.CloseIdleConnections() }

// callWithin is how long a call may take that waits for nothing.
const callWithin = 60 * time.Second

// call makes one call; in and out may be nil. It fails with ErrRemoved when this
// device is let in no more, and with Unavailable when the first cannot be reached.
func (f *First) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var send io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		send = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, Base+path, send)
	if err != nil {
		return err
	}
	res, err := f.RoundTrip(r)
	if errors.Is(err, errStranger) {
		return &sys.Error{Op: "reach the first device", Kind: sys.Refused, Err: errStranger, Hint: "check its address; nothing was sent"}
	}
	if err != nil {
		return &sys.Error{Op: "reach the first device", Kind: sys.Unavailable, Err: err, Hint: "check that it runs and that both are in the same network; what is here stays as it is"}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return heard(res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, bodyMost)).Decode(out); err != nil {
		return &sys.Error{Op: "read the first device's answer", Kind: sys.Unavailable, Err: err}
	}
	return nil
}

// Pair has the first device let this one in by a code.
func (f *First) Pair(ctx context.Context, code, version string) (w Welcome, err error) {
	err = f.call(ctx, http.MethodPost, "/device/pair", Pairing{code, version}, &w)
	return w, err
}

// Hello says that this device is there.
func (f *First) Hello(ctx context.Context, version string) (w Welcome, err error) {
	err = f.call(ctx, http.MethodGet, "/device/hello?version="+url.QueryEscape(version), nil, &w)
	return w, err
}

// Changes waits for something new there after since, for a while.
func (f *First) Changes(ctx context.Context, since sys.Seq) (sys.Seq, error) {
	var m Moment
	err := f.call(ctx, http.MethodGet, fmt.Sprintf("/device/changes?since=%d", since), nil, &m)
	return m.Seq, err
}

// SignIn signs a device of the owner's account in, and returns its token.
func (f *First) SignIn(ctx context.Context, device string) (string, error) {
	in := Signing{Device: device}
	err := f.call(ctx, http.MethodPost, "/device/signin", in, &in)
	return in.Token, err
}

// Vouch has the account's identity sign a device, and returns the key of the backup.
func (f *First) Vouch(ctx context.Context, device, key string) (string, error) {
	in := Vouching{Device: device, Key: key}
	err := f.call(ctx, http.MethodPost, "/device/vouch", in, &in)
	return in.Backup, err
}

// Heads says how far each conversation is there.
func (f *First) Heads(ctx context.Context) (out json.RawMessage, err error) {
	err = f.call(ctx, http.MethodGet, "/device/talks", nil, &out)
	return out, err
}

// Talk is one conversation.
func (f *First) Talk(ctx context.Context, id sys.Conversation) (out json.RawMessage, err error) {
	err = f.call(ctx, http.MethodGet, "/device/talks/"+url.PathEscape(string(id)), nil, &out)
	return out, err
}

// Give gives the first device a conversation.
func (f *First) Give(ctx context.Context, talk json.RawMessage) error {
	return f.call(ctx, http.MethodPost, "/device/talks", talk, nil)
}

// Labels is what is noted of files there.
func (f *First) Labels(ctx context.Context) (out json.RawMessage, err error) {
	err = f.call(ctx, http.MethodGet, "/device/labels", nil, &out)
	return out, err
}

// Mark notes there what is noted of files here.
func (f *First) Mark(ctx context.Context, labels json.RawMessage) error {
	return f.call(ctx, http.MethodPost, "/device/labels", labels, nil)
}
