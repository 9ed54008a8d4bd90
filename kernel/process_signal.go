package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"matrixos/sys"
)

// Signal is what one sends to a process. Each reaches it at once, also in the
// middle of a system call, and its children with it. A steering word is sent by
// Ask.
type Signal string

// The signals. Interrupt (the desktop's Stop button) and Kill (the operator's) end
// a process and drop what had not landed; Stop lets its whole request rest until
// Cont.
const (
	Interrupt Signal = "interrupt"
	Kill      Signal = "kill"
	Stop      Signal = "stop"
	Cont      Signal = "cont"
)

// arm gives the process the function by which signals reach it.
func (p *process) arm(ctx context.Context, cancel context.CancelCauseFunc) {
	p.mu.Lock()
	p.cancel, p.cause = cancel, func() error { return context.Cause(ctx) }
	p.mu.Unlock()
}

var errStopped = &sys.Error{Op: "run", Kind: sys.Canceled, Err: errors.New("stopped on your request; nothing of it landed after that")}

// Signal sends s to a process and its children.
func (k *Kernel) Signal(pid sys.PID, s Signal) error {
	ctx := k.base()
	switch s {
	case Cont:
		_, err := k.Continue(ctx, pid, Grant{})
		return err
	case Interrupt, Kill, Stop:
	default:
		return &sys.Error{Op: "signal", Path: string(s), Kind: sys.Invalid, Hint: "send interrupt, stop, cont or kill"}
	}
	p := k.process(pid)
	if p == nil {
		return &sys.Error{Op: "signal", Path: fmt.Sprint(pid), Kind: sys.NotFound, Hint: "it is not running; `matrixos ps` lists what is"}
	}
	switch {
	case s == Stop && p.rests():
		return nil
	case s == Stop:
		root, err := k.rootOf(ctx, pid)
		if err != nil {
			return err
		}
		if r := k.process(root); r != nil {
			p = r
		}
		p.stop(&parked{sys.ForStop, errStopped})
	case p.rests():
		return k.endResting(ctx, p)
	default:
		p.stop(errStopped)
	}
	return nil
}

// endResting ends a process that rests, and its children, which rest with it.
func (k *Kernel) endResting(ctx context.Context, p *process) error {
	p.reviving.Lock()
	defer p.reviving.Unlock()
	left, err := k.unfinished(ctx)
	if err != nil {
		return err
	}
	tree := []sys.PID{p.pid()}
	for _, s := range left {
		if !slices.Contains(tree, s.row.PID) && !slices.Contains(tree, s.row.Parent) {
			continue
		}
		tree = append(tree, s.row.PID)
		if q := k.process(s.row.PID); q != nil {
			if err := q.forget(); err != nil {
				k.log.WarnContext(ctx, "a workspace could not be removed", "pid", s.row.PID, "error", err)
			}
			k.dismiss(q)
		}
		if err := k.bury(ctx, s, "ended on your request while it rested"); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the process's context; children's contexts descend from it.
func (p *process) stop(why error) {
	p.mu.Lock()
	cancel := p.cancel
	p.mu.Unlock()
	if cancel != nil {
		cancel(why)
	}
}

// StopAll stops everything, now, and keeps it stopped, also over a restart, until
// ContinueAll: what runs is parked, and schedules start nothing. It waits until
// all have come to rest, or ctx ends.
func (k *Kernel) StopAll(ctx context.Context) error {
	k.stopped.Store(true)
	var running []*process
	for _, p := range k.all() {
		if !p.rests() {
			running = append(running, p)
			p.stop(&parked{sys.ForStop, errStopped})
		}
	}
	if err := k.setStopped(ctx, true); err != nil {
		return err
	}
	for _, p := range running {
		p.mu.Lock()
		done := p.done
		p.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return &sys.Error{Op: "stop everything", Kind: sys.Unavailable, Err: ctx.Err(), Hint: "a process does not end; `matrixos ps` names it"}
		}
	}
	return nil
}

// Stopped reports whether the owner has stopped everything.
func (k *Kernel) Stopped() bool { return k.stopped.Load() }

func (k *Kernel) setStopped(ctx context.Context, on bool) error {
	value := ""
	if on {
		value = "yes"
	}
	if err := k.setMeta(ctx, metaStopped, value); err != nil {
		return err
	}
	k.stopped.Store(on)
	return nil
}

func (k *Kernel) all() []*process {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*process, 0, len(k.procs))
	for _, p := range k.procs {
		all = append(all, p)
	}
	return all
}

// Processes lists the processes that have not ended, by PID, with their figures
// as of now.
func (k *Kernel) Processes() []sys.Process {
	all := k.all()
	out := make([]sys.Process, 0, len(all))
	for _, p := range all {
		row := p.snapshot()
		count(&row, k.now().Sub(row.Since))
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b sys.Process) int { return cmp.Compare(a.PID, b.PID) })
	return out
}
