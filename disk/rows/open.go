package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"

	"matrixos/sys"
)

// DB is a database file open on one connection.
type DB struct {
	*sql.DB
	path string
}

// Access says what an open file is for.
type Access string

// The kinds of access.
const (
	ToRead   Access = "rw"  // a log that was left behind has to be folded in, so not "ro"
	ToWrite  Access = "rw"  // the file must be there
	ToCreate Access = "rwc" // it is made if it is not
)

// Open opens a database. Another writer is waited for at most so long.
func Open(ctx context.Context, path string, a Access, wait time.Duration) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"mode": {string(a)}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + strconv.FormatInt(wait.Milliseconds(), 10) + ")", "synchronous(FULL)", "foreign_keys(0)", "trusted_schema(0)", "cell_size_check(1)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var n int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&n); err != nil {
		return nil, Explain("open", path, errors.Join(err, db.Close()))
	}
	return &DB{db, path}, nil
}

// Pages writes a consistent copy of the database to w, page by page, as of one
// instant: a writer in another connection goes on meanwhile. The copy is one plain
// file with no log beside it. Pages keep their place, so that the copies of two
// states differ only where the database does (VACUUM INTO moves them).
func Pages(ctx context.Context, path string, w io.Writer) (err error) {
	db, err := Open(ctx, path, ToRead, 2*time.Second)
	if err != nil {
		return err
	}
	defer func() { err = Explain("copy", path, errors.Join(err, db.Close())) }()
	out, err := db.QueryContext(ctx, `SELECT data FROM sqlite_dbpage('main')`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	var page sql.RawBytes
	size := 0
	for first := true; out.Next(); first = false {
		if err := out.Scan(&page); err != nil {
			return err
		}
		if len(page) == 0 { // the page of the lock bytes has no content
			page = make([]byte, size)
		}
		size = len(page)
		if first && size > formatRead {
			page[formatWrite], page[formatRead] = 1, 1 // no write-ahead log goes with it
		}
		if _, err := w.Write(page); err != nil {
			return err
		}
	}
	return out.Err()
}

// Places in the header of a database file.
const (
	formatWrite = 18
	formatRead  = 19
)

// Result codes of SQLite.
const (
	codeError      = 1
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
	codeShmSize    = 4874 // extended: no room for the shared memory
)

func codeOf(err error) int {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return 0
	}
	if se.Code() == codeShmSize {
		return codeFull
	}
	return se.Code() & 0xff
}

// Damaged reports whether err says that a file is no sound database.
func Damaged(err error) bool {
	code := codeOf(err)
	return code == codeCorrupt || code == codeNotADB
}

// Explain gives an error of SQLite a kind and a way out, unless it has them.
func Explain(op, path string, err error) error {
	var done *sys.Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &sys.Error{Op: op, Path: path, Kind: sys.KindOf(err), Err: err}
	switch codeOf(err) {
	case codeBusy, codeLocked:
		e.Kind, e.Hint = sys.Held, "another program is writing to this database; close it, or try again when it is done"
	case codeReadOnly, codeCantOpen:
		e.Kind, e.Hint = sys.Unavailable, "check that the file is there, that you own it, and that its folder may be written"
	case codeFull:
		e.Kind, e.Hint = sys.NoSpace, "make room on this disk and try again; nothing was lost"
	case codeIOErr:
		e.Kind, e.Hint = sys.Unavailable, "the drive that holds this file fails: check it and its cable, and make a backup elsewhere"
	case codeCorrupt, codeNotADB:
		e.Kind, e.Err = sys.Unavailable, fmt.Errorf("the database is damaged: %w", err)
		e.Hint = "`matrixos data` lists the copies there are; `matrixos restore FILE --at L` brings one back and keeps the damaged file aside"
	}
	return e
}

// Path returns the name of the file.
func (db *DB) Path() string { return db.path }
