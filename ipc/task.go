package ipc

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"matrixos/journal"
	"matrixos/sys"
)

const (
	mostInput   = 64 << 10 // bytes of a task's input or output
	mostNeeds   = 100      // tasks that one task depends on
	mostExpired = 5        // leases that a task may lose
)

// taskMoves is the table of legal transitions.
var taskMoves = map[sys.TaskState][]sys.TaskState{
	sys.TaskBlocked: {sys.TaskReady, sys.TaskFailed, sys.TaskCancelled},
	sys.TaskReady:   {sys.TaskClaimed, sys.TaskCancelled},
	sys.TaskClaimed: {sys.TaskReady, sys.TaskDone, sys.TaskFailed, sys.TaskCancelled},
}

// NewTask is a task to be made. Type is required.
type NewTask struct {
	ID        sys.TaskID // from ReserveTask; 0 takes the next number
	Type      string
	Input     json.RawMessage
	Priority  int // higher goes first
	DependsOn []sys.TaskID
	Label     sys.Label
	Creator   sys.PID
}

// ReserveTask takes a number for a task that will be made later, such as by a
// landing: the process that wants it can speak of it before.
func (s *Store) ReserveTask(ctx context.Context, tx *journal.Tx) (sys.TaskID, error) {
	_, err := tx.Exec(ctx, `INSERT INTO ipc_count(name, value) VALUES('task', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1`)
	if err != nil {
		return 0, err
	}
	var id sys.TaskID
	err = tx.QueryRow(ctx, `SELECT value FROM ipc_count WHERE name = 'task'`).Scan(&id)
	return id, err
}

// CreateTask makes a task: ready, blocked if it depends on others that are not
// done, or failed at once if one of those has failed.
func (s *Store) CreateTask(ctx context.Context, tx *journal.Tx, n NewTask) (sys.Task, error) {
	if err := n.check(); err != nil {
		return sys.Task{}, err
	}
	state, reason, err := s.start(ctx, tx, n.DependsOn)
	if err != nil {
		return sys.Task{}, err
	}
	id := n.ID
	if id == 0 {
		if id, err = s.ReserveTask(ctx, tx); err != nil {
			return sys.Task{}, err
		}
	}
	if _, err := s.Task(ctx, tx, id); !errors.Is(err, sys.NotFound) {
		if err == nil {
			err = refuse("create task", id, sys.Exists, "there is one of this number", "reserve another number")
		}
		return sys.Task{}, err
	}
	now := s.clock()
	_, err = tx.Exec(ctx, `INSERT INTO ipc_task(id, type, input, priority, integrity, confidentiality, creator, state, reason, created, changed)
		VALUES(?,?,?,?,?,?,?,?,?,?,?)`,
		int64(id), n.Type, string(n.Input), n.Priority, int64(n.Label.Integrity), int64(n.Label.Confidentiality), int64(n.Creator), string(state), reason, now, now)
	if err != nil {
		return sys.Task{}, err
	}
	for _, need := range n.DependsOn {
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO ipc_need(task, needs) VALUES(?,?)`, int64(id), int64(need)); err != nil {
			return sys.Task{}, err
		}
	}
	t, err := s.Task(ctx, tx, id)
	if err != nil {
		return t, err
	}
	return t, tellTask(tx, t, n.Creator)
}

func (n NewTask) check() error {
	bad := func(why, hint string) error {
		return &sys.Error{Op: "create task", Path: n.Type, Kind: sys.Invalid, Err: errors.New(why), Hint: hint}
	}
	switch {
	case n.Type == "" || len(n.Type) > 64 || strings.ContainsAny(n.Type, "\n\x00"):
		return bad("it needs a type of at most 64 characters", "name the kind of work, such as research")
	case len(n.Input) > mostInput:
		return bad(fmt.Sprintf("%d bytes of input", len(n.Input)), "write it to a file, and give the path as input")
	case len(n.Input) > 0 && !json.Valid(n.Input):
		return bad("the input is not JSON", "give a JSON value")
	case len(n.DependsOn) > mostNeeds:
		return bad(fmt.Sprintf("it depends on %d tasks", len(n.DependsOn)), "at most 100; join them in steps")
	}
	return nil
}

// start says in which state a task with these dependencies begins.
func (s *Store) start(ctx context.Context, tx *journal.Tx, needs []sys.TaskID) (state sys.TaskState, reason string, err error) {
	state = sys.TaskReady
	for _, id := range needs {
		t, err := s.Task(ctx, tx, id)
		if err != nil {
			return "", "", err
		}
		switch t.State {
		case sys.TaskDone:
		case sys.TaskFailed, sys.TaskCancelled:
			return sys.TaskFailed, waitsFor(t), nil
		case sys.TaskBlocked, sys.TaskReady, sys.TaskClaimed:
			state = sys.TaskBlocked
		}
	}
	return state, "", nil
}

// waitsFor is why a task fails that depends on t.
func waitsFor(t sys.Task) string {
	how := "failed"
	if t.State == sys.TaskCancelled {
		how = "was cancelled"
	}
	reason := fmt.Sprintf("%s, which it depends on, %s", t.ID, how)
	if t.Reason != "" {
		reason += ": " + t.Reason
	}
	return clip(reason)
}

// clip bounds a reason, which models write.
func clip(s string) string {
	const most = 2000
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

const taskColumns = `id, type, input, priority, integrity, confidentiality, creator, state, owner, epoch, lease, expired, output, reason, created, changed,
	(SELECT group_concat(needs) FROM ipc_need WHERE task = id)`

func scanTask(rows *sql.Rows) (t sys.Task, err error) {
	var lease, created, changed int64
	var input, output []byte
	var needs sql.NullString
	err = rows.Scan(&t.ID, &t.Type, &input, &t.Priority, &t.Label.Integrity, &t.Label.Confidentiality, &t.Creator, &t.State,
		&t.Owner, &t.Epoch, &lease, &t.Expired, &output, &t.Reason, &created, &changed, &needs)
	if err != nil {
		return t, err
	}
	if len(input) > 0 {
		t.Input = input
	}
	if len(output) > 0 {
		t.Output = output
	}
	t.Lease, t.Created, t.Changed = timeOf(lease), timeOf(created), timeOf(changed)
	for id := range strings.SplitSeq(needs.String, ",") {
		if id == "" {
			continue
		}
		n, err := sys.ParseTaskID(id)
		if err != nil {
			return t, err
		}
		t.DependsOn = append(t.DependsOn, n)
	}
	return t, nil
}

// Task returns one task; NotFound if there is none.
func (s *Store) Task(ctx context.Context, q Queryer, id sys.TaskID) (sys.Task, error) {
	rows, err := q.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE id = ?`, int64(id))
	found, err := collect(rows, err, scanTask)
	if err != nil {
		return sys.Task{}, err
	}
	if len(found) == 0 {
		return sys.Task{}, refuse("find task", id, sys.NotFound, "there is no such task", "list the tasks to see which there are")
	}
	return found[0], nil
}

// TaskFilter selects tasks; the zero TaskFilter is all of them.
type TaskFilter struct {
	States  []sys.TaskState
	Types   []string
	Creator sys.PID
	Owner   sys.PID
	After   sys.TaskID // only higher numbers
	Limit   int        // at most so many; 0 means 100
}

// Tasks lists tasks by number.
func (s *Store) Tasks(ctx context.Context, q Queryer, f TaskFilter) ([]sys.Task, error) {
	where, args := `id > ?`, []any{int64(f.After)}
	in := func(column string, values []any) {
		if len(values) > 0 {
			where += ` AND ` + column + ` IN (?` + strings.Repeat(`,?`, len(values)-1) + `)`
			args = append(args, values...)
		}
	}
	in("state", anys(f.States))
	in("type", anys(f.Types))
	if f.Creator != 0 {
		in("creator", []any{int64(f.Creator)})
	}
	if f.Owner != 0 {
		in("owner", []any{int64(f.Owner)})
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	rows, err := q.Query(ctx, `SELECT `+taskColumns+` FROM ipc_task WHERE `+where+` ORDER BY id LIMIT ?`, append(args, f.Limit)...)
	return collect(rows, err, scanTask)
}

func anys[S ~string](list []S) []any {
	var out []any
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// moveTask writes a task's new state, and says so.
func (s *Store) moveTask(ctx context.Context, tx *journal.Tx, t *sys.Task, to sys.TaskState, by sys.PID) error {
	if err := allowed(taskMoves, t.ID, t.State, to); err != nil {
		return err
	}
	t.State = to
	now := s.clock()
	t.Changed = timeOf(now)
	var lease int64
	if !t.Lease.IsZero() {
		lease = t.Lease.UnixNano()
	}
	_, err := tx.Exec(ctx, `UPDATE ipc_task SET state = ?, owner = ?, epoch = ?, lease = ?, expired = ?, output = ?, reason = ?, changed = ? WHERE id = ?`,
		string(t.State), int64(t.Owner), int64(t.Epoch), lease, t.Expired, string(t.Output), t.Reason, now, int64(t.ID))
	if err != nil {
		return err
	}
	return tellTask(tx, *t, by)
}

func tellTask(tx *journal.Tx, t sys.Task, by sys.PID) error {
	e := sys.NewEvent(sys.EventTask, sys.TaskData{ID: t.ID, Type: t.Type, State: t.State, Creator: t.Creator, Owner: t.Owner, Reason: t.Reason})
	e.PID = by
	return tx.Append(e)
}
