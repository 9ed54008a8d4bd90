package attempt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrixos/sys"
)

// Status classifies an HTTP status of 400 and above. reason is the provider's
// own message, key names the setting that holds the key.
func Status(op, base, key, modelID string, status int, h http.Header, reason string) *Failure {
	e := &sys.Error{Op: op, Path: modelID, Err: fmt.Errorf("%s answers %d: %s", base, status, reason)}
	f := &Failure{Err: e}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind = sys.Unauthorized
		e.Hint = fmt.Sprintf("check the key (%s) for %s", key, base)
	case status == http.StatusPaymentRequired || broke(reason):
		e.Kind = sys.Unavailable
		e.Hint = "the account behind the key has no credit left; add some, or choose another model"
	case status == http.StatusNotFound:
		e.Kind = sys.Invalid
		e.Hint = fmt.Sprintf("check the model's name %q and the address %s", modelID, base)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500:
		e.Kind = sys.Unavailable
		e.Hint = "try again later, or choose another model"
		f.Again = h.Get("x-should-retry") != "false"
		f.After = RetryAfter(h, time.Now())
	default:
		e.Kind = sys.Invalid
		e.Hint = "the provider rejects the request; its message says why"
	}
	return f
}

// broke reports whether the provider says that nobody pays.
func broke(reason string) bool {
	reason = strings.ToLower(reason)
	return strings.Contains(reason, "credit balance is too low") || strings.Contains(reason, "insufficient_quota")
}

// Transport classifies a failure below HTTP: no connection, or a stream that
// broke off.
func Transport(op, base, modelID string, err error) *Failure {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // its text repeats the address, and may hold more than that
	}
	e := &sys.Error{
		Op: op, Path: modelID, Kind: sys.Unavailable, Err: fmt.Errorf("%s: %w", base, err),
		Hint: fmt.Sprintf("is %s reachable? Otherwise choose another model", base),
	}
	if errors.Is(err, errRedirect) {
		e.Kind = sys.Invalid
		e.Hint = fmt.Sprintf("%s redirects elsewhere, and a key does not follow; enter the final address", base)
		return &Failure{Err: e}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Hint = fmt.Sprintf("%s shows a certificate that this machine does not trust", base)
		return &Failure{Err: e}
	}
	return &Failure{Err: e, Again: !errors.Is(err, context.Canceled)}
}

// Overflow reports whether a provider's message says that the prompt does not
// fit the model's window. Every server words it differently.
func Overflow(status int, message string) bool {
	if status == http.StatusRequestEntityTooLarge {
		return true
	}
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity && status < 500 {
		return false
	}
	message = strings.ToLower(message)
	for _, phrase := range []string{
		"prompt is too long", "exceed context limit", "context_length_exceeded", "maximum context length",
		"exceeds the available context", "context window", "context size", "input is too long", "prompt too long",
	} {
		if strings.Contains(message, phrase) {
			return true
		}
	}
	return false
}

// Client returns c, or a client of its own if c is nil, that follows no
// redirect: Go forwards custom headers, and a key would leave with them.
func Client(c *http.Client) *http.Client {
	out := http.Client{}
	if c != nil {
		out = *c
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	return &out
}

var errRedirect = errors.New("the server redirects")

// Dog breaks off an attempt that waits for its server for too long. It counts
// only the time spent waiting: decoding a large answer may take its own.
type Dog struct {
	timer *time.Timer
	idle  time.Duration
}

// Listen watches a response's body. Whatever arrives counts as a sign of life,
// keep-alive comments included, which the SDKs swallow: a model that thinks for
// long is not dead. It does nothing without a response.
func (d *Dog) Listen(r *http.Response) {
	if r != nil && r.Body != nil {
		d.timer.Stop()
		r.Body = &watched{body: r.Body, dog: d}
	}
}

type watched struct {
	body  io.ReadCloser
	dog   *Dog
	ended bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.dog.timer.Reset(w.dog.idle)
	n, err := w.body.Read(p)
	w.dog.timer.Stop()
	w.ended = w.ended || err != nil
	return n, err
}

const (
	drainTime  = 100 * time.Millisecond
	drainBytes = 4 << 10
)

// Close first reads what little follows the end of an answer: the SDKs stop
// before it, and a connection whose response is not read to its end is lost for
// the next request.
func (w *watched) Close() error {
	if !w.ended {
		w.dog.idle = drainTime
		_, _ = io.CopyN(io.Discard, w, drainBytes) // only an attempt to save the connection
	}
	return w.body.Close()
}

// Base checks an address and returns it without a trailing slash, any user
// name, or query.
func Base(op, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", &sys.Error{
			Op: op, Path: address, Kind: sys.Invalid,
			Hint: "an address of a model looks like https://api.example.org/v1",
		}
	}
	return strings.TrimRight(u.String(), "/"), nil
}
