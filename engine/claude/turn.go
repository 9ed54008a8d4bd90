package claude

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// turn is one run from what the owner said to the model's last word. Its loop is
// the only goroutine that asks the provider, keeps messages and emits events.
type turn struct {
	*session
	emit   func(engine.Event)
	out    *engine.Outcome
	asked  chan *asked
	wanted chan *wanted
	over   chan struct{}
	guard  engine.Guard

	final   bool     // the model has said its last word
	refused bool     // which was no
	unheard []string // words that the CLI has and the model may not
	crashes int

	relieved, empty, cutOff int // in a row, as in engine/native

	batch   []*due // calls of the newest reply; mu guards it
	calls   sync.WaitGroup
	readers sync.RWMutex  // a call that may change something is alone
	slots   chan struct{} // of calls that only read
	said    []model.Block
}

// due is a call that the model has made and that has to be answered.
type due struct {
	call   model.Block
	faulty bool
	begun  bool
	done   bool
	result model.Block
}

// wanted is a call that the CLI asks to be run.
type wanted struct {
	cli      *cli
	id, name string
	reply    chan model.Block
}

const (
	parallel   = 8                      // calls that only read and run at once
	maxCrashes = 3                      // of the CLI in one turn, before it is given up
	silence    = 2 * time.Minute        // after which a CLI that has nothing to wait for is given up
	restWithin = 10 * time.Second       // for a CLI to come to rest after the last word
	yieldTo    = 300 * time.Millisecond // for a CLI to heed an interruption
)

// errShorten says that the conversation has to get shorter first.
var errShorten = errors.New("the conversation is too long")

func (t *turn) run(ctx context.Context, in []model.Block) error {
	if err := t.begin(ctx, in); err != nil {
		t.drop()
		if ctx.Err() != nil {
			return canceled(ctx)
		}
		return err
	}
	for {
		done, err := t.step(ctx)
		if errors.Is(err, errShorten) {
			err = t.shorten(ctx)
		}
		switch {
		case err == nil && done:
			return nil
		case ctx.Err() != nil:
			return t.stop(ctx)
		case err != nil:
			t.drop()
			t.calls.Wait()
			return errors.Join(err, t.settle(ctx, nil))
		}
	}
}

// step waits for the next thing and does what it takes.
func (t *turn) step(ctx context.Context) (done bool, err error) {
	patience := silence
	if t.final {
		patience = restWithin
	}
	quiet := time.NewTimer(patience)
	defer quiet.Stop()
	select {
	case <-ctx.Done():
		return false, canceled(ctx)
	case q := <-t.asked:
		if q.cli != t.cli {
			return false, nil // it was given up meanwhile
		}
		return false, t.serve(ctx, q)
	case w := <-t.wanted:
		t.start(ctx, w)
		return false, nil
	case l := <-t.cli.results:
		return t.ended(l)
	case <-t.cli.gone:
		return t.crashed(ctx)
	case <-quiet.C:
		switch {
		case t.final:
			t.drop() // all is said; the next turn begins with a new one
			return true, nil
		case t.waiting():
			return false, nil // for a system call
		}
		return false, t.cli.broken(fmt.Errorf("it has done nothing for %v", silence))
	}
}

// waiting reports whether a call runs.
func (t *turn) waiting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.batch, func(d *due) bool { return d.begun && !d.done })
}

// ended takes the end of a turn of the CLI's. Of what it says about success
// nothing counts: a turn is over when the model has said its last word.
func (t *turn) ended(l *line) (done bool, err error) {
	switch {
	case !t.final:
		text := l.Result
		if len(l.Errors) > 0 {
			text = l.Errors[0]
		}
		return false, t.cli.broken(fmt.Errorf("it ended the turn (%s): %s", l.Subtype, engine.Head(text, 300)))
	case l.IsError:
		t.drop()
		return true, nil
	case len(t.unheard) > 0:
		t.final = false // it goes on with these by itself
		return false, nil
	}
	if !t.refused {
		if more := t.host.Steering(); len(more) > 0 {
			t.final = false
			return false, errors.Join(t.keepUser(more), t.cli.say(more))
		}
	}
	t.clean = true
	return true, nil
}

// crashed goes on in a new CLI where the old one died. Calls that run are waited
// for, so that none is made twice.
func (t *turn) crashed(ctx context.Context) (done bool, err error) {
	if t.final {
		t.drop()
		return true, nil
	}
	broken := t.cli.broken(errors.New("it ended in the middle of the turn"))
	if t.crashes++; t.crashes >= maxCrashes {
		return false, broken
	}
	t.eng.o.Logger.WarnContext(ctx, "Claude Code is started again", "error", broken)
	t.calls.Wait()
	if err := t.settle(ctx, nil); err != nil || ctx.Err() != nil {
		return false, err
	}
	t.unheard = nil
	return false, t.restart(ctx)
}

// stop ends the turn because ctx has. The CLI is asked to heed it, and ended if
// it does not soon.
func (t *turn) stop(ctx context.Context) error {
	err := canceled(ctx)
	heeds := t.cli != nil && t.cli.write(object{
		"type": "control_request", "request_id": "interrupt", "request": object{"subtype": "interrupt"},
	}) == nil
	t.calls.Wait()
	if kept := t.settle(ctx, nil); kept != nil {
		err = kept
	}
	timer := time.NewTimer(yieldTo)
	defer timer.Stop()
	for heeds {
		select {
		case <-t.cli.results:
			return err
		case w := <-t.wanted:
			w.reply <- stoppedBefore(model.Block{ID: w.id, Name: w.name})
		case q := <-t.asked:
			q.reply <- answer{refusal: "the turn was stopped"} // it goes on regardless
			heeds = false
		case <-t.cli.gone:
			heeds = false
		case <-timer.C:
			heeds = false
		}
	}
	t.drop()
	return err
}

// shorten replaces the older part of the conversation by a summary, and goes on
// in a new CLI.
func (t *turn) shorten(ctx context.Context) error {
	o := t.o
	o.History = t.msgs
	short, err := t.eng.short.Shorten(ctx, t.host, o)
	t.out.Cost = t.out.Cost.Add(short.Cost)
	if err != nil {
		return err
	}
	if len(short.Messages) == 0 {
		return engine.ErrFull(t.o.Model)
	}
	t.msgs, t.used, t.upTo = short.Messages, 0, 0
	t.relieved = 1
	t.retry("the conversation is too long; its older part was summed up")
	return t.restart(ctx)
}

// retry announces that a request is made again.
func (t *turn) retry(reason string) {
	t.emit(engine.Event{Kind: engine.Delta, Delta: model.Delta{Retry: &model.Retry{Attempt: 1, Reason: reason}}})
}

func (t *turn) keepUser(blocks []model.Block) error {
	m := model.Message{Role: model.User, Blocks: blocks}
	if err := t.host.Keep(context.Background(), m, sys.Cost{}); err != nil {
		return err
	}
	t.msgs = append(t.msgs, m)
	t.index(t.msgs[len(t.msgs)-1:])
	return nil
}

func canceled(ctx context.Context) error {
	return &sys.Error{Op: op, Kind: sys.Canceled, Err: context.Cause(ctx)}
}
