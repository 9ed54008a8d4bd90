package kernel

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"sync"
	"time"

	"matrixos/sys"
)

// How long something at work may show no progress. Waiting for a person, a clock,
// a message or a child is no work; a command may take ten minutes by itself.
const (
	lookEvery    = 15 * time.Second
	loopStuck    = 2 * time.Minute
	processStuck = 15 * time.Minute
	leaveBehind  = 5 * time.Second
)

// loop is one of the kernel's background loops, with the progress that the
// watchdog looks at. A loop that hangs is left behind, and another one takes its
// place.
type loop struct {
	name string
	run  func(ctx context.Context, l *loop)

	mu     sync.Mutex
	busy   bool
	beat   time.Time
	cancel context.CancelFunc
	done   chan struct{}
	turns  int64 // how often it has done its work
}

// work marks the beginning of work; call the result at its end.
func (l *loop) work(now func() time.Time) (end func()) {
	l.mu.Lock()
	l.busy, l.beat = true, now()
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.busy, l.beat = false, now()
		l.turns++
		l.mu.Unlock()
	}
}

// stuck tells whether the loop has been at one piece of work for too long.
func (l *loop) stuck(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy && now.Sub(l.beat) > loopStuck
}

// start runs a loop in the background; a former run of it is told to end.
func (k *Kernel) start(l *loop) {
	ctx, cancel := context.WithCancel(k.base())
	done := make(chan struct{})
	l.mu.Lock()
	if l.cancel != nil {
		l.cancel()
	}
	l.cancel, l.done, l.busy, l.beat = cancel, done, false, k.now()
	l.mu.Unlock()
	go func() {
		defer close(done)
		defer cancel()
		l.run(ctx, l)
	}()
}

// settle waits for a loop to end, but not for one that hangs.
func (l *loop) settle() {
	l.mu.Lock()
	done := l.done
	l.mu.Unlock()
	select {
	case <-done:
	case <-time.After(leaveBehind):
	}
}

// watch looks after loops and processes until ctx ends.
func (k *Kernel) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
			k.look()
		}
	}
}

// look finds what makes no progress: it writes the stacks of all goroutines to
// the log, starts a loop anew, and ends a process.
func (k *Kernel) look() {
	now := k.now()
	for _, l := range k.loops {
		if l.stuck(now) {
			k.dump("a background loop hangs and is started anew", "loop", l.name)
			k.journal.Publish(sys.NewEvent(sys.EventNotice, sys.NoticeData{
				Level: "error", Title: "Something hung and was started anew", Text: "It was the " + l.name + ". The log says more.",
			}))
			k.start(l)
		}
	}
	for _, p := range k.all() {
		if p.stuck(now) {
			k.dump("a process makes no progress and is ended", "pid", p.pid())
			p.stop(&sys.Error{
				Op: "run", Path: fmt.Sprintf("process %d", p.pid()), Kind: sys.Internal,
				Err: fmt.Errorf("it made no progress for %s", processStuck), Hint: "ask again; the log says where it hung",
			})
		}
	}
}

func (p *process) stuck(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.row
	if r.WaitingFor == sys.ForModel && p.place == nil {
		return false // it waits in a queue
	}
	working := r.State == sys.Running || r.State == sys.Landing ||
		r.State == sys.Waiting && (r.WaitingFor == sys.ForModel || r.WaitingFor == sys.ForTool)
	return working && !p.dormant && now.Sub(p.beat) > processStuck
}

// dump writes the stacks of all goroutines to the log.
func (k *Kernel) dump(text string, args ...any) {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		b.WriteString(err.Error())
	}
	k.log.Error(text, append(args, "stacks", b.String())...)
}

// patiently runs think and comes back soon after ctx ends, whatever it does: what
// does not heed the end is left behind. A landing is never left.
func (p *process) patiently(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- p.think(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(leaveBehind):
		}
		if p.snapshot().State != sys.Landing {
			p.k.dump("a process does not end and is left behind", "pid", p.pid())
			return context.Cause(ctx)
		}
	}
}
