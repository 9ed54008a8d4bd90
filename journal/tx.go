package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"matrixos/sys"
)

// Tx is one write transaction, valid only within the function given to Update.
type Tx struct {
	tx     *sql.Tx
	ctx    context.Context // of the Update; a Tx lives no longer than that call
	insert *sql.Stmt
	last   sys.Seq
	chain  []byte // the hash of the last event
	events []sys.Event
	then   []func()
}

// ErrUnknown is wrapped by an error of Update after which only a restart can tell
// whether the transaction was made: the write of its end failed, and may or may
// not have reached the file.
var ErrUnknown = errors.New("it is not known whether this was written")

// Append writes events with the transaction: they get their Seq, and their Time
// if they have none, and reach subscribers once the transaction is committed.
func (t *Tx) Append(events ...sys.Event) error {
	if t.insert == nil {
		var err error
		t.insert, err = t.tx.PrepareContext(t.ctx,
			`INSERT INTO event(seq, time, kind, pid, conversation, request, data, chain) VALUES(?,?,?,?,?,?,?,?)`)
		if err != nil {
			return err
		}
		err = t.tx.QueryRowContext(t.ctx, `SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1`).Scan(&t.last, &t.chain)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	for i := range events {
		e := &events[i]
		t.last++
		e.Seq = t.last
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		e.Time = e.Time.UTC().Round(0)
		if e.Data == nil {
			e.Data = []byte("null")
		}
		t.chain = link(t.chain, *e, digest(e.Data))
		_, err := t.insert.ExecContext(t.ctx, e.Seq, e.Time.UnixNano(), string(e.Kind), int64(e.PID), string(e.Conversation), string(e.Request), []byte(e.Data), t.chain)
		if err != nil {
			return err
		}
		t.events = append(t.events, *e)
	}
	return nil
}

// OnCommit has fn run once the transaction is durable and before any subscriber
// is told of its events: what fn changes in memory, whoever hears of an event
// finds changed. It must be quick and must not use the journal.
func (t *Tx) OnCommit(fn func()) { t.then = append(t.then, fn) }

// Exec runs a statement in the transaction.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, query, args...)
}

// Query reads in the transaction; the rows must be closed before the next call.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, query, args...)
}

// QueryRow reads one row in the transaction.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, query, args...)
}

// Append makes events durable, fills in their Seq and Time, and returns the Seq
// of the last one. On error none of them is in the journal.
func (j *Journal) Append(ctx context.Context, events ...sys.Event) (sys.Seq, error) {
	var last sys.Seq
	err := j.Update(ctx, func(tx *Tx) error {
		err := tx.Append(events...)
		last = tx.last
		return err
	})
	if err != nil {
		return 0, err
	}
	return last, nil
}

// Update runs fn in one transaction: a commit point. If it returns nil, all that
// fn wrote is durable and its events are delivered; else nothing was written.
// An error of fn comes back as it is. Updates run one at a time.
func (j *Journal) Update(ctx context.Context, fn func(tx *Tx) error) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.isClosed() {
		return closedError("write journal", j.path)
	}
	inner, err := j.writer.BeginTx(ctx, nil)
	if err != nil {
		return j.fail("write journal", err)
	}
	tx := &Tx{tx: inner, ctx: ctx, last: j.Last()}
	if err := run(tx, fn); err != nil {
		if e := inner.Rollback(); e != nil && !errors.Is(e, sql.ErrTxDone) {
			err = errors.Join(err, e)
		}
		return j.fail("write journal", err)
	}
	if err := inner.Commit(); err != nil {
		return j.unclear(tx, err)
	}
	tx.happened()
	j.deliver(tx.events)
	return nil
}

func (t *Tx) happened() {
	for _, fn := range t.then {
		fn()
	}
}

// run turns a panic of fn into an error, so that the one writer connection
// never stays in a transaction.
func run(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v", p)
		}
	}()
	return fn(tx)
}

// unclear finds out what a failed commit has left, so that memory and file agree.
// On a full disk or a canceled call there is nothing; else the end of the
// transaction may be in the file although nobody can read it now.
func (j *Journal) unclear(tx *Tx, failed error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var last sys.Seq
	if err := j.writer.QueryRowContext(ctx, `SELECT ifnull(max(seq), 0) FROM event`).Scan(&last); err != nil {
		return j.fail("write journal", errors.Join(failed, ErrUnknown, err))
	}
	if last != j.Last() { // it was made after all
		tx.happened()
		j.deliver(tx.events)
		return nil
	}
	err := j.fail("write journal", failed)
	if k := sys.KindOf(err); k == sys.NoSpace || k == sys.Held || errors.Is(failed, context.Canceled) || errors.Is(failed, context.DeadlineExceeded) {
		return err
	}
	return j.fail("write journal", errors.Join(failed, ErrUnknown))
}

func (j *Journal) isClosed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.closed
}

func closedError(op, path string) error {
	return &sys.Error{Op: op, Path: path, Kind: sys.Canceled, Err: errors.New("the journal is closed")}
}

// Migrate runs those schema steps of owner that this file has not seen, in
// order, each once, all in one transaction. Steps are only ever added at the
// end. A file that has seen more steps than given is refused with kind TooNew.
func (j *Journal) Migrate(ctx context.Context, owner string, steps ...string) error {
	return j.Update(ctx, func(tx *Tx) error {
		var done int
		err := tx.QueryRow(ctx, `SELECT steps FROM migration WHERE owner = ?`, owner).Scan(&done)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if done > len(steps) {
			return &sys.Error{
				Op: "migrate journal", Path: j.path, Kind: sys.TooNew,
				Err:  fmt.Errorf("the tables of %s are at step %d, this program knows %d", owner, done, len(steps)),
				Hint: "this home was used by a newer Matrix OS: install that version, or restore a backup",
			}
		}
		for i, step := range steps[done:] {
			if _, err := tx.Exec(ctx, step); err != nil {
				return fmt.Errorf("step %d of %s: %w", done+i+1, owner, err)
			}
		}
		if done == len(steps) {
			return nil
		}
		_, err = tx.Exec(ctx, `INSERT INTO migration(owner, steps) VALUES(?, ?) ON CONFLICT(owner) DO UPDATE SET steps = excluded.steps`, owner, len(steps))
		return err
	})
}
