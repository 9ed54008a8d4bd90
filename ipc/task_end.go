package ipc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// CompleteTask ends a task well. The caller must hold it: otherwise the kind is
// Held or Conflict, and nothing changes. Tasks that waited only for it are ready.
func (s *Store) CompleteTask(ctx context.Context, tx *journal.Tx, h Held, output json.RawMessage) error {
	switch {
	case len(output) > mostInput:
		return refuse("complete task", h.ID, sys.Invalid, fmt.Sprintf("%d bytes of output", len(output)), "write it to a file, and give the path as output")
	case len(output) > 0 && !json.Valid(output):
		return refuse("complete task", h.ID, sys.Invalid, "the output is not JSON", "give a JSON value")
	}
	t, err := s.held(ctx, tx, "complete task", h)
	if err != nil {
		return err
	}
	t.Output = output
	return s.end(ctx, tx, t, sys.TaskDone, h.By)
}

// FailTask ends a task badly, with the reason, and with it those that depend on
// it. The caller must hold it, as for CompleteTask.
func (s *Store) FailTask(ctx context.Context, tx *journal.Tx, h Held, reason string) error {
	t, err := s.held(ctx, tx, "fail task", h)
	if err != nil {
		return err
	}
	t.Reason = clip(reason)
	return s.end(ctx, tx, t, sys.TaskFailed, h.By)
}

// CancelTask ends a task that has not ended, whoever holds it, and fails those
// that depend on it. Who may do that is the caller's to decide.
func (s *Store) CancelTask(ctx context.Context, tx *journal.Tx, id sys.TaskID, by sys.PID, reason string) error {
	t, err := s.Task(ctx, tx, id)
	if err != nil {
		return err
	}
	if t.State.Ended() {
		return refuse("cancel task", id, sys.Conflict, "it is "+string(t.State)+" already", "nothing is left to cancel")
	}
	t.Reason = clip(reason)
	return s.end(ctx, tx, t, sys.TaskCancelled, by)
}

// end writes an end, and what follows from it for the tasks that wait.
func (s *Store) end(ctx context.Context, tx *journal.Tx, t sys.Task, state sys.TaskState, by sys.PID) error {
	t.Lease = time.Time{}
	if err := s.moveTask(ctx, tx, &t, state, by); err != nil {
		return err
	}
	for ended := []sys.Task{t}; len(ended) > 0; ended = ended[1:] {
		rows, err := tx.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE state = 'blocked' AND id IN (SELECT task FROM ipc_need WHERE needs = ?) ORDER BY id`, int64(ended[0].ID))
		waiting, err := collect(rows, err, scanTask)
		if err != nil {
			return err
		}
		for _, w := range waiting {
			if state == sys.TaskDone {
				err = s.unblock(ctx, tx, w)
			} else {
				w.Reason = waitsFor(ended[0])
				err = s.moveTask(ctx, tx, &w, sys.TaskFailed, by)
				ended = append(ended, w)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unblock makes a task ready if all that it depends on is done.
func (s *Store) unblock(ctx context.Context, tx *journal.Tx, t sys.Task) error {
	var open int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM ipc_need JOIN ipc_task n ON n.id = ipc_need.needs WHERE ipc_need.task = ? AND n.state <> 'done'`, int64(t.ID)).Scan(&open)
	if err != nil || open > 0 {
		return err
	}
	return s.moveTask(ctx, tx, &t, sys.TaskReady, 0)
}
