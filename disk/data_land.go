package disk

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/chunk"
	"matrixos/disk/git"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// openRows is a live database in a transaction that has the landing's rows and ends
// right after the commit point.
type openRows struct {
	path    string
	db      *rows.DB
	tx      *sql.Tx
	created bool
}

// data takes the copies and brings the rows into the live databases, each in an open
// transaction: whatever is wrong with them is found here, and nobody can write to
// them until the landing is decided.
func (p *preparation) data(ctx context.Context, n decision, tree git.Hash) (err error) {
	if err := p.d.fault("data"); err != nil {
		return err
	}
	p.writer = p.d.data.chunks.Begin()
	if p.copies, err = p.d.copiesLocked(ctx, p.writer, n); err != nil || len(n.rows) == 0 {
		return err
	}
	if err := p.d.upToDate(ctx, n.rows); err != nil {
		return err
	}
	large := p.d.data.chunks.Begin()
	defer func() { err = errors.Join(err, large.Close()) }()
	for _, c := range n.rows {
		r, err := c.record(ctx, large)
		if err != nil {
			return err
		}
		p.rows = append(p.rows, r)
	}
	if err := large.Commit(); err != nil {
		return err
	}
	conflict := &ConflictError{Op: n.op}
	for _, c := range n.rows {
		found, err := p.open(ctx, n, tree, c)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			conflict.Files = append(conflict.Files, rowConflict(c.path, found))
		}
	}
	p.d.hook("rows-staged")
	if len(conflict.Files) > 0 {
		if conflict.Op == "" {
			conflict.Op = "land"
		}
		return conflict
	}
	return err
}

// upToDate fails if a database still lacks rows of an earlier landing.
func (d *Disk) upToDate(ctx context.Context, list []rowChange) error {
	d.retryRowsLocked(ctx)
	for _, l := range d.data.late {
		for _, c := range list {
			if c.path == l.path && !c.anew { // a damaged one gets them once it is whole
				return &sys.Error{Op: "change", Path: l.path, Kind: sys.Unavailable, Err: fmt.Errorf("the rows of %s could not be written to it yet", l.landing), Hint: "close other programs that use this database, check its permissions, and try again"}
			}
		}
	}
	return nil
}

// open applies one set of changes in a transaction that stays open.
func (p *preparation) open(ctx context.Context, n decision, tree git.Hash, c rowChange) (conflicts []rows.Conflict, err error) {
	if c.anew {
		if p.moved, err = p.d.moveAwayLocked(c.path, p.id); err != nil {
			return nil, err
		}
	}
	o, err := p.d.openLive(ctx, c.path)
	if err != nil {
		return nil, err
	}
	p.opened = append(p.opened, o)
	if err := o.forget(ctx, p.id); err != nil {
		return nil, rows.Explain("change", c.path, err)
	}
	err = p.checkedRows(ctx, n, tree, c.path, o, func() (bool, error) {
		found, err := o.apply(ctx, p.id, c.set, c.mode)
		p.kept = append(p.kept, found.Kept...)
		conflicts = found.Conflicts
		return len(conflicts) > 0, rows.Explain("change", c.path, err)
	})
	return conflicts, err
}

// openLive begins a transaction on a live database, which is made if need be. It
// never follows a link.
func (d *Disk) openLive(ctx context.Context, path string) (_ *openRows, err error) {
	st, there, err := look(d.rootFD, path)
	if err != nil {
		return nil, err
	}
	full := filepath.Join(d.root, path)
	if there && st.kind() != unix.S_IFREG {
		return nil, &sys.Error{Op: "open", Path: path, Kind: sys.Invalid, Err: errors.New("it is no plain file"), Hint: "move it away; databases of apps are files"}
	}
	if !there {
		dir, _ := split(path)
		f, err := openFolder(d.rootFD, dir, true)
		if err != nil {
			return nil, err
		}
		f.close()
	}
	o := &openRows{path: path, created: !there}
	if o.db, err = rows.Open(ctx, full, rows.ToCreate, waitForWriter); err != nil {
		return nil, err
	}
	if o.tx, err = o.db.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return nil, rows.Explain("change", path, errors.Join(err, o.db.Close()))
	}
	return o, nil
}

const appliedTable = `CREATE TABLE IF NOT EXISTS _disk_applied(landing INTEGER PRIMARY KEY, time TEXT NOT NULL)`

// mostApplied is how many landings a database remembers; redo records are fewer.
const mostApplied = 1000

// forget removes the marks of landings long done, and those of landings that this
// history does not have (an older home may have been brought back around it).
func (o *openRows) forget(ctx context.Context, next sys.LandingID) error {
	if _, err := o.tx.ExecContext(ctx, appliedTable); err != nil {
		return err
	}
	_, err := o.tx.ExecContext(ctx, `DELETE FROM _disk_applied WHERE landing <= ? OR landing >= ?`, int64(next-mostApplied), int64(next))
	return err
}

// apply brings a landing's changes into the database and marks it as having them.
func (o *openRows) apply(ctx context.Context, id sys.LandingID, set rows.Changeset, m rows.Mode) (rows.Result, error) {
	if _, err := o.tx.ExecContext(ctx, appliedTable); err != nil {
		return rows.Result{}, err
	}
	found, err := set.Apply(ctx, o.tx, m)
	if err != nil {
		return found, err
	}
	_, err = o.tx.ExecContext(ctx, `INSERT INTO _disk_applied(landing, time) VALUES(?, ?)`, int64(id), time.Now().UTC().Format(time.RFC3339))
	return found, err
}

func (o *openRows) commit() error { return errors.Join(o.tx.Commit(), o.db.Close()) }

func (o *openRows) rollback() error {
	err := errors.Join(o.tx.Rollback(), o.db.Close())
	if o.created {
		if st, e := os.Stat(o.db.Path()); e == nil && st.Size() == 0 {
			err = errors.Join(err, os.Remove(o.db.Path()))
		}
	}
	return err
}

// commitRows ends the transactions of a decided landing. What fails is tried again,
// and recovery repeats it.
func (p *preparation) commitRows() {
	for _, o := range p.opened {
		p.d.hook("rows-commit")
		err := p.d.fault("rows-commit")
		if err == nil {
			err = o.commit()
		} else {
			err = errors.Join(err, o.rollback())
		}
		if err != nil {
			p.d.log.Warn("landed rows could not be written to a database", "file", o.path, "error", err)
			p.d.data.late = append(p.d.data.late, lateRows{p.id, o.path})
			continue
		}
		p.d.hook("rows-committed")
	}
	p.opened = nil
}

// dropRows takes back what was not decided.
func (p *preparation) dropRows() error {
	var err error
	for _, o := range p.opened {
		err = errors.Join(err, o.rollback())
	}
	p.opened = nil
	return errors.Join(err, p.closeWriter())
}

func (p *preparation) closeWriter() error {
	if p.writer == nil {
		return nil
	}
	return p.writer.Close()
}

// rowConflict is a conflict of rows in the form of one of files: the texts show the
// rows in question.
func rowConflict(path string, list []rows.Conflict) ConflictFile {
	f := ConflictFile{Path: sys.Path(path), Rows: list}
	side := func(of func(rows.Conflict) string) []byte {
		var b strings.Builder
		for _, c := range list {
			fmt.Fprintf(&b, "%s\n  %s\n", c, of(c))
		}
		return []byte(b.String())
	}
	f.Base = side(func(c rows.Conflict) string { return c.Base })
	f.Ours = side(func(c rows.Conflict) string { return c.Ours })
	f.Theirs = side(func(c rows.Conflict) string { return c.Theirs })
	return f
}

// redoRowsOnce brings the rows of a decided landing into a database that may lack them.
// The database says itself whether it does. Where it was changed since, what is in
// it stays: that is newer.
func (d *Disk) redoRowsOnce(ctx context.Context, id sys.LandingID, path string) (err error) {
	list, err := d.rowsOf(ctx, id, originLanded)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.path != path {
			continue
		}
		o, err := d.openLive(ctx, path)
		if err != nil {
			return err
		}
		done, err := o.has(ctx, id)
		if err == nil && !done {
			d.hook("recover-rows")
			_, err = o.apply(ctx, id, c.set, rows.Mode{KeepLive: true, KeepUsed: true})
		}
		if err != nil {
			return rows.Explain("change", path, errors.Join(err, o.rollback()))
		}
		if err := o.commit(); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether a landing's rows are in the database.
func (o *openRows) has(ctx context.Context, id sys.LandingID) (bool, error) {
	var n int
	if err := o.tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = '_disk_applied'`).Scan(&n); err != nil || n == 0 {
		return false, err
	}
	err := o.tx.QueryRowContext(ctx, `SELECT count(*) FROM _disk_applied WHERE landing = ?`, int64(id)).Scan(&n)
	return n > 0, err
}

// finishRows redoes the rows of landings that may not have reached their databases.
func (d *Disk) finishRows(ctx context.Context, list []redoRow) {
	d.data.late = nil
	for _, r := range list {
		if r.applied {
			continue
		}
		for _, path := range r.rows {
			d.data.late = append(d.data.late, lateRows{r.id, path})
		}
	}
	d.retryRowsLocked(ctx)
	if len(d.data.late) > 0 {
		d.tellLate(ctx)
	}
}

// retryRowsLocked tries again to write landed rows to their databases, oldest first.
func (d *Disk) retryRowsLocked(ctx context.Context) {
	if len(d.data.late) == 0 {
		return
	}
	var left []lateRows
	blocked := map[string]bool{}
	for _, l := range d.data.late {
		if blocked[l.path] {
			left = append(left, l)
			continue
		}
		if err := d.redoRowsOnce(ctx, l.landing, l.path); err != nil {
			d.log.WarnContext(ctx, "landed rows still cannot be written to a database", "file", l.path, "landing", l.landing.String(), "error", err)
			left, blocked[l.path] = append(left, l), true
		}
	}
	d.data.late = left
	if len(left) == 0 && len(d.pending) == 0 {
		d.applied = d.Head()
	}
}

func (d *Disk) tellLate(ctx context.Context) {
	l := d.data.late[0]
	note := sys.NoticeData{Level: "error", Title: "A change is recorded, but not in your data yet", Text: fmt.Sprintf("%s could not be written. Close other programs that use it and check its permissions; it is tried again with the next change.", l.path)}
	if _, err := d.j.Append(ctx, sys.NewEvent(sys.EventNotice, note)); err != nil {
		d.log.WarnContext(ctx, "cannot tell the owner about rows not written", "error", err)
	}
}

func readerOf(b []byte) io.Reader { return bytes.NewReader(b) }

// privateCopy writes a consistent copy of a live database to a new file; ok is
// false if there is none.
func (d *Disk) privateCopy(ctx context.Context, path, to string) (ok bool, err error) {
	if _, ok, err := d.dataState(path); err != nil || !ok {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return false, err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, err
	}
	err = rows.Pages(ctx, filepath.Join(d.root, path), f)
	return true, errors.Join(err, f.Close())
}

// chunkCopy writes a kept copy to a new file.
func (d *Disk) chunkCopy(ctx context.Context, r chunk.Root, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(d.data.chunks.WriteTo(ctx, r, f), f.Close())
}

// scratch makes a folder of its own for databases that are compared.
func (d *Disk) scratch() (dir string, drop func() error, err error) {
	dir, err = os.MkdirTemp(d.store("private"), "x")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

func fileThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
