package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"matrixos/sys"
)

// BisectOptions say what to look for. Test is required: it returns nil for a home
// that is well. An error of kind Unavailable says that it could not tell.
type BisectOptions struct {
	Good, Bad sys.LandingID // known well and known broken; 0 for the first landing and the newest
	Path      sys.Path      // only landings that touched this; "" means all
	Trust     bool          // Good and Bad are known: do not test them first
	Test      func(ctx context.Context, v *View) error
	Progress  func(BisectStep) // told of each landing tested; may be nil
}

// BisectStep is one landing that was tested.
type BisectStep struct {
	Landing sys.LandingID `json:"landing"`
	Verdict string        `json:"verdict"` // "good", "bad" or "unclear"
	Why     string        `json:"why,omitempty"`
	Runs    int           `json:"runs"`
	Millis  int64         `json:"millis"`
}

// Bisected is what was found.
type Bisected struct {
	First    sys.LandingID   `json:"first"`              // the first landing that is broken
	Suspects []sys.LandingID `json:"suspects,omitempty"` // it may as well be one of these, which could not be tested
	Why      string          `json:"why"`                // what the test says of it
	Of       int             `json:"of"`                 // landings that came into question
	Steps    []BisectStep    `json:"steps"`
}

// Bisect finds the first landing after Good whose view fails, with at most
// ⌈log₂N⌉ landings tested of the N in question, beside Good and Bad themselves.
// A landing counts as broken only if the test fails twice: one that passes the
// second time is good. It lands nothing.
func (d *Disk) Bisect(ctx context.Context, o BisectOptions) (Bisected, error) {
	out, err := d.bisect(ctx, o)
	return out, explain("bisect", string(o.Path), err)
}

func (d *Disk) bisect(ctx context.Context, o BisectOptions) (Bisected, error) {
	var out Bisected
	if o.Good == 0 {
		o.Good = 1
	}
	if o.Bad == 0 {
		o.Bad = d.Head()
	}
	if o.Good >= o.Bad {
		return out, &sys.Error{Op: "bisect", Kind: sys.Invalid, Err: fmt.Errorf("%s does not come before %s", o.Good, o.Bad), Hint: "name an older landing that was well, and a newer one that is not"}
	}
	b := &bisection{d: d, o: o, out: &out, known: map[sys.LandingID]verdict{}}
	suspects, err := b.between(ctx)
	if err != nil {
		return out, err
	}
	out.Of = len(suspects)
	if !o.Trust {
		if err := b.ends(ctx); err != nil {
			return out, err
		}
	}
	if len(suspects) == 0 {
		return out, &sys.Error{Op: "bisect", Path: string(o.Path), Kind: sys.NotFound, Err: fmt.Errorf("nothing changed it between %s and %s", o.Good, o.Bad), Hint: "`matrixos log` lists what changed; the cause may lie outside of it"}
	}
	return out, b.search(ctx, suspects)
}

type verdict struct {
	bad, unclear bool
	why          string
}

type bisection struct {
	d     *Disk
	o     BisectOptions
	out   *Bisected
	known map[sys.LandingID]verdict
}

// between lists the landings in question, oldest first.
func (b *bisection) between(ctx context.Context) ([]sys.LandingID, error) {
	var out []sys.LandingID
	for before := b.o.Bad + 1; ; {
		list, err := b.d.Log(ctx, Query{Path: b.o.Path, Before: before, Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			if l.ID <= b.o.Good {
				list = nil
				break
			}
			out = append(out, l.ID)
			before = l.ID
		}
		if len(list) == 0 {
			break
		}
	}
	slices.Reverse(out)
	return out, nil
}

// ends tests that there is something to find.
func (b *bisection) ends(ctx context.Context) error {
	bad, err := b.test(ctx, b.o.Bad)
	if err != nil {
		return err
	}
	if !bad.bad {
		return &sys.Error{Op: "bisect", Kind: sys.NotFound, Err: fmt.Errorf("%s is well", b.o.Bad), Hint: "name a landing that is broken with --bad, or another test with --run"}
	}
	good, err := b.test(ctx, b.o.Good)
	if err != nil {
		return err
	}
	if good.bad || good.unclear {
		return &sys.Error{Op: "bisect", Kind: sys.Invalid, Err: fmt.Errorf("%s is not well either: %s", b.o.Good, good.why), Hint: "name an older landing that was well with --good"}
	}
	return nil
}

// search halves the list, whose last landing is taken to be broken and what lies
// before its first to be well.
func (b *bisection) search(ctx context.Context, list []sys.LandingID) error {
	low, high := 0, len(list)-1 // the first broken one is in list[low:high+1]
	for low < high {
		mid, v, err := b.middle(ctx, list, low, high)
		if err != nil {
			return err
		}
		switch {
		case mid < 0: // none between can be told
			b.out.Suspects = list[low:high]
			low = high
		case v.bad:
			high = mid
		default:
			low = mid + 1
		}
	}
	b.out.First = list[high]
	if v, ok := b.known[list[high]]; ok {
		b.out.Why = v.why
	} else if v, ok := b.known[b.o.Bad]; ok {
		b.out.Why = v.why
	}
	return nil
}

// middle tests the landing in the middle of list[low:high] or, if that one cannot
// be told, the nearest that can; -1 if none can.
func (b *bisection) middle(ctx context.Context, list []sys.LandingID, low, high int) (int, verdict, error) {
	mid := low + (high-low)/2
	for off := 0; off < high-low; off++ {
		for _, i := range []int{mid - off, mid + off} {
			if i < low || i >= high || off == 0 && i != mid {
				continue
			}
			v, err := b.test(ctx, list[i])
			if err != nil || !v.unclear {
				return i, v, err
			}
		}
	}
	return -1, verdict{}, nil
}

// test runs the test on one landing, by the rule of failing twice.
func (b *bisection) test(ctx context.Context, id sys.LandingID) (verdict, error) {
	if v, ok := b.known[id]; ok {
		return v, nil
	}
	view, err := b.d.View(id)
	if err != nil {
		return verdict{}, err
	}
	start := time.Now()
	step := BisectStep{Landing: id, Verdict: "good"}
	var v verdict
	for step.Runs < 2 {
		step.Runs++
		err := b.o.Test(ctx, view)
		if ctx.Err() != nil {
			return v, &sys.Error{Op: "bisect", Kind: sys.Canceled, Err: ctx.Err()}
		}
		v = verdict{}
		if err == nil {
			break
		}
		v = verdict{bad: !errors.Is(err, sys.Unavailable), unclear: errors.Is(err, sys.Unavailable), why: err.Error()}
	}
	step.Millis, step.Why = time.Since(start).Milliseconds(), v.why
	switch {
	case v.bad:
		step.Verdict = "bad"
	case v.unclear:
		step.Verdict = "unclear"
	}
	b.known[id] = v
	b.out.Steps = append(b.out.Steps, step)
	if b.o.Progress != nil {
		b.o.Progress(step)
	}
	return v, nil
}
