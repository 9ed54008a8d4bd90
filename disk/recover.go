package disk

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// redoRow is a landing that the last checkpoint does not cover.
type redoRow struct {
	id      sys.LandingID
	boot    string
	applied bool
	redo
}

// recoverLocked finishes what a crash has interrupted. It may itself be
// interrupted and run again. On a full disk it gives up the ballast first.
func (d *Disk) recoverLocked(ctx context.Context) error {
	return d.withBallast(func() error { return d.finish(ctx) })
}

func (d *Disk) finish(ctx context.Context) error {
	rows, err := d.redoRowsOf(ctx)
	if err != nil {
		return err
	}
	if err := d.readHead(ctx); err != nil {
		return err
	}
	newBoot := false
	for _, r := range rows {
		newBoot = newBoot || r.boot != d.boot || d.boot == ""
	}
	if applied := d.readApplied(); !newBoot {
		for i := range rows {
			rows[i].applied = rows[i].applied || rows[i].id <= applied
		}
	}
	for _, r := range rows {
		if err := d.finishObjects(r, newBoot); err != nil {
			return err
		}
	}
	d.hook("recover-objects")
	if err := d.finishRef(ctx); err != nil {
		return err
	}
	d.hook("recover-ref")
	if err := d.clearStage(rows); err != nil {
		return err
	}
	if err := d.finishFiles(rows, newBoot); err != nil {
		return err
	}
	d.hook("recover-files")
	if err := d.finishMoved(ctx); err != nil {
		return err
	}
	d.finishRows(ctx, rows)
	d.hook("recover-data")
	for _, sub := range []string{"quarantine", "private"} {
		if err := clearFolder(d.store(sub)); err != nil {
			return err
		}
	}
	if len(d.pending) == 0 && len(d.data.late) == 0 {
		d.setAppliedLocked(d.Head())
	}
	d.redoRows = len(rows)
	if newBoot && len(rows) > 0 {
		return d.forgetLocked(ctx)
	}
	return d.markAppliedLocked(ctx)
}

func (d *Disk) redoRowsOf(ctx context.Context) (out []redoRow, err error) {
	rows, err := d.j.Query(ctx, `SELECT landing, boot, applied, record FROM disk_redo ORDER BY landing`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r redoRow
		var record []byte
		if err := rows.Scan(&r.id, &r.boot, &r.applied, &record); err != nil {
			return nil, err
		}
		if r.redo, err = decodeRedo(record); err != nil {
			return nil, fmt.Errorf("landing %s: %w", r.id, err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// readHead takes the newest landing from kernel.db, or, if that is a new file
// beside an old history, from git.
func (d *Disk) readHead(ctx context.Context) error {
	var id sys.LandingID
	var commit, tree string
	err := d.j.QueryRow(ctx, `SELECT landing, commit_id, tree FROM disk_head`).Scan(&id, &commit, &tree)
	if errors.Is(err, sql.ErrNoRows) {
		return d.rebuild(ctx)
	}
	if err != nil {
		return err
	}
	p := point{id: id}
	if p.commit, err = git.ParseHash(commit); err != nil {
		return err
	}
	if p.tree, err = git.ParseHash(tree); err != nil {
		return err
	}
	d.head.Store(&p)
	return nil
}

// finishObjects makes sure that the repository has what a landing needs. After a
// new boot whatever is there may be short, and is written again.
func (d *Disk) finishObjects(r redoRow, newBoot bool) error {
	for _, o := range r.objects {
		if !newBoot && d.repo.Has(o.Hash) {
			continue
		}
		if err := d.repo.WriteLoose(o, d.store("quarantine"), newBoot); err != nil {
			return err
		}
	}
	for _, h := range r.outside {
		from := filepath.Join(d.store("quarantine", r.id.String()), h.String())
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			if _, err := d.repo.Read(h); err != nil {
				return err
			}
			continue
		}
		if err := d.repo.Adopt(h, from); err != nil {
			return err
		}
	}
	return nil
}

// finishRef points main at the newest landing, and HEAD at main.
func (d *Disk) finishRef(ctx context.Context) error {
	head := d.at()
	if err := errors.Join(d.breakRefLock(), d.repo.FreeIndex()); err != nil {
		return err
	}
	if head.id == 0 {
		return nil
	}
	found, err := d.repo.Ref(mainRef)
	if err != nil && !errors.Is(err, git.ErrNotFound) && !errors.Is(err, git.ErrCorrupt) {
		return err
	}
	if found != head.commit {
		var ours int
		if err := d.j.QueryRow(ctx, `SELECT count(*) FROM disk_landing WHERE commit_id = ?`, found.String()).Scan(&ours); err != nil {
			return err
		}
		if ours == 0 {
			if err := d.keepOwnerCommit(found, head.commit); err != nil {
				return err
			}
		}
		if err := d.repo.SetRef(mainRef, head.commit); err != nil {
			return err
		}
	}
	d.publishing.Lock()
	d.published = head.commit
	d.publishing.Unlock()
	at := filepath.Join(d.repo.Dir(), "HEAD")
	if b, err := os.ReadFile(at); err == nil && strings.TrimSpace(string(b)) == "ref: "+mainRef {
		return nil
	}
	d.log.InfoContext(ctx, "HEAD is put back on main")
	return replaceFile(at, []byte("ref: "+mainRef+"\n"))
}

// breakRefLock removes the lock that a crash of ours has left on main. One that
// names a commit git knows is not ours: a git command may be running.
func (d *Disk) breakRefLock() error {
	path := filepath.Join(d.repo.Dir(), mainRef+".lock")
	for range 50 {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := git.ParseHash(strings.TrimSpace(string(b)))
		if err == nil && (h == d.at().commit || !d.repo.Has(h)) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return os.Remove(path)
}

// clearStage empties the stage. What the history knows is dropped; anything else
// was displaced in the instant of the crash, and is the owner's.
func (d *Disk) clearStage(rows []redoRow) error {
	entries, err := os.ReadDir(d.store("stage"))
	if err != nil {
		return err
	}
	paths := map[string]string{}
	for _, r := range rows {
		for i, c := range r.changes {
			paths[stageName(r.id, i)] = c.path
		}
	}
	for _, e := range entries {
		path, decided := paths[e.Name()]
		decided = decided || strings.HasPrefix(e.Name(), stageName(0, 0)[:3]) // an earlier recovery's
		s, ok, err := read(d.stageFD, e.Name())
		if err != nil {
			return err
		}
		st, there, err := look(d.stageFD, e.Name())
		if err != nil || !there {
			return err
		}
		switch {
		case st.isDir():
			if unix.Unlinkat(int(d.stageFD.Fd()), e.Name(), unix.AT_REMOVEDIR) != nil {
				err = d.setAside(e.Name(), path)
			}
		case !decided || ok && !s.writing && d.repo.Has(s.obj.Hash):
			err = os.Remove(d.store("stage", e.Name()))
		default:
			err = d.setAside(e.Name(), path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finishFiles brings the live files to the net effect of the landings that may
// not have reached them. Content that none of those landings wrote or replaced
// is the owner's: it stays, and is captured afterwards.
func (d *Disk) finishFiles(rows []redoRow, newBoot bool) error { //nolint:gocognit // one case after another, best read in one piece
	net := map[string]change{}
	ours := map[string]map[git.Node]bool{}
	for _, r := range rows {
		for _, c := range r.changes {
			if !newBoot && (r.live || r.applied) {
				delete(net, c.path) // the file had this once, so nothing earlier is missing
				delete(ours, c.path)
				continue
			}
			if ours[c.path] == nil {
				ours[c.path] = map[git.Node]bool{}
			}
			ours[c.path][c.old], ours[c.path][c.new] = true, true
			net[c.path] = change{c.path, c.old, c.new}
		}
	}
	var todo []change
	for path, c := range net {
		s, ok, err := read(d.rootFD, path)
		if err != nil {
			return err
		}
		var now git.Node
		if ok {
			now = s.node()
		}
		switch {
		case now == c.new:
			continue
		case !ours[path][now]:
			torn := false
			if newBoot && ok {
				if torn, err = d.torn(s.obj.Data, c.new); err != nil {
					return err
				}
			}
			if !torn {
				continue
			}
		}
		todo = append(todo, change{path, now, c.new})
	}
	sortChanges(todo)
	p := &preparation{d: d}
	if _, err := d.stage(p, todo, d.objects()); err != nil {
		return err
	}
	d.applyAllLocked(p.id.String(), todo)
	return nil
}

// torn reports whether data is what a power cut makes of the wanted content:
// short, or with blocks of zeros.
func (d *Disk) torn(data []byte, want git.Node) (bool, error) {
	if want.IsZero() {
		return false, nil
	}
	full, err := d.repo.Content(want.Hash)
	if err != nil || len(data) > len(full) {
		return false, err
	}
	for i := 0; i < len(data); i += 4096 {
		end := min(i+4096, len(data))
		if !bytes.Equal(data[i:end], full[i:end]) && len(bytes.Trim(data[i:end], "\x00")) != 0 {
			return false, nil
		}
	}
	return true, nil
}

// forgetLocked makes what a recovery after a new boot has written durable, and
// drops its redo records, so that the next start need not distrust it again.
func (d *Disk) forgetLocked(ctx context.Context) error {
	if err := d.syncAll("recovery"); err != nil {
		return err
	}
	d.hook("recover-synced")
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM disk_redo WHERE landing <= ?`, d.applied)
		if err == nil {
			err = tx.QueryRow(ctx, `SELECT count(*) FROM disk_redo`).Scan(&d.redoRows)
		}
		return err
	})
}

// markAppliedLocked notes which landings are in the live files.
func (d *Disk) markAppliedLocked(ctx context.Context) error {
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE disk_redo SET applied = 1 WHERE landing <= ? AND applied = 0`, d.applied)
		return err
	})
}

func clearFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a small file so that it is old or new, never half.
func replaceFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
