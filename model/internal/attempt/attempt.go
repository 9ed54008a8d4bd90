// Package attempt makes one request to a remote model until it is answered: it
// announces every further attempt, waits between them, and breaks off an answer
// that has gone silent. It knows no protocol: adapters say what a failure means.
package attempt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

// Policy says how patient a model is. The zero value of each field means its
// default.
type Policy struct {
	Retries int           // further attempts; 4; negative means none
	Backoff time.Duration // before the second attempt, doubling from there; 500 ms
	MaxWait time.Duration // a provider that asks for a longer pause is given up; 60 s
	Idle    time.Duration // without a byte, an answer counts as dead; 90 s
	Logger  *slog.Logger
}

// Failure is how one attempt failed.
type Failure struct {
	Err   *sys.Error
	Again bool          // another attempt may help
	After time.Duration // what the provider asks to wait; 0 if it does not say
	Cost  sys.Cost      // of what had streamed
}

// Once makes one attempt, and lets dog listen to the response. Exactly one of
// its results is set.
type Once func(ctx context.Context, sink func(model.Delta), dog *Dog) (*model.Reply, *Failure)

var errIdle = errors.New("the stream has gone silent")

func (p Policy) withDefaults() Policy {
	if p.Retries == 0 {
		p.Retries = 4
	}
	if p.Backoff == 0 {
		p.Backoff = 500 * time.Millisecond
	}
	if p.MaxWait == 0 {
		p.MaxWait = 60 * time.Second
	}
	if p.Idle == 0 {
		p.Idle = 90 * time.Second
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	return p
}

// Run attempts until an answer is whole, the failure is final, the patience is
// at its end, or ctx is. The cost of broken attempts is part of the result.
func (p Policy) Run(ctx context.Context, sink func(model.Delta), once Once) (*model.Reply, error) {
	p = p.withDefaults()
	var spent sys.Cost
	for try := 1; ; try++ {
		rep, fail := p.watch(ctx, sink, once)
		if fail == nil {
			rep.Cost = rep.Cost.Add(spent)
			return rep, nil
		}
		spent = spent.Add(fail.Cost)
		spent.Estimated = spent.Estimated || fail.Cost != sys.Cost{}
		broken := &model.Reply{Cost: spent}
		if ctx.Err() != nil {
			return broken, Canceled(ctx, fail.Err.Op)
		}
		wait := p.pause(try, fail.After)
		switch {
		case !fail.Again:
			return broken, fail.Err
		case fail.After > p.MaxWait:
			fail.Err.Hint = fmt.Sprintf("the provider asks to wait %v; try again then, or choose another model", fail.After)
			return broken, fail.Err
		case try > p.Retries:
			fail.Err.Err = fmt.Errorf("%w (attempt %d, the last)", fail.Err.Err, try)
			return broken, fail.Err
		}
		p.Logger.DebugContext(ctx, "model request failed", "attempt", try, "wait", wait, "err", fail.Err)
		sink(model.Delta{Retry: &model.Retry{Attempt: try, After: wait, Reason: fail.Err.Err.Error()}})
		if !sleep(ctx, wait) {
			return broken, Canceled(ctx, fail.Err.Op)
		}
	}
}

// watch runs one attempt under the idle watchdog.
func (p Policy) watch(ctx context.Context, sink func(model.Delta), once Once) (*model.Reply, *Failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dog := &Dog{time.AfterFunc(p.Idle, func() { cancel(errIdle) }), p.Idle}
	defer dog.timer.Stop()
	rep, fail := once(ctx, sink, dog)
	if fail != nil && errors.Is(context.Cause(ctx), errIdle) {
		fail.Err = &sys.Error{
			Op: fail.Err.Op, Path: fail.Err.Path, Kind: sys.Unavailable, Err: fmt.Errorf("%w for %v", errIdle, p.Idle),
			Hint: "try again, or choose another model",
		}
		fail.Again, fail.After = true, 0
	}
	return rep, fail
}

// pause doubles with every attempt, up to half a minute, and is scattered so
// that many clients do not come back at once. What the provider asks for counts.
func (p Policy) pause(try int, after time.Duration) time.Duration {
	if after > 0 {
		return after
	}
	d := min(p.Backoff<<min(try-1, 10), 30*time.Second, p.MaxWait)
	return d/2 + rand.N(d/2+1)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Canceled is the error of a request whose ctx has ended.
func Canceled(ctx context.Context, op string) *sys.Error {
	return &sys.Error{Op: op, Kind: sys.Canceled, Err: context.Cause(ctx)}
}

// RetryAfter reads how long the provider asks to wait: retry-after-ms, or
// retry-after in seconds or as a date. What it cannot read, or what lies in the
// past, counts as nothing said.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("retry-after-ms"), 64); err == nil {
		return bounded(ms / 1000)
	}
	v := h.Get("retry-after")
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return bounded(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return bounded(t.Sub(now).Seconds())
	}
	return 0
}

// bounded turns seconds into a duration without overflow: beyond a year the
// figure no longer matters. NaN counts as nothing.
func bounded(seconds float64) time.Duration {
	const year = 365 * 24 * 3600
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, year) * float64(time.Second))
}
