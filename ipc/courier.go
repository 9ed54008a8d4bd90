package ipc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Deliverer carries out effects of one kind. Deliver may be called again with the
// same effect, and then has the same Key: it passes the key on, or finds out by
// itself whether the act has happened. An error of kind Invalid, Refused,
// NotFound or NeedsApproval ends the attempts at once, any other is tried again.
// It must return when ctx ends.
type Deliverer interface {
	Deliver(ctx context.Context, e sys.Effect) error
}

const (
	deliveryTime = 2 * time.Minute            // one attempt
	deliveryHold = deliveryTime + time.Minute // the claim outlasts the attempt
)

// Courier carries out the effects of one kind, one after another. Several
// couriers of a kind, also in several processes, do not disturb each other.
type Courier struct {
	store *Store
	j     *journal.Journal
	kind  string
	to    Deliverer
	log   *slog.Logger
}

// NewCourier makes the courier of a kind. Logger is required.
func NewCourier(s *Store, j *journal.Journal, kind string, to Deliverer, log *slog.Logger) *Courier {
	return &Courier{store: s, j: j, kind: kind, to: to, log: log}
}

// Run delivers until ctx ends: it follows the journal for new effects, and the
// clock for those that wait for their next attempt. A failure of the journal is
// logged and tried again.
func (c *Courier) Run(ctx context.Context) {
	woken := make(chan struct{}, 1)
	sub := c.j.Subscribe(c.j.Last())
	following := make(chan struct{})
	go func() {
		defer close(following)
		c.follow(ctx, sub, woken)
	}()
	defer func() { sub.Close(); <-following }()
	for ctx.Err() == nil {
		wait, err := c.step(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "the outbox could not be read; it is tried again", "kind", c.kind, "error", err)
			wait = firstPause
		}
		select {
		case <-ctx.Done():
		case <-woken:
		case <-time.After(wait):
		}
	}
}

// follow wakes the courier when the outbox changes.
func (c *Courier) follow(ctx context.Context, sub *journal.Subscription, woken chan<- struct{}) {
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return
		}
		for _, e := range events {
			if e.Kind == sys.EventEffect {
				select {
				case woken <- struct{}{}:
				default:
				}
				break
			}
		}
	}
}

// step delivers all that is due and returns how long nothing else will be.
func (c *Courier) step(ctx context.Context) (time.Duration, error) {
	for {
		some, err := c.DeliverOne(ctx)
		if err != nil {
			return 0, err
		}
		if some {
			continue
		}
		due, err := c.store.whenDue(ctx, c.j, c.kind)
		if err != nil || due.IsZero() {
			return time.Hour, err // an event wakes us before
		}
		return max(due.Sub(c.store.now()), 10*time.Millisecond), nil
	}
}

// DeliverOne claims the next effect that is due, delivers it and notes the
// result. It reports whether there was one. What Deliver says is in the
// effect, not in the error.
func (c *Courier) DeliverOne(ctx context.Context) (some bool, err error) {
	var e sys.Effect
	err = c.j.Update(ctx, func(tx *journal.Tx) (err error) {
		e, some, err = c.store.nextEffect(ctx, tx, c.kind, deliveryHold)
		return err
	})
	if err != nil || !some || e.State != sys.EffectClaimed {
		return some, err
	}
	result := c.deliver(ctx, e)
	// The act has happened or not: that is worth noting even while stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return true, c.j.Update(ctx, func(tx *journal.Tx) error { return c.store.settleEffect(ctx, tx, e, result) })
}

// deliver makes one attempt. A deliverer that panics has failed.
func (c *Courier) deliver(ctx context.Context, e sys.Effect) (err error) {
	attempt, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while delivering: %v", p)
		}
	}()
	err = c.to.Deliver(attempt, e)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.Canceled) {
		err = fmt.Errorf("the other side broke off: %s", err.Error()) // not we: it counts
	}
	return err
}
