package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"matrixos/sys"
)

// Quota is how much one app may keep; a zero field has no limit.
type Quota struct {
	Rows  int   // in all tables together
	Keys  int   // values of writeData
	Bytes int64 // of all these values together
}

// usual holds for every app of a home: enough for a life's entries, and little enough
// that an app that runs wild is stopped before the disk is full.
func usual() Quota { return Quota{Rows: 500_000, Keys: 2000, Bytes: 64 << 20} }

// fits refuses n more rows if the app would have too many.
func (q Quota) fits(ctx context.Context, tx *sql.Tx, app sys.Slug, decl map[string]Table, n int) error {
	if q.Rows == 0 {
		return nil
	}
	var all int
	for _, count := range []string{`SELECT coalesce(max(rowid), 0) FROM %q`, `SELECT count(*) FROM %q`} { // the first is quick, and never too few
		all = 0
		for _, name := range slices.Sorted(maps.Keys(decl)) {
			var rows int
			if err := tx.QueryRowContext(ctx, fmt.Sprintf(count, name)).Scan(&rows); err != nil {
				return err
			}
			all += rows
		}
		if all+n <= q.Rows {
			return nil
		}
	}
	return &sys.Error{
		Op: "insert into the tables of", Path: string(app), Kind: sys.OverBudget, Err: fmt.Errorf("the app has %d rows, and %d more are over its limit of %d", all, n, q.Rows),
		Hint: "delete what is not needed any more, or export older rows and delete them",
	}
}

// holds refuses a value of size bytes for a key if the app would keep too much.
func (q Quota) holds(dir, key string, size int) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	keys, bytes := 1, int64(size)
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" || e.Name() == key+".json" {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		keys, bytes = keys+1, bytes+info.Size()
	}
	why := error(nil)
	switch {
	case q.Keys > 0 && keys > q.Keys:
		why = fmt.Errorf("the app would have %d keys; at most %d are allowed", keys, q.Keys)
	case q.Bytes > 0 && bytes > q.Bytes:
		why = fmt.Errorf("the values of the app's keys would have %d bytes together; at most %d are allowed", bytes, q.Bytes)
	default:
		return nil
	}
	return &sys.Error{Op: "write the key", Path: key, Kind: sys.OverBudget, Err: why, Hint: "keep lists of things in a table, and delete keys that are not needed by writing null"}
}
