package disk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"matrixos/disk/chunk"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// mostChecked is the size up to which a database is read whole to find damage: 1 GB
// takes some three seconds, and an app waits five for a database that is not free.
const mostChecked = 1 << 30

// DataDamage is what is wrong with the file of a database.
type DataDamage struct {
	Path sys.Path
	What string // in the words of SQLite
}

// DataCheck is what a look at databases has found.
type DataCheck struct {
	Damaged   []DataDamage
	Unchecked []string // in words: which one was not looked at, and why
}

// CheckData reads the databases of an app, or of all apps for "", and finds those whose
// files are damaged. It changes nothing.
func (d *Disk) CheckData(ctx context.Context, app sys.Slug) (DataCheck, error) {
	out, err := d.checkData(ctx, app)
	return out, explain("check the data of", string(app), err)
}

func (d *Disk) checkData(ctx context.Context, app sys.Slug) (out DataCheck, err error) {
	var slugs []sys.Slug
	if app != "" {
		slugs = append(slugs, app)
	}
	paths, err := d.databases(slugs...)
	if err != nil {
		return out, err
	}
	for _, path := range paths {
		what, err := d.damage(ctx, path)
		switch {
		case ctx.Err() != nil:
			return out, ctx.Err()
		case err != nil:
			out.Unchecked = append(out.Unchecked, fmt.Sprintf("%s was not checked: %v", path, err))
		case what != "":
			out.Damaged = append(out.Damaged, DataDamage{sys.Path(path), what})
		}
	}
	return out, nil
}

// damage says what is wrong with one database; "" if it is sound, or not there.
func (d *Disk) damage(ctx context.Context, path string) (string, error) {
	state, ok, err := d.dataState(path)
	if err != nil || !ok {
		return "", err
	}
	if state.file.size == 0 && state.log.size == 0 {
		return d.emptied(ctx, path)
	}
	full := filepath.Join(d.root, path)
	if state.file.size <= mostChecked {
		return rows.Check(ctx, full)
	}
	db, err := rows.Open(ctx, full, rows.ToRead, waitForWriter)
	if rows.Damaged(err) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	return "", errors.Join(db.Close(), fmt.Errorf("it has %d MB, more than the %d that are read whole; `sqlite3 %s 'PRAGMA quick_check'` does so", state.file.size>>20, mostChecked>>20, path))
}

// emptied tells a database that has lost everything from one that never had anything.
func (d *Disk) emptied(ctx context.Context, path string) (string, error) {
	list, err := d.copies(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if string(c.Path) == path && c.Size > 0 {
			return "the file is empty", nil
		}
	}
	return "", nil
}

// SoundCopy finds the newest kept copy of a database that is not damaged itself: a copy
// may have been taken when the file was damaged already. ok is false if there is none.
func (d *Disk) SoundCopy(ctx context.Context, path sys.Path) (_ Copy, ok bool, err error) {
	list, err := d.copies(ctx)
	if err != nil {
		return Copy{}, false, explain("list copies", string(path), err)
	}
	known := map[chunk.Root]bool{}
	for _, c := range list { // newest first
		if c.Path != path || known[c.root] {
			continue
		}
		known[c.root] = true
		sound, err := d.sound(ctx, c)
		if err != nil {
			return Copy{}, false, explain("check the copies of", string(path), err)
		}
		if sound {
			return c, true, nil
		}
	}
	return Copy{}, false, nil
}

// sound reports whether a copy can be read, and is a database that holds something.
func (d *Disk) sound(ctx context.Context, c Copy) (_ bool, err error) {
	dir, drop, err := d.scratch()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	to := filepath.Join(dir, "copy")
	if err := d.chunkCopy(ctx, c.root, to); err != nil {
		if ctx.Err() == nil && !isFull(err) {
			d.log.WarnContext(ctx, "a kept copy of a database cannot be read", "file", c.Path, "before", c.Landing, "error", err)
			return false, nil
		}
		return false, err
	}
	what, err := rows.Check(ctx, to)
	return what == "" && c.Size > 0, err
}

// ExplainData gives an error of the database of an app its place, a kind and a way out.
func ExplainData(op string, app sys.Slug, err error) error {
	return rows.Explain(op, fmt.Sprintf("%s/%s/%s%s", dataFolder, app, app, dataSuffix), err)
}
