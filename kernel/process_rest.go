package kernel

import (
	"context"
	"time"

	"matrixos/sys"
)

// A process that waits for a clock or for mail rests: it asks no model, holds no
// place at one, and its wall time stands still.

// rest is such a wait, of one call. It is kept, so that a call that is made again
// after a restart ends when it would have ended.
type rest struct {
	Call  string    `json:"call"`
	Until time.Time `json:"until"`
}

// Rest waits for d. It comes back early, and says so, if the owner says something to
// the process meanwhile.
func (c *Call) Rest(ctx context.Context, d time.Duration) (spoken bool, err error) {
	return c.p.rest(ctx, c.ID, sys.ForTimer, d, func() (bool, error) { return false, nil })
}

// AwaitMail is ReadMail that waits up to d for mail if there is none; less if the
// owner says something meanwhile.
func (c *Call) AwaitMail(ctx context.Context, d time.Duration) (list []sys.Mail, err error) {
	_, err = c.p.rest(ctx, c.ID, sys.ForMessage, d, func() (bool, error) {
		list, err = c.ReadMail(ctx)
		return len(list) > 0, err
	})
	return list, err
}

// rest waits for d, until over says so, or until the owner says something. It asks
// over at first and after each event of mail.
func (p *process) rest(ctx context.Context, call string, why sys.WaitFor, d time.Duration, over func() (bool, error)) (spoken bool, err error) {
	until := p.k.now().Add(d)
	events := p.k.journal.Subscribe(p.k.journal.Last())
	defer events.Close()
	err = p.commit(ctx, func() error {
		if r := p.memo.Rest; r != nil && r.Call == call && p.retaken == call {
			until = r.Until
		}
		p.memo.Rest = &rest{call, until}
		return p.moveLocked(sys.Waiting, wait{why, "until " + until.Local().Format("15:04:05")})
	})
	if err != nil {
		return false, err
	}
	clock, stop := context.WithTimeout(ctx, until.Sub(p.k.now()))
	defer stop()
	for look := true; ; {
		if look {
			if done, err := over(); done || err != nil {
				return false, p.wake(ctx, err)
			}
		}
		if p.hears() {
			return true, p.wake(ctx, nil)
		}
		list, err := events.Next(clock)
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case clock.Err() != nil:
			return false, p.wake(ctx, nil)
		case err != nil:
			return false, p.wake(ctx, err)
		}
		look = false
		for _, e := range list {
			look = look || e.Kind == sys.EventMail
		}
	}
}

// wake ends a rest, with the error that ended it or none.
func (p *process) wake(ctx context.Context, why error) error {
	err := p.commit(ctx, func() error {
		p.memo.Rest = nil
		return p.moveLocked(sys.Running, wait{})
	})
	if why != nil {
		return why
	}
	return err
}

// hears reports whether the owner has said something that the model has not got.
// Words that are being taken count: their event comes before they are at hand.
func (p *process) hears() bool {
	p.hearing.Lock()
	defer p.hearing.Unlock()
	return p.hasWords()
}
