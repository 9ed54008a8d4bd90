package kernel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// deathsMost is how often Matrix OS may die with a process in a row before that
// is parked.
const deathsMost = 3

// storedProcess is a process as the journal has it.
type storedProcess struct {
	row  sys.Process
	memo memo
}

// recover takes up what an earlier run left: conversations are made whole, the
// main processes of requests that were not answered enter the table again, and
// those that nobody waits for are closed. It returns the processes that are to
// run.
func (k *Kernel) recover(ctx context.Context) ([]*process, error) {
	if err := k.talks.restore(ctx, k.journal); err != nil {
		return nil, err
	}
	stopped, err := k.meta(ctx, metaStopped)
	if err != nil {
		return nil, err
	}
	k.stopped.Store(stopped != "")
	clean, err := k.meta(ctx, metaClean)
	if err != nil {
		return nil, err
	}
	left, err := k.unfinished(ctx)
	if err != nil {
		return nil, err
	}
	var open []sys.RequestID
	for _, s := range left {
		open = append(open, s.row.Request)
	}
	if err := k.loadBooks(ctx, open); err != nil {
		return nil, err
	}
	var run []*process
	for _, s := range left {
		p, err := k.takeUp(ctx, s, left, clean != "")
		if err != nil {
			return nil, err
		}
		if p != nil {
			run = append(run, p)
		}
	}
	if !k.daemon {
		return run, nil
	}
	return run, k.setMeta(ctx, metaClean, "")
}

// takeUp decides what becomes of one process of an earlier run; it returns it if
// it is to run now.
func (k *Kernel) takeUp(ctx context.Context, s storedProcess, left []storedProcess, clean bool) (*process, error) {
	if s.memo.Trial && k.daemon {
		return nil, k.bury(ctx, s, "its trial was cut off")
	}
	if s.memo.Guest {
		return nil, k.bury(ctx, s, "the agent from outside that it served is not connected any more")
	}
	if s.row.Parent != 0 {
		if slices.ContainsFunc(left, func(o storedProcess) bool { return o.row.PID == s.row.Parent }) {
			return nil, k.unsettled(ctx, s, clean) // its parent takes it up
		}
		return nil, k.bury(ctx, s, "its parent is gone")
	}
	if err := k.unsettled(ctx, s, clean); err != nil {
		return nil, err
	}
	row, m, err := k.stored(ctx, s.row.PID)
	if err != nil {
		return nil, err
	}
	r := &request{id: row.Request, conversation: row.Conversation, text: m.Words, from: m.From, app: row.App, started: m.Begun, broken: m.Broken.err(), open: m.Shown}
	if err := k.learn(ctx, r); err != nil {
		return nil, err
	}
	p, err := k.restore(ctx, row, m, r)
	if err != nil {
		return nil, k.bury(ctx, s, err.Error())
	}
	if err := k.fillRequest(ctx, r); err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.talking[r.conversation] = p
	k.mu.Unlock()
	if row.State == sys.Parked {
		return nil, nil
	}
	rest := func(why sys.Park, text string) (*process, error) {
		cause := &sys.Error{Op: "run", Path: fmt.Sprintf("process %d", row.PID), Kind: sys.Canceled, Err: errors.New(text), Hint: fmt.Sprintf("`matrixos cont %d` lets it go on", row.PID)}
		_ = p.park(ctx, &parked{why, cause}) // says the same again
		return nil, nil
	}
	switch {
	case !k.daemon:
		return nil, nil
	case k.stopped.Load():
		return rest(sys.ForStop, "everything was stopped")
	case k.crashed(left, row.PID) >= deathsMost:
		return rest(sys.ForCrashes, fmt.Sprintf("Matrix OS died %d times in a row while it ran", deathsMost))
	case k.safe:
		return rest(sys.ForCrashes, "Matrix OS is in safe mode")
	}
	return p, k.revive(ctx, p, "", false)
}

// crashed is how often Matrix OS died in a row with a request's processes, the
// most that any of them has.
func (k *Kernel) crashed(left []storedProcess, root sys.PID) (most int) {
	tree := []sys.PID{root}
	for _, s := range left {
		if !slices.Contains(tree, s.row.PID) && !slices.Contains(tree, s.row.Parent) {
			continue
		}
		tree = append(tree, s.row.PID)
		if _, m, err := k.stored(context.Background(), s.row.PID); err == nil {
			most = max(most, m.Deaths)
		}
	}
	return most
}

// unsettled closes the books of one process: a model request that was under way
// counts as spent, by estimate; and a death with it is counted.
func (k *Kernel) unsettled(ctx context.Context, s storedProcess, clean bool) error {
	row, m := s.row, s.memo
	working := row.State == sys.Running || row.State == sys.Landing || row.State == sys.Waiting && (row.WaitingFor == sys.ForModel || row.WaitingFor == sys.ForTool)
	switch {
	case !k.daemon: // a single command has not run them, and does not count
	case clean:
		m.Deaths = 0
	case working:
		m.Deaths++
	}
	var write func(context.Context, *journal.Tx) error
	if o := m.Open; o != nil {
		cost := sys.Cost{Input: o.Input, Output: min(o.Output, writeAtLeast), USD: o.USD, Estimated: true}
		if o.Output > 0 {
			cost.USD = o.USD * float64(o.Input+cost.Output) / float64(o.Input+o.Output)
		}
		if o.USD == 0 {
			cost = sys.Cost{}
		}
		m.Open, row.Reserved, row.Cost = nil, 0, row.Cost.Add(cost)
		if cost != (sys.Cost{}) {
			e := entryKey{k.day(), row.PID, row.Model, row.Program, row.App, row.Request}
			write = k.ledgerWrite(e, cost)
			k.books.spend([]string{"day " + e.day, "program " + e.day + " " + string(row.Program), "request " + string(row.Request)}, cost)
		}
	}
	return k.save(ctx, row, m, write)
}

// save writes a process that is not in the table.
func (k *Kernel) save(ctx context.Context, row sys.Process, m memo, also func(context.Context, *journal.Tx) error, events ...sys.Event) error {
	raw, err := json.Marshal(row)
	if err != nil {
		return err
	}
	kept, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return k.commits.do(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=?, memo=? WHERE pid=?`, string(row.State), string(raw), string(kept), int64(row.PID)); err != nil {
			return err
		}
		if also != nil {
			if err := also(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Append(events...)
	})
}

// bury ends a process that cannot be taken up, and answers its request.
func (k *Kernel) bury(ctx context.Context, s storedProcess, why string) error {
	row, m := s.row, s.memo
	now := k.now()
	row.State, row.WaitingFor, row.WaitingOn, row.Parked, row.Since, row.Ended, row.Error = sys.Killed, "", "", "", now, now, why
	m.Failure, m.Task, m.Words = &failure{Kind: sys.Canceled, Text: why}, "", ""
	events := []sys.Event{sys.NewEvent(sys.EventProcess, row)}
	if row.Parent == 0 && s.row.State != sys.Parked {
		events = append(events, sys.NewEvent(sys.EventAnswer, sys.AnswerData{
			Text: "This was cut off and cannot go on: " + why + ". Nothing was left half done.", Kind: sys.Canceled, Hint: "ask again", Cost: row.Cost,
		}))
	}
	for i := range events {
		events[i].PID, events[i].Request, events[i].Conversation = row.PID, row.Request, rootTalk(row.Conversation)
	}
	return k.save(ctx, row, m, func(ctx context.Context, tx *journal.Tx) error {
		return k.runEnded(ctx, tx, m, ResultFailed, why)
	}, events...)
}

// restore makes a process of an earlier run, or one whose parent is taken up, and
// puts it in the table. Nothing runs it yet.
func (k *Kernel) restore(ctx context.Context, row sys.Process, m memo, r *request) (*process, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	program, err := findProgram(view, row.Program)
	if err != nil {
		return nil, err
	}
	if m.Budget != (sys.Budget{}) {
		program.Budget.Budget = m.Budget
	}
	app := row.App
	if row.Parent == 0 {
		app = ""
	}
	p := &process{
		k: k, program: program, request: r, done: make(chan struct{}), row: row, memo: m, view: view, seen: map[sys.Path][32]byte{}, reads: map[sys.Path]*disk.View{},
		beat: k.now(), dormant: true,
		subject: policy.Subject{PID: row.PID, Program: row.Program, Grant: program.Grant(), Label: row.Label, App: app},
	}
	if err := p.use(row.Model); err != nil {
		return nil, err
	}
	if p.steer, err = k.storedWords(ctx, row.PID); err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.procs[row.PID] = p
	k.mu.Unlock()
	return p, nil
}

// fillRequest restores what a request has come to.
func (k *Kernel) fillRequest(ctx context.Context, r *request) error {
	list, err := k.landingsWhere(ctx, `request = ?`, string(r.id))
	if err != nil {
		return err
	}
	for _, l := range list {
		r.note(l)
	}
	costs, err := k.spent(ctx, "request", "request = ?", string(r.id))
	for _, c := range costs {
		r.spend(c.Cost)
	}
	return err
}

func (k *Kernel) storedWords(ctx context.Context, pid sys.PID) (out []steering, err error) {
	rows, err := k.journal.Query(ctx, `SELECT id, text FROM kernel_steer WHERE pid=? ORDER BY id`, int64(pid))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s steering
		if err := rows.Scan(&s.id, &s.text); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func (k *Kernel) unfinished(ctx context.Context) (out []storedProcess, err error) {
	rows, err := k.journal.Query(ctx, `SELECT row, memo FROM kernel_process WHERE state NOT IN ('done','failed','killed') ORDER BY pid`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row, m string
		if err := rows.Scan(&row, &m); err != nil {
			return nil, err
		}
		var s storedProcess
		if err := errors.Join(json.Unmarshal([]byte(row), &s.row), json.Unmarshal([]byte(m), &s.memo)); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// stored reads one process from the journal.
func (k *Kernel) stored(ctx context.Context, pid sys.PID) (row sys.Process, m memo, err error) {
	var rawRow, rawMemo string
	err = k.journal.QueryRow(ctx, `SELECT row, memo FROM kernel_process WHERE pid=?`, int64(pid)).Scan(&rawRow, &rawMemo)
	if errors.Is(err, sql.ErrNoRows) {
		return row, m, &sys.Error{Op: "find process", Path: fmt.Sprint(pid), Kind: sys.NotFound, Hint: "`matrixos ps` lists what is running"}
	}
	if err != nil {
		return row, m, err
	}
	return row, m, errors.Join(json.Unmarshal([]byte(rawRow), &row), json.Unmarshal([]byte(rawMemo), &m))
}

// The keys of kernel_meta.
const (
	metaStopped = "stopped" // the owner has stopped everything
	metaClean   = "clean"   // the last run ended in order
)

func (k *Kernel) meta(ctx context.Context, key string) (value string, err error) {
	err = k.journal.QueryRow(ctx, `SELECT value FROM kernel_meta WHERE key=?`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func (k *Kernel) setMeta(ctx context.Context, key, value string) error {
	return k.commits.do(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO kernel_meta(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, key, value)
		return err
	})
}
