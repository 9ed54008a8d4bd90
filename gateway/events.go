package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"matrixos/sys"
)

const pingEvery = 25 * time.Second

// sockets counts the open event sockets, for the figures and the debug page, and those of
// them that belong to desktops.
type sockets struct{ open, desks atomic.Int64 }

// events is the socket that tells a desktop or a command what happens: text
// frames, each a JSON array of at most 64 events. With ?after=SEQ it starts
// behind that event and leaves no durable one out; without, it starts now.
// What the caller sends is ignored, but for closing.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request) {
	after, err := g.after(r)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	c := callerOf(r.Context())
	if c.session != nil && r.Header.Get("Origin") == "" { // a browser always names it
		elsewhere("an unknown origin").write(w)
		return
	}
	// The Origin was compared exactly before this; the library's own check
	// does not know the origins behind a proxy.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 10)
	g.live.open.Add(1)
	defer g.live.open.Add(-1)
	if c.session != nil {
		g.live.desks.Add(1)
		defer g.live.desks.Add(-1)
	}

	ctx := conn.CloseRead(r.Context())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go g.watch(ctx, cancel, conn, c)
	err = g.pump(ctx, conn, after)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSignedOut):
		_ = conn.Close(websocket.StatusPolicyViolation, "signed out") // gone either way
	case errors.Is(cause, errEnding):
		_ = conn.Close(websocket.StatusGoingAway, "the home is closing")
	case err != nil && ctx.Err() == nil:
		_ = conn.Close(websocket.StatusTryAgainLater, "connect again after the last event")
	}
}

var (
	errSignedOut = errors.New("signed out")
	errEnding    = errors.New("the server is ending")
)

// after reads where a reader wants to go on. A position beyond the end is of
// another home: it starts over, and so sees everything.
func (g *Gateway) after(r *http.Request) (sys.Seq, error) {
	last := g.journal.Last()
	s := r.URL.Query().Get("after")
	if s == "" {
		return last, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, &sys.Error{Op: "read position", Path: s, Kind: sys.Invalid, Hint: "after is the seq of the last event you saw, or 0"}
	}
	if sys.Seq(n) > last {
		return 0, nil
	}
	return sys.Seq(n), nil
}

// pump sends events until the connection or ctx ends.
func (g *Gateway) pump(ctx context.Context, conn *websocket.Conn, after sys.Seq) error {
	sub := g.journal.Subscribe(after)
	defer sub.Close()
	for {
		batch, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		frame, err := json.Marshal(readable(batch))
		if err != nil {
			return err
		}
		if err := within(ctx, writeWithin, func(ctx context.Context) error {
			return conn.Write(ctx, websocket.MessageText, frame)
		}); err != nil {
			return err
		}
		g.metrics.GetOrCreateCounter("matrixos_events_sent_total").Add(len(batch))
	}
}

// watch ends the connection when the session or the server does, or when the
// other side no longer answers pings.
func (g *Gateway) watch(ctx context.Context, cancel context.CancelCauseFunc, conn *websocket.Conn, c caller) {
	var signedOut <-chan struct{}
	if c.session != nil {
		signedOut = c.session.gone
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-signedOut:
			cancel(errSignedOut)
			return
		case <-g.ending:
			cancel(errEnding)
			return
		case <-ping.C:
			if err := within(ctx, writeWithin, conn.Ping); err != nil {
				cancel(err)
				return
			}
		}
	}
}

func within(ctx context.Context, d time.Duration, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return fn(ctx)
}
