package ipc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// migrations are the tables of this package in kernel.db. Times are nanoseconds
// since 1970, 0 for none.
var migrations = []string{`
CREATE TABLE ipc_task(
	id INTEGER PRIMARY KEY,
	type TEXT NOT NULL,
	input TEXT NOT NULL,
	priority INTEGER NOT NULL,
	integrity INTEGER NOT NULL,
	confidentiality INTEGER NOT NULL,
	creator INTEGER NOT NULL,
	state TEXT NOT NULL,
	owner INTEGER NOT NULL DEFAULT 0,
	epoch INTEGER NOT NULL DEFAULT 0,
	lease INTEGER NOT NULL DEFAULT 0,
	expired INTEGER NOT NULL DEFAULT 0,
	output TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL);
CREATE INDEX ipc_task_ready ON ipc_task(priority DESC, id) WHERE state = 'ready';
CREATE INDEX ipc_task_lease ON ipc_task(lease) WHERE state = 'claimed';
CREATE TABLE ipc_need(
	task INTEGER NOT NULL,
	needs INTEGER NOT NULL,
	PRIMARY KEY(task, needs)) WITHOUT ROWID;
CREATE INDEX ipc_need_back ON ipc_need(needs);
CREATE TABLE ipc_count(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ipc_mail(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	from_pid INTEGER NOT NULL,
	from_program TEXT NOT NULL,
	to_pid INTEGER NOT NULL,
	to_program TEXT NOT NULL,
	content TEXT NOT NULL,
	integrity INTEGER NOT NULL,
	confidentiality INTEGER NOT NULL,
	state TEXT NOT NULL,
	reader INTEGER NOT NULL DEFAULT 0,
	receipt INTEGER NOT NULL DEFAULT 0,
	sent INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	changed INTEGER NOT NULL);
CREATE INDEX ipc_mail_waiting ON ipc_mail(to_pid, to_program, id) WHERE state = 'sent';
CREATE INDEX ipc_mail_open ON ipc_mail(reader, receipt) WHERE state = 'delivered';
CREATE TABLE ipc_effect(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,
	target TEXT NOT NULL,
	payload BLOB NOT NULL,
	key TEXT NOT NULL,
	integrity INTEGER NOT NULL,
	confidentiality INTEGER NOT NULL,
	approval TEXT NOT NULL,
	process INTEGER NOT NULL,
	state TEXT NOT NULL,
	epoch INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	due INTEGER NOT NULL,
	error TEXT NOT NULL DEFAULT '',
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	UNIQUE(kind, key));
CREATE INDEX ipc_effect_open ON ipc_effect(kind, target, id) WHERE state IN ('pending', 'claimed');
`}

// Store is the tables of one home. It holds no state: methods may be called
// concurrently, and several Stores of one journal see the same.
type Store struct {
	now func() time.Time
}

// Open makes the tables in j if need be. Leases, expiry and pauses go by now.
func Open(ctx context.Context, j *journal.Journal, now func() time.Time) (*Store, error) {
	if err := j.Migrate(ctx, "ipc", migrations...); err != nil {
		return nil, err
	}
	return &Store{now: now}, nil
}

// Queryer reads: a journal reads what is committed, a transaction also its own
// writes.
type Queryer interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

var (
	_ Queryer = (*journal.Journal)(nil)
	_ Queryer = (*journal.Tx)(nil)
)

// Forget removes what ended before the given time: tasks that nobody waits for,
// mail that was read or has expired, effects that were done. Dead letters stay.
func (s *Store) Forget(ctx context.Context, tx *journal.Tx, before time.Time) error {
	at := before.UnixNano()
	for _, q := range []string{
		`DELETE FROM ipc_task WHERE state IN ('done', 'failed', 'cancelled') AND changed < ? AND NOT EXISTS
			(SELECT 1 FROM ipc_need JOIN ipc_task t ON t.id = ipc_need.task WHERE ipc_need.needs = ipc_task.id AND t.state = 'blocked')`,
		`DELETE FROM ipc_mail WHERE state IN ('read', 'expired') AND changed < ?`,
		`DELETE FROM ipc_effect WHERE state = 'done' AND changed < ?`,
	} {
		if _, err := tx.Exec(ctx, q, at); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM ipc_need WHERE task NOT IN (SELECT id FROM ipc_task)`)
	return err
}

// clock returns the time as the tables keep it.
func (s *Store) clock() int64 { return s.now().UnixNano() }

func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// allowed checks a move of a state machine against its table. That a move is
// not in it is a fault of this package.
func allowed[S ~string](moves map[S][]S, thing fmt.Stringer, from, to S) error {
	if slices.Contains(moves[from], to) {
		return nil
	}
	return &sys.Error{Op: "change", Path: thing.String(), Kind: sys.Internal, Err: fmt.Errorf("from %q to %q is no legal step", from, to)}
}

// collect reads and closes rows.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (out []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func scanID[T ~int64](rows *sql.Rows) (id T, err error) {
	err = rows.Scan(&id)
	return id, err
}

// refuse makes an error about one thing of this package.
func refuse(op string, thing fmt.Stringer, kind sys.Kind, why, hint string) error {
	return &sys.Error{Op: op, Path: thing.String(), Kind: kind, Err: errors.New(why), Hint: hint}
}
