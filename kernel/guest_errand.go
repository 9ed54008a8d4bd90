package kernel

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"matrixos/model"
	"matrixos/sys"
)

// errand is what a process of a guest does: calls from outside, until they land.
type errand struct {
	p    *process
	open bool // it waits for more calls, and a refused landing can be mended
	jobs chan job

	over    chan struct{} // closed at the end of the process
	landing sys.LandingID // what has landed; set before over is closed
	err     error         // why it failed; as above
}

// job is something to do in the process.
type job struct {
	steps  []Step // empty: land
	answer chan Outcome
	failed chan error // why a landing was refused
}

// run makes calls in the process.
func (e *errand) run(ctx context.Context, steps []Step) (Outcome, error) {
	j := job{steps: steps, answer: make(chan Outcome, 1)}
	if err := e.give(ctx, j); err != nil {
		return Outcome{}, err
	}
	select {
	case out := <-j.answer:
		return out, nil
	case <-e.over:
		return Outcome{}, e.why()
	case <-ctx.Done(): // who asked is not there any more
		e.end(&sys.Error{Op: "run", Kind: sys.Canceled, Err: context.Cause(ctx)})
		return Outcome{}, e.why()
	}
}

// land lands what the process has done.
func (e *errand) land(ctx context.Context) (sys.LandingID, error) {
	j := job{failed: make(chan error, 1)}
	if err := e.give(ctx, j); err != nil {
		return 0, err
	}
	select {
	case <-e.over:
		return e.landing, e.err
	case err := <-j.failed:
		return 0, err
	case <-ctx.Done():
		e.end(&sys.Error{Op: "land", Kind: sys.Canceled, Err: context.Cause(ctx)})
		return e.landing, e.err
	}
}

func (e *errand) give(ctx context.Context, j job) error {
	select {
	case e.jobs <- j:
		return nil
	case <-e.over:
		return e.why()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// why is why the process is over before it should be.
func (e *errand) why() error {
	if e.err != nil {
		return e.err
	}
	return errNotBegun
}

// end stops the process and waits for that.
func (e *errand) end(why error) {
	e.p.stop(why)
	<-e.over
}

// serve is what the process of a guest does instead of thinking.
func (p *process) serve(ctx context.Context) error {
	if err := p.running(ctx); err != nil {
		return err
	}
	if err := p.keepUser(model.Message{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: p.req().text}}}); err != nil {
		return err
	}
	for {
		j, err := p.nextJob(ctx)
		if err != nil {
			return err
		}
		if j.steps != nil {
			j.answer <- p.steps(ctx, j.steps)
			continue
		}
		err = p.land(ctx)
		if err == nil || !p.errand.open {
			return err
		}
		told, fatal := p.rebase(ctx, err)
		if fatal != nil {
			return fatal
		}
		err = told
		if _, mendable := p.refused(err); !mendable {
			return err
		}
		if err := p.running(ctx); err != nil {
			return err
		}
		j.failed <- err
	}
}

// nextJob waits for the guest.
func (p *process) nextJob(ctx context.Context) (job, error) {
	e := p.errand
	if e.open {
		if err := p.waiting(ctx, sys.ForMessage, "the guest's next call"); err != nil {
			return job{}, err
		}
	}
	select {
	case j := <-e.jobs:
		return j, p.running(ctx)
	case <-ctx.Done():
		return job{}, context.Cause(ctx)
	case <-time.After(guestIdle):
		return job{}, &sys.Error{Op: "run", Kind: sys.Canceled, Err: errors.New("the guest made no call any more; what it had not landed is dropped")}
	}
}

// steps makes calls until one fails. What is secret is not for guests.
func (p *process) steps(ctx context.Context, list []Step) (out Outcome) {
	for _, s := range list {
		res := (*host)(p).Call(ctx, uuid.NewString(), s.Name, s.Input)
		out = Outcome{Text: res.Text, Failed: res.Failed}
		if p.snapshot().Label.Confidentiality > sys.OwnerOnly {
			return Outcome{Text: "This is not for guests: there is something secret in it.", Failed: true}
		}
		if out.Failed {
			break
		}
	}
	return out
}

// guestProblem is how the end of a guest's process is told.
func guestProblem(err error) error {
	if err == nil || !leaves(err) {
		return err
	}
	return &sys.Error{Op: "run", Kind: sys.Canceled, Err: errors.New("stopped; nothing of it landed after that")}
}

// runErrand lets the process of an errand live in the background.
func (k *Kernel) runErrand(p *process) {
	ctx, cancel := context.WithCancelCause(k.base())
	p.arm(ctx, cancel)
	k.group.Go(func() {
		defer cancel(nil)
		report, err := p.live(ctx)
		e := p.errand
		if n := len(report.Landings); n > 0 {
			e.landing = report.Landings[n-1].ID
		}
		e.err = err
		close(e.over)
	})
}
