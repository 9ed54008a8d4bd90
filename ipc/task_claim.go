package ipc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Claim says who wants which task and for how long.
type Claim struct {
	By    sys.PID
	ID    sys.TaskID // this one; 0 means the best that is ready
	Types []string   // only of these types; empty means any
	Lease time.Duration
}

// longestLease bounds how long a dead process can hold a task.
const longestLease = 24 * time.Hour

// ClaimTask gives a ready task to one process: the named one, else that of
// the highest priority, the oldest among equals. Leases that have run out are
// taken back first. If none is ready the kind is NotFound; if the named one is
// held by another process, Held; if it is in any other state, Conflict.
func (s *Store) ClaimTask(ctx context.Context, tx *journal.Tx, c Claim) (sys.Task, error) {
	if c.By <= 0 || c.Lease <= 0 || c.Lease > longestLease {
		return sys.Task{}, &sys.Error{Op: "claim task", Path: c.ID.String(), Kind: sys.Invalid, Err: fmt.Errorf("process %d for %s", c.By, c.Lease), Hint: "a claim is by a process, for at most a day"}
	}
	if err := s.ExpireTasks(ctx, tx); err != nil {
		return sys.Task{}, err
	}
	t, err := s.claimable(ctx, tx, c)
	if err != nil {
		return sys.Task{}, err
	}
	t.Owner, t.Epoch, t.Lease = c.By, t.Epoch+1, s.now().Add(c.Lease).UTC()
	return t, s.moveTask(ctx, tx, &t, sys.TaskClaimed, c.By)
}

func (s *Store) claimable(ctx context.Context, tx *journal.Tx, c Claim) (sys.Task, error) {
	if c.ID != 0 {
		t, err := s.Task(ctx, tx, c.ID)
		switch {
		case err != nil || t.State == sys.TaskReady:
			return t, err
		case t.State == sys.TaskClaimed && t.Owner == c.By:
			return t, refuse("claim task", t.ID, sys.Exists, "you have claimed it already", "go on with it, or renew the claim")
		case t.State == sys.TaskClaimed:
			return t, refuse("claim task", t.ID, sys.Held, fmt.Sprintf("process %d has claimed it", t.Owner), "claim another one")
		}
		return t, refuse("claim task", t.ID, sys.Conflict, "it is "+string(t.State), "claim one that is ready")
	}
	where, args := ``, anys(c.Types)
	if len(args) > 0 {
		where = ` AND type IN (?` + strings.Repeat(`,?`, len(args)-1) + `)`
	}
	rows, err := tx.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE state = 'ready'`+where+` ORDER BY priority DESC, id LIMIT 1`, args...)
	found, err := collect(rows, err, scanTask)
	if err != nil {
		return sys.Task{}, err
	}
	if len(found) == 0 {
		return sys.Task{}, &sys.Error{Op: "claim task", Path: strings.Join(c.Types, ", "), Kind: sys.NotFound, Err: fmt.Errorf("no task is ready"), Hint: "wait until one is made or becomes ready"}
	}
	return found[0], nil
}

// Held is the proof of a claim: which task, by whom, in which epoch.
type Held struct {
	ID    sys.TaskID
	By    sys.PID
	Epoch sys.Epoch
}

// held returns the task of a claim that still stands. A lease that has run out
// stands until somebody has noticed: then the work that was done counts.
func (s *Store) held(ctx context.Context, tx *journal.Tx, op string, h Held) (sys.Task, error) {
	t, err := s.Task(ctx, tx, h.ID)
	if err != nil {
		return t, err
	}
	lost := "you no longer hold it: drop this work, and claim another task"
	switch {
	case t.State.Ended():
		return t, refuse(op, t.ID, sys.Conflict, "it is "+string(t.State)+" already", "nothing is left to do")
	case t.State != sys.TaskClaimed && t.Epoch == 0:
		return t, refuse(op, t.ID, sys.Conflict, "nobody has claimed it", "claim it first")
	case t.State != sys.TaskClaimed:
		return t, refuse(op, t.ID, sys.Conflict, "the claim was given back or its lease ran out", lost)
	case t.Owner != h.By:
		return t, refuse(op, t.ID, sys.Held, fmt.Sprintf("process %d has claimed it", t.Owner), lost)
	case t.Epoch != h.Epoch:
		return t, refuse(op, t.ID, sys.Conflict, fmt.Sprintf("the claim is of epoch %d, the newest is %d", h.Epoch, t.Epoch), lost)
	}
	return t, nil
}

// RenewTask extends a claim: its lease ends that long from now.
func (s *Store) RenewTask(ctx context.Context, tx *journal.Tx, h Held, lease time.Duration) (time.Time, error) {
	if lease <= 0 || lease > longestLease {
		return time.Time{}, refuse("renew task", h.ID, sys.Invalid, "a lease of "+lease.String(), "a lease is for at most a day")
	}
	t, err := s.held(ctx, tx, "renew task", h)
	if err != nil {
		return time.Time{}, err
	}
	until := s.now().Add(lease).UTC()
	_, err = tx.Exec(ctx, `UPDATE ipc_task SET lease = ? WHERE id = ?`, until.UnixNano(), int64(t.ID))
	return until, err
}

// ReleaseTask gives a claim back unharmed: the task is ready again.
func (s *Store) ReleaseTask(ctx context.Context, tx *journal.Tx, h Held) error {
	t, err := s.held(ctx, tx, "give back task", h)
	if err != nil {
		return err
	}
	t.Owner, t.Lease = 0, time.Time{}
	return s.moveTask(ctx, tx, &t, sys.TaskReady, h.By)
}

// ReleaseTasksOf gives back all claims of a process that has ended. Calling it
// again changes nothing.
func (s *Store) ReleaseTasksOf(ctx context.Context, tx *journal.Tx, pid sys.PID) error {
	rows, err := tx.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE state = 'claimed' AND owner = ? ORDER BY id`, int64(pid))
	held, err := collect(rows, err, scanTask)
	if err != nil {
		return err
	}
	for _, t := range held {
		if err := s.expire(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// ExpireTasks takes back claims whose lease has run out. Calling it again
// changes nothing.
func (s *Store) ExpireTasks(ctx context.Context, tx *journal.Tx) error {
	rows, err := tx.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE state = 'claimed' AND lease <= ? ORDER BY id`, s.clock())
	late, err := collect(rows, err, scanTask)
	if err != nil {
		return err
	}
	for _, t := range late {
		if err := s.expire(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// expire makes a task ready whose worker is lost, or fails it if it has lost
// too many.
func (s *Store) expire(ctx context.Context, tx *journal.Tx, t sys.Task) error {
	t.Expired++
	if t.Expired >= mostExpired {
		t.Reason = fmt.Sprintf("%d processes took it and did not finish it", t.Expired)
		return s.end(ctx, tx, t, sys.TaskFailed, 0)
	}
	t.Owner, t.Lease = 0, time.Time{}
	return s.moveTask(ctx, tx, &t, sys.TaskReady, 0)
}
