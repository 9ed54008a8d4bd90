package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"

	"matrixos/sys"
)

// version is the schema of the journal's own tables, kept in user_version.
const version = 2

const schema = `
CREATE TABLE event(
	seq          INTEGER PRIMARY KEY,
	time         INTEGER NOT NULL, -- nanoseconds since 1970
	kind         TEXT NOT NULL,
	pid          INTEGER NOT NULL,
	conversation TEXT NOT NULL,
	request      TEXT NOT NULL,
	data         BLOB NOT NULL,
	digest       BLOB,           -- of what was there before it was forgotten
	chain        BLOB NOT NULL); -- see chain.go
CREATE INDEX event_conversation ON event(conversation, seq) WHERE conversation <> '';
CREATE INDEX event_request ON event(request, seq) WHERE request <> '';
CREATE TABLE migration(owner TEXT PRIMARY KEY, steps INTEGER NOT NULL) WITHOUT ROWID;
`

// Journal is the open kernel.db of a home.
type Journal struct {
	path   string
	writer *sql.DB // one connection
	reader *sql.DB // a few, read-only

	writing sync.Mutex // held for the length of a write transaction

	mu     sync.Mutex
	last   sys.Seq
	recent recent
	subs   map[*Subscription]struct{}
	closed bool
}

// Open opens the journal at path, creating it if need be. A file written by a
// newer version is refused with kind TooNew and left as it is.
func Open(ctx context.Context, path string) (*Journal, error) {
	j := &Journal{path: path, subs: map[*Subscription]struct{}{}}
	var err error
	if j.writer, err = connect(path, 1, "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "wal_autocheckpoint(500)"); err != nil {
		return nil, j.fail("open journal", err)
	}
	if err := j.prepare(ctx); err != nil {
		return nil, errors.Join(j.fail("open journal", err), j.writer.Close())
	}
	if j.reader, err = connect(path, 4, "query_only(1)", "busy_timeout(10000)"); err != nil {
		return nil, errors.Join(j.fail("open journal", err), j.writer.Close())
	}
	return j, nil
}

func connect(path string, most int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// prepare creates the tables of a new file and reads where an old one ends.
func (j *Journal) prepare(ctx context.Context) error {
	var have int
	if err := j.writer.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
		return err
	}
	if have > version {
		return &sys.Error{
			Op: "open journal", Path: j.path, Kind: sys.TooNew,
			Err:  fmt.Errorf("it has format %d, this program knows %d", have, version),
			Hint: "this home was used by a newer Matrix OS: install that version, or restore a backup",
		}
	}
	if have < version {
		tx, err := j.writer.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if have == 0 {
			_, err = tx.ExecContext(ctx, schema)
		} else {
			err = chained(ctx, tx)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version=%d;`, version))
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return j.writer.QueryRowContext(ctx, `SELECT ifnull(max(seq), 0) FROM event`).Scan(&j.last)
}

// Last returns the Seq of the newest durable event, 0 if there is none.
func (j *Journal) Last() sys.Seq {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Query reads committed state through a read-only connection, outside any
// transaction. The caller closes the rows.
func (j *Journal) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := j.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, j.fail("query journal", err)
	}
	return rows, nil
}

// QueryRow reads one row of committed state; see Query.
func (j *Journal) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return j.reader.QueryRowContext(ctx, query, args...)
}

// Read returns at most limit durable events after the given Seq, oldest first.
func (j *Journal) Read(ctx context.Context, after sys.Seq, limit int) ([]sys.Event, error) {
	rows, err := j.reader.QueryContext(ctx,
		`SELECT seq, time, kind, pid, conversation, request, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, j.fail("read journal", err)
	}
	events, err := Scan(rows)
	if err != nil {
		return nil, j.fail("read journal", err)
	}
	return events, nil
}

// Scan reads and closes rows of the columns seq, time, kind, pid,
// conversation, request and data of the table event, in that order, for
// packages that select events by their own rules.
func Scan(rows *sql.Rows) (events []sys.Event, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e sys.Event
		var at int64
		var data []byte
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.PID, &e.Conversation, &e.Request, &data); err != nil {
			return nil, err
		}
		e.Time, e.Data = unixNano(at), data
		events = append(events, e)
	}
	return events, rows.Err()
}

// Close ends all subscriptions and closes the file. What was acknowledged
// is durable already; nothing is lost by not calling it.
func (j *Journal) Close() error {
	j.writing.Lock() // a running Update finishes first
	defer j.writing.Unlock()
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	for s := range j.subs {
		s.endLocked()
	}
	j.mu.Unlock()
	return errors.Join(j.reader.Close(), j.writer.Close())
}

// Result codes of SQLite that an owner can do something about.
const (
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
	sqliteShmSize  = 4874 // extended: an I/O error while the shared memory grows
)

// fail wraps err with the file, a kind and the way out, unless it has them.
func (j *Journal) fail(op string, err error) error {
	var done *sys.Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	out := &sys.Error{Op: op, Path: j.path, Kind: sys.KindOf(err), Err: err}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return out
	}
	code := se.Code() & 0xff
	if se.Code() == sqliteShmSize {
		code = sqliteFull
	}
	switch code {
	case sqliteFull:
		out.Kind, out.Hint = sys.NoSpace, "make room on this disk and try again; nothing was lost"
		out.Err = fmt.Errorf("the disk is full: %w", err)
	case sqliteIOErr:
		out.Kind, out.Hint = sys.Unavailable, "the drive that holds this file fails: check it and its cable, and make a backup elsewhere"
	case sqliteBusy:
		out.Kind, out.Hint = sys.Held, "another program has this file open for writing; close it"
	case sqliteReadOnly, sqliteCantOpen:
		out.Kind, out.Hint = sys.Unavailable, "check that you own this folder and may write in it"
	case sqliteCorrupt, sqliteNotADB:
		out.Hint = "the file is damaged: restore kernel.db from a backup; files and history are not affected"
	}
	return out
}

func unixNano(at int64) time.Time { return time.Unix(0, at).UTC() }
