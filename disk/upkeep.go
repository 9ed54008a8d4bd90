package disk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"matrixos/journal"
	"matrixos/sys"
)

// upkeepMigrations are the tables of the home's care of itself.
var upkeepMigrations = []string{`
CREATE TABLE disk_upkeep(kind TEXT PRIMARY KEY, report TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE disk_verified(
	path  TEXT PRIMARY KEY,
	ino   INTEGER NOT NULL,
	size  INTEGER NOT NULL,
	mtime INTEGER NOT NULL,
	ctime INTEGER NOT NULL,
	mode  INTEGER NOT NULL,
	git   INTEGER NOT NULL,
	hash  TEXT NOT NULL) WITHOUT ROWID;
`}

// keepReport stores the newest report of a kind.
func (d *Disk) keepReport(ctx context.Context, kind string, report any) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO disk_upkeep(kind, report) VALUES(?,?) ON CONFLICT(kind) DO UPDATE SET report = excluded.report`, kind, string(text))
		return err
	})
}

// readReport reads the newest report of a kind; ok is false if there is none.
func (d *Disk) readReport(ctx context.Context, kind string, into any) (ok bool, err error) {
	var text string
	err = d.j.QueryRow(ctx, `SELECT report FROM disk_upkeep WHERE kind = ?`, kind).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal([]byte(text), into)
}

// Upkeep says how the home's care of itself stands.
func (d *Disk) Upkeep(ctx context.Context) (sys.UpkeepState, error) {
	s := sys.UpkeepState{Storage: d.Storage(ctx)}
	var scrub sys.ScrubReport
	var gc sys.GCReport
	ok, err := d.readReport(ctx, "scrub", &scrub)
	if err != nil {
		return s, explain("read upkeep", d.root, err)
	}
	if ok {
		s.Scrub = &scrub
	}
	if ok, err = d.readReport(ctx, "gc", &gc); err != nil {
		return s, explain("read upkeep", d.root, err)
	}
	if ok {
		s.GC = &gc
	}
	return s, nil
}

// folderSize returns how many bytes of the disk a folder and all in it take.
func folderSize(path string) (total int64, err error) {
	err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while we looked
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			total += onDisk(info)
		}
		return err
	})
	return total, err
}

// onDisk is the room that a file takes, not its length.
func onDisk(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
