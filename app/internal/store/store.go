// Package store keeps the data of apps: one SQLite file per app with the tables of
// its manifest, and JSON values by key. It checks every name and value against the
// manifest, so that nothing an app says is spliced into SQL. It knows nothing of
// frames, capabilities or who asks.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"matrixos/disk"
	"matrixos/sys"
)

// idle is how long a database stays open after its last use. Closing folds the
// write-ahead log into the one file that the owner copies and opens.
const idle = 3 * time.Second

// Store is the data folder of a home. It is safe for concurrent use: work on one
// app's database goes one after the other, different apps side by side.
type Store struct {
	dir     string
	scratch bool // nothing of it outlives the process: no waiting for the drive
	now     func() time.Time
	quota   Quota
	index   string // where full-text indexes are kept; "" keeps none

	indexing sync.Mutex // one search at a time; taken before mu

	mu     sync.Mutex
	open   map[sys.Slug]*handle
	closed bool
}

type handle struct {
	db    *sql.DB
	file  os.FileInfo // which was opened
	users int
	timer *time.Timer
}

// New keeps data below dir, which is made when the first app needs it.
func New(dir string) *Store {
	return &Store{dir: dir, now: time.Now, quota: usual(), open: map[sys.Slug]*handle{}}
}

// NewScratch keeps data that may be lost: those of previews and trials. now, if it is
// not nil, says of what time they are.
func NewScratch(dir string, now func() time.Time) *Store {
	s := New(dir)
	s.scratch = true
	if now != nil {
		s.now = now
	}
	return s
}

// Dir is the folder of one app's data.
func (s *Store) Dir(app sys.Slug) string { return filepath.Join(s.dir, string(app)) }

// Path is the database of one app.
func (s *Store) Path(app sys.Slug) string {
	return filepath.Join(s.Dir(app), string(app)+".sqlite")
}

// Has reports whether an app has a database.
func (s *Store) Has(app sys.Slug) bool {
	_, err := os.Stat(s.Path(app))
	return err == nil
}

// Migrate brings an app's database to its manifest, all or nothing: new tables, columns
// and indexes are added, and indexes that the manifest no longer names go. Tables and
// columns that it no longer names are kept. A column whose type changes, or a unique
// index that rows stand against, is a Problem, and then nothing is changed.
// It returns what it has added.
func (s *Store) Migrate(ctx context.Context, app sys.Slug, tables map[string]Table) ([]Addition, []Problem, error) {
	if len(tables) == 0 {
		return nil, nil, nil
	}
	var found []Problem
	var added []Addition
	err := s.use(app, true, func(db *sql.DB) error {
		steps, problems, err := plan(ctx, db, tables)
		if err != nil || len(problems) > 0 || len(steps) == 0 {
			found = problems
			return err
		}
		return inTx(ctx, db, func(tx *sql.Tx) error {
			// Rows may have come in before the transaction: what was planned is planned again.
			if steps, found, err = plan(ctx, tx, tables); err != nil || len(found) > 0 {
				return err
			}
			for _, step := range steps {
				if _, err := tx.ExecContext(ctx, step.sql); err != nil {
					return fmt.Errorf("%s: %w", step.sql, err)
				}
				if step.Table != "" {
					added = append(added, step.Addition)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, nil, disk.ExplainData("migrate", app, err)
	}
	return added, found, nil
}

// Plan says what Migrate would refuse, without changing anything.
func (s *Store) Plan(ctx context.Context, app sys.Slug, tables map[string]Table) ([]Problem, error) {
	if len(tables) == 0 || !s.Has(app) {
		return nil, nil
	}
	var found []Problem
	err := s.use(app, false, func(db *sql.DB) (err error) {
		_, found, err = plan(ctx, db, tables)
		return err
	})
	if err != nil {
		return nil, disk.ExplainData("read", app, err)
	}
	return found, nil
}

// CopyTo writes a consistent copy of an app's data into another store.
func (s *Store) CopyTo(ctx context.Context, app sys.Slug, to *Store) error {
	fail := func(err error) error {
		return &sys.Error{Op: "copy the data of", Path: string(app), Kind: sys.Internal, Err: err}
	}
	if err := os.MkdirAll(to.Dir(app), 0o755); err != nil {
		return fail(err)
	}
	entries, err := os.ReadDir(s.Dir(app))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(s.Dir(app), e.Name()))
		if err != nil {
			return fail(err)
		}
		if err := os.WriteFile(filepath.Join(to.Dir(app), e.Name()), raw, 0o644); err != nil {
			return fail(err)
		}
	}
	if _, err := os.Stat(s.Path(app)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err = s.use(app, false, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `VACUUM INTO ?`, to.Path(app))
		return err
	})
	return disk.ExplainData("copy", app, err)
}

// Close folds and closes every database.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for app, h := range s.open {
		h.timer.Stop()
		errs = append(errs, h.db.Close())
		delete(s.open, app)
	}
	return errors.Join(errs...)
}

// use runs fn with the database of app, opening it if need be.
func (s *Store) use(app sys.Slug, create bool, fn func(*sql.DB) error) error {
	h, err := s.take(app, create)
	if err != nil {
		return err
	}
	defer s.give(app, h)
	return fn(h.db)
}

func (s *Store) take(app sys.Slug, create bool) (*handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the store is closed")
	}
	h := s.open[app]
	if h != nil && h.users == 0 && !s.current(app, h) {
		// It goes before the new file is opened: closing removes the log by its name.
		h.timer.Stop()
		delete(s.open, app)
		if err := h.db.Close(); err != nil {
			return nil, err
		}
		h = nil
	}
	if h == nil {
		db, err := s.openDB(app, create)
		if err != nil {
			return nil, err
		}
		h = &handle{db: db}
		if h.file, err = os.Stat(s.Path(app)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		h.timer = time.AfterFunc(idle, func() { s.retire(app, h) })
		s.open[app] = h
	}
	h.users++
	return h, nil
}

// current reports whether the file that is open still is the app's: a restore may have
// put another in its place.
func (s *Store) current(app sys.Slug, h *handle) bool {
	now, err := os.Stat(s.Path(app))
	return err == nil && os.SameFile(now, h.file)
}

func (s *Store) give(app sys.Slug, h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.users--
	if s.open[app] == h {
		h.timer.Reset(idle)
	}
}

// retire closes a database that nobody has used for a while. A failed close
// leaves the write-ahead log, which the next open reads.
func (s *Store) retire(app sys.Slug, h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[app] != h {
		return
	}
	if h.users > 0 {
		h.timer.Reset(idle)
		return
	}
	delete(s.open, app)
	if err := h.db.Close(); err != nil {
		s.open[app] = h // still usable; try again later
		h.timer.Reset(idle)
	}
}

func (s *Store) openDB(app sys.Slug, create bool) (*sql.DB, error) {
	if !app.Valid() {
		return nil, fmt.Errorf("%q is no slug", app)
	}
	if err := likeFunction(); err != nil {
		return nil, err
	}
	mode := "rw"
	if create {
		mode = "rwc"
		if err := os.MkdirAll(s.Dir(app), 0o755); err != nil {
			return nil, err
		}
	}
	path, err := filepath.Abs(s.Path(app))
	if err != nil {
		return nil, err
	}
	keep := []string{"journal_mode(WAL)", "synchronous(FULL)"}
	if s.scratch {
		keep = []string{"journal_mode(MEMORY)", "synchronous(OFF)"}
	}
	q := url.Values{"mode": {mode}, "_pragma": append(keep, "busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)"), "_txlock": {"immediate"}}
	dsn := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String() + "?" + q.Encode()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := db.Ping(); err != nil { //nolint:noctx // it opens a file, and nothing waits
		err = errors.Join(err, db.Close())
		if strings.Contains(err.Error(), "unable to open database file") && !create {
			return nil, &sys.Error{Op: "open the data of", Path: string(app), Kind: sys.NotFound, Err: err}
		}
		return nil, err
	}
	return db, nil
}
