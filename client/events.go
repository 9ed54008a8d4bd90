package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"matrixos/sys"
)

const (
	frameLimit = 64 << 20 // a batch of large durable events
	firstWait  = 50 * time.Millisecond
	longestOff = 2 * time.Second
)

// Stream is a reader of the event socket that connects again by itself, also to the
// daemon that was started in the place of one that died: every durable event arrives exactly once and in order, ephemeral ones may be
// missing. One goroutine at a time may use it.
type Stream struct {
	c     *Client
	conn  *websocket.Conn
	after sys.Seq
}

// Events opens a stream behind the event after, and returns once it is
// connected: nothing that happens from then on is missed.
func (c *Client) Events(ctx context.Context, after sys.Seq) (*Stream, error) {
	s := &Stream{c: c, after: after}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Stream) connect(ctx context.Context) error {
	h := http.Header{}
	h.Set("Authorization", "Bearer "+s.c.token)
	conn, res, err := websocket.Dial(ctx, //nolint:bodyclose // the body of an accepted upgrade is the connection
		s.c.base+"/api/events?after="+strconv.FormatInt(int64(s.after), 10), &websocket.DialOptions{
			HTTPClient: s.c.http, HTTPHeader: h,
		})
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols && res.StatusCode < http.StatusInternalServerError {
			body := make([]byte, 1024) // Dial leaves as much to be read
			n, _ := res.Body.Read(body)
			return failure("follow events", res.StatusCode, body[:n])
		}
		return s.c.unreachable(ctx, "follow events", err)
	}
	conn.SetReadLimit(frameLimit)
	s.conn = conn
	return nil
}

// Next waits for the next events. It fails when ctx ends, when the gateway
// refuses us, or when it stays away for some ten seconds.
func (s *Stream) Next(ctx context.Context) ([]sys.Event, error) {
	wait, patience := firstWait, time.Now().Add(10*time.Second)
	for {
		if s.conn != nil {
			batch, err := s.read(ctx)
			if err == nil {
				return batch, nil
			}
			_ = s.conn.CloseNow() // it is broken already
			s.conn = nil
		}
		if err := ctx.Err(); err != nil {
			return nil, &sys.Error{Op: "follow events", Kind: sys.Canceled, Err: err}
		}
		err := s.reconnect(ctx)
		if err == nil {
			continue
		}
		if !errors.Is(err, sys.Unavailable) || time.Now().After(patience) {
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			wait = min(2*wait, longestOff)
		}
	}
}

// reconnect connects to whoever holds the home now; with nobody there it fails with
// kind Unavailable.
func (s *Stream) reconnect(ctx context.Context) error {
	err := s.connect(ctx)
	if err == nil || s.c.home == "" {
		return err
	}
	next, gone := Connect(ctx, s.c.home)
	if gone != nil {
		return s.c.unreachable(ctx, "follow events", err)
	}
	s.c = next
	return s.connect(ctx)
}

// read reads one frame and drops what it had already.
func (s *Stream) read(ctx context.Context) ([]sys.Event, error) {
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		var batch []sys.Event
		if err := json.Unmarshal(frame, &batch); err != nil {
			return nil, err
		}
		fresh := batch[:0]
		for _, e := range batch {
			if e.Seq != 0 && e.Seq <= s.after {
				continue
			}
			if e.Seq != 0 {
				s.after = e.Seq
			}
			fresh = append(fresh, e)
		}
		if len(fresh) > 0 {
			return fresh, nil
		}
	}
}

// Close ends the stream.
func (s *Stream) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.CloseNow()
}

// Follow asks and calls fn for every event of the request in order, up to and
// including its answer, which it returns. It stops early when fn fails.
func (c *Client) Follow(ctx context.Context, a Ask, began func(Ticket), fn func(sys.Event) error) (sys.AnswerData, error) {
	return c.FollowFrom(ctx, func(ctx context.Context) (Ticket, error) { return c.Ask(ctx, a) }, began, fn)
}

// FollowFrom is Follow for a request that start begins.
func (c *Client) FollowFrom(ctx context.Context, start func(context.Context) (Ticket, error), began func(Ticket), fn func(sys.Event) error) (sys.AnswerData, error) {
	var answer sys.AnswerData
	s, err := c.Session(ctx)
	if err != nil {
		return answer, err
	}
	stream, err := c.Events(ctx, s.Seq)
	if err != nil {
		return answer, err
	}
	defer stream.Close()
	t, err := start(ctx)
	if err != nil {
		return answer, err
	}
	began(t)
	for {
		batch, err := stream.Next(ctx)
		if err != nil {
			return answer, err
		}
		for _, e := range batch {
			if e.Request != t.Request {
				continue
			}
			if err := fn(e); err != nil {
				return answer, err
			}
			if e.Kind == sys.EventAnswer {
				if err := json.Unmarshal(e.Data, &answer); err != nil {
					return answer, &sys.Error{Op: "read answer", Kind: sys.Internal, Err: err}
				}
				return answer, nil
			}
		}
	}
}
