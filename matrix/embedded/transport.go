package embedded

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Transport carries requests to the server without a network. Answers stream.
func (s *Server) Transport() http.RoundTripper { return direct{s} }

// direct calls a handler for each request.
type direct struct{ to http.Handler }

// RoundTrip returns as soon as the handler has written its status.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	from, to := io.Pipe()
	w := &answer{header: http.Header{}, body: to, begun: make(chan struct{})}
	go func() {
		defer in.Body.Close()
		err := fmt.Errorf("the handler ended: %w", io.ErrUnexpectedEOF) // also of a goroutine that is ended from within
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the handler panicked: %v", p)
			}
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				_ = to.CloseWithError(err) // it always succeeds
				return
			}
			w.WriteHeader(http.StatusOK)
			_ = to.Close() // it always succeeds
		}()
		d.to.ServeHTTP(w, in)
		err = nil
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		cancel()
		_ = from.Close() // it always succeeds
		return nil, ctx.Err()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, ContentLength: -1, Request: r,
		Body: body{from, cancel},
	}, nil
}

// body ends the handler's context when nobody reads any more.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b body) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// answer is what a handler writes to.
type answer struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{}
	status int         // set when begun is closed
	sent   http.Header // what header was then
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK { // 1xx are not the answer
		return
	}
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	})
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Flush does nothing: every write arrives at once.
func (a *answer) Flush() {}
