package kernel

import (
	"fmt"
	"slices"

	"matrixos/sys"
)

// next lists the legal transitions of a process's state.
var next = map[sys.State][]sys.State{
	sys.Created: {sys.Ready, sys.Killed},
	sys.Ready:   {sys.Running, sys.Killed, sys.Failed},
	sys.Running: {sys.Waiting, sys.Landing, sys.Done, sys.Failed, sys.Killed, sys.Parked},
	sys.Waiting: {sys.Running, sys.Failed, sys.Killed, sys.Parked},
	sys.Landing: {sys.Running, sys.Done, sys.Failed, sys.Killed},
	sys.Parked:  {sys.Ready, sys.Killed},
}

// moveLocked takes the row to state to; an illegal transition is a fault of
// ours and is returned as such. The caller holds the process's mu.
func (p *process) moveLocked(to sys.State, waitingFor string) error {
	from := p.row.State
	if from == to && p.row.WaitingFor == waitingFor {
		return nil
	}
	if from != to && !slices.Contains(next[from], to) {
		return &sys.Error{
			Op: "move process", Path: fmt.Sprint(p.row.PID), Kind: sys.Internal,
			Err: fmt.Errorf("no way from %s to %s", from, to),
		}
	}
	p.row.State, p.row.WaitingFor = to, waitingFor
	return nil
}
