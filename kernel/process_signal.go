package kernel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"matrixos/sys"
)

// Signal is what one sends to a process.
type Signal string

// The signals. Both end the process's work at once, also in the middle of a
// system call, and drop what had not landed; Interrupt is the owner's Stop
// button, Kill the operator's.
const (
	Interrupt Signal = "interrupt"
	Kill      Signal = "kill"
)

// arm gives the process the function by which signals reach it.
func (p *process) arm(cancel context.CancelCauseFunc) {
	p.mu.Lock()
	p.cancel = cancel
	p.mu.Unlock()
}

// Signal sends s to a process and its children.
func (k *Kernel) Signal(pid sys.PID, s Signal) error {
	if s != Interrupt && s != Kill {
		return &sys.Error{Op: "signal", Path: string(s), Kind: sys.Invalid, Hint: "send interrupt or kill"}
	}
	k.mu.Lock()
	p := k.procs[pid]
	k.mu.Unlock()
	if p == nil {
		return &sys.Error{Op: "signal", Path: fmt.Sprint(pid), Kind: sys.NotFound, Hint: "it is not running; `matrixos ps` lists what is"}
	}
	p.stop()
	return nil
}

// stop ends the process's context; children's contexts descend from it.
func (p *process) stop() {
	p.mu.Lock()
	cancel := p.cancel
	p.mu.Unlock()
	if cancel != nil {
		cancel(&sys.Error{Op: "run", Kind: sys.Canceled, Err: fmt.Errorf("stopped on your request; nothing of it landed after that")})
	}
}

// StopAll stops every process and waits until all have left the table, or ctx
// ends.
func (k *Kernel) StopAll(ctx context.Context) error {
	k.mu.Lock()
	all := make([]*process, 0, len(k.procs))
	for _, p := range k.procs {
		all = append(all, p)
	}
	k.mu.Unlock()
	for _, p := range all {
		p.stop()
	}
	for _, p := range all {
		select {
		case <-p.done:
		case <-ctx.Done():
			return &sys.Error{Op: "stop everything", Kind: sys.Unavailable, Err: ctx.Err(), Hint: "a process does not end; `matrixos ps` names it"}
		}
	}
	return nil
}

// Processes lists the processes that have not ended, by PID.
func (k *Kernel) Processes() []sys.Process {
	k.mu.Lock()
	all := make([]*process, 0, len(k.procs))
	for _, p := range k.procs {
		all = append(all, p)
	}
	k.mu.Unlock()
	out := make([]sys.Process, 0, len(all))
	for _, p := range all {
		out = append(out, p.snapshot())
	}
	slices.SortFunc(out, func(a, b sys.Process) int { return cmp.Compare(a.PID, b.PID) })
	return out
}
