package kernel

import (
	"context"
	"errors"

	"matrixos/sys"
)

// exit ends the process: it drops what had not landed, and journals the last
// state. It returns why the process failed, nil if it did not.
func (p *process) exit(ctx context.Context, why error) error {
	ctx = context.WithoutCancel(ctx)
	if err := p.forget(); err != nil {
		p.k.log.WarnContext(ctx, "a workspace could not be removed", "pid", p.pid(), "error", err)
	}
	to := sys.Done
	switch {
	case errors.Is(why, sys.Canceled):
		to = sys.Killed
	case why != nil:
		to = sys.Failed
	}
	p.mu.Lock()
	if p.row.State == sys.Waiting { // its child or question is gone with it
		p.row.State = sys.Running
	}
	err := p.moveLocked(to, "")
	p.row.Ended = p.k.now()
	if why != nil {
		p.row.Error = why.Error()
	}
	p.mu.Unlock()
	if err != nil {
		return errors.Join(why, err)
	}
	return errors.Join(why, p.update(ctx, func(*sys.Process) {}))
}
