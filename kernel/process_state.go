package kernel

import (
	"fmt"
	"slices"
	"time"

	"matrixos/sys"
)

// next lists the legal transitions of a process's state. Whatever was at work
// becomes ready again when it is taken up after a crash or a stop.
var next = map[sys.State][]sys.State{
	sys.Created: {sys.Ready, sys.Killed},
	sys.Ready:   {sys.Running, sys.Killed, sys.Failed, sys.Parked},
	sys.Running: {sys.Waiting, sys.Landing, sys.Ready, sys.Done, sys.Failed, sys.Killed, sys.Parked},
	sys.Waiting: {sys.Running, sys.Landing, sys.Ready, sys.Done, sys.Failed, sys.Killed, sys.Parked},
	sys.Landing: {sys.Running, sys.Waiting, sys.Ready, sys.Done, sys.Failed, sys.Killed, sys.Parked},
	sys.Parked:  {sys.Ready, sys.Killed},
}

// wait is what a process in state waiting waits for.
type wait struct {
	why sys.WaitFor
	on  string
}

// moveLocked takes the row to state to and counts the time in the state it
// leaves; an illegal transition is a fault of ours and is returned as such. The
// caller holds the process's mu, and makes the row durable before anybody acts
// upon the new state.
func (p *process) moveLocked(to sys.State, w wait) error {
	r := &p.row
	if r.State == to && r.WaitingFor == w.why && r.WaitingOn == w.on {
		return nil
	}
	if r.State != to && !slices.Contains(next[r.State], to) {
		return &sys.Error{
			Op: "move process", Path: fmt.Sprint(r.PID), Kind: sys.Internal,
			Err: fmt.Errorf("no way from %s to %s", r.State, to),
		}
	}
	now := p.k.now()
	if !r.Since.IsZero() {
		p.memo.Patience += count(r, now.Sub(r.Since))
	}
	r.State, r.WaitingFor, r.WaitingOn, r.Since = to, w.why, w.on, now
	if to != sys.Parked {
		r.Parked = ""
	}
	return nil
}

// count adds d to the figures of the state that r is in. It returns how much of
// it was spent on waiting for people and clocks, in milliseconds.
func count(r *sys.Process, d time.Duration) (patience int64) {
	ms := max(0, d).Milliseconds()
	switch r.State {
	case sys.Running, sys.Landing:
		r.RunMillis += ms
	case sys.Waiting:
		r.WaitMillis += ms
		if r.WaitingFor == sys.ForApproval || r.WaitingFor == sys.ForTimer || r.WaitingFor == sys.ForMessage {
			return ms
		}
	case sys.Ready:
		r.ReadyMillis += ms
	case sys.Created, sys.Parked, sys.Done, sys.Failed, sys.Killed:
	}
	return 0
}
