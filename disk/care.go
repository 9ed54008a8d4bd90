package disk

import (
	"context"
	"time"

	"matrixos/sys"
)

const (
	careEvery  = 10 * time.Minute // how often idleness is looked for
	scrubEvery = 7 * 24 * time.Hour
	scrubRate  = 8 << 20 // bytes a second
	packEvery  = 24 * time.Hour
)

// Care says how the home looks after itself when nothing else happens. Zero
// fields mean the defaults: a scrub a week, at 8 MB a second.
type Care struct {
	ScrubEvery time.Duration
	ScrubRate  int64 // bytes a second
}

// SetCare says where the rules come from; they are asked for each time.
func (d *Disk) SetCare(rules func() Care) { d.care.Store(&rules) }

// rules returns the rules as they are now.
func (d *Disk) rules() Care {
	var c Care
	if from := d.care.Load(); from != nil {
		c = (*from)()
	}
	if c.ScrubEvery <= 0 {
		c.ScrubEvery = scrubEvery
	}
	if c.ScrubRate <= 0 {
		c.ScrubRate = scrubRate
	}
	return c
}

// lookAfter scrubs and collects in idle time, until ctx ends. Failures are
// logged, and it is tried again later.
func (d *Disk) lookAfter(ctx context.Context) {
	var before sys.LandingID
	for {
		select {
		case <-time.After(careEvery):
		case <-ctx.Done():
			return
		}
		if at := d.Head(); at != before { // somebody is at work
			before = at
			continue
		}
		if err := d.careOnce(ctx, time.Now()); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "the home could not look after itself; it is tried again", "error", err)
		}
	}
}

// careOnce does what is due.
func (d *Disk) careOnce(ctx context.Context, now time.Time) error {
	state, err := d.Upkeep(ctx)
	if err != nil {
		return err
	}
	if state.GC == nil || now.Sub(state.GC.Time) >= packEvery {
		if _, err := d.GC(ctx, false); err != nil {
			return err
		}
	}
	rules := d.rules()
	if state.Scrub == nil || now.Sub(state.Scrub.Finished) >= rules.ScrubEvery {
		if _, err := d.Scrub(ctx, rules.ScrubRate); err != nil {
			return err
		}
	}
	return nil
}
