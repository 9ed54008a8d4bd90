package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// syncEach is up to how many staged files are made durable one by one; above,
// one sync of the file system is cheaper.
const syncEach = 64

// stage writes the new contents of changes into the stage, durably, and returns
// the indexes of those that have one. It returns them on error too.
func (d *Disk) stage(p *preparation, changes []change, from objects) (staged []int, err error) {
	for i, c := range changes {
		if !c.new.IsZero() {
			staged = append(staged, i)
		}
	}
	each := len(staged) <= syncEach
	errs := make([]error, len(staged))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8) // syncs in parallel share one commit of the file system
	for k, i := range staged {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[k] = d.stageOne(p.stagePath(i), changes[i], from, each)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || each {
		return staged, err
	}
	return staged, d.syncAll("stage")
}

func (d *Disk) stageOne(path string, c change, from objects, sync bool) error {
	content, err := from.content(c.new.Hash)
	if err != nil {
		return err
	}
	if c.new.Mode == git.Symlink {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.Symlink(string(content), path)
	}
	mode := fs.FileMode(0o644)
	if live, ok, err := look(d.rootFD, c.path); err == nil && ok && live.kind() == unix.S_IFREG {
		mode = fs.FileMode(live.mode & 0o777) // the owner's permissions stay
	}
	mode &^= 0o111
	if c.new.Mode == git.Executable {
		mode |= mode & 0o444 >> 2
	}
	if err := writeFile(path, content, mode|0o200, sync && d.unsynced != "stage"); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// publishLocked moves a decided landing into the live files and has the history
// follow beside what comes next. It cannot fail any more: what does not succeed
// now is tried again, and recovery repeats it.
func (d *Disk) publishLocked(ctx context.Context, p *preparation, id sys.LandingID, n decision) {
	if n.live {
		for _, c := range n.changes {
			delete(d.pending, c.path)
		}
	} else {
		d.applyAllLocked(p.id.String(), n.changes)
	}
	d.hook("applied")
	d.tellHistory()
	if d.spaces != nil { // the first landings come before it
		d.spaces.Follow(d.at().tree)
	}
	if len(d.pending) == 0 && len(d.data.late) == 0 {
		d.setAppliedLocked(id)
	}
	for _, c := range n.changes {
		if c.path == ignoreFile {
			d.loadIgnore()
		}
	}
	d.tellTidy()
	if len(d.pending) > 0 {
		d.tellPending(ctx)
	}
	if len(d.data.late) > 0 {
		d.tellLate(ctx)
	}
}

// applyAllLocked brings the live files to what was decided: first deletions,
// deepest first, then the rest. What cannot be done now is pending.
func (d *Disk) applyAllLocked(stage string, changes []change) {
	apply := func(i int) {
		c := changes[i]
		d.hook("exchange")
		name := fmt.Sprintf("%s.%d", stage, i)
		err := d.applyLocked(name, c)
		if isFull(err) && d.dropBallast() {
			err = d.applyLocked(name, c)
		}
		if err == nil {
			delete(d.pending, c.path)
			return
		}
		d.log.Warn("a landed file could not be put in place", "file", c.path, "error", err)
		if before, ok := d.pending[c.path]; ok {
			c.old = before.old
		}
		d.pending[c.path] = c
	}
	for i, change := range slices.Backward(changes) {
		if change.new.IsZero() {
			apply(i)
		}
	}
	for i := range changes {
		if !changes[i].new.IsZero() {
			apply(i)
		}
	}
}

// tellPending says to the owner what stands in the way.
func (d *Disk) tellPending(ctx context.Context) {
	var path string
	for path = range d.pending {
		break
	}
	note := sys.NoticeData{Level: "error", Title: "A change is recorded, but not in your files yet", Text: fmt.Sprintf("%d files could not be written, %s among them. Check their permissions; it is tried again with the next change.", len(d.pending), path)}
	if _, err := d.j.Append(ctx, sys.NewEvent(sys.EventNotice, note)); err != nil {
		d.log.WarnContext(ctx, "cannot tell the owner about files not written", "error", err)
	}
}

// applyLocked moves one live file from c.old to c.new, whose content waits in the
// stage under the given name. Content is exchanged, not overwritten, and what was
// displaced is looked at: if the owner has saved in between, theirs goes back.
func (d *Disk) applyLocked(stage string, c change) error {
	if err := d.fault("apply"); err != nil {
		return err
	}
	dir, base := split(c.path)
	f, err := openFolder(d.rootFD, dir, !c.new.IsZero())
	if c.new.IsZero() && absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.close()
	if c.new.IsZero() {
		err := unix.Renameat2(f.fd, base, int(d.stageFD.Fd()), stage, 0)
		if absent(err) {
			delete(d.stats, c.path)
			return nil
		}
		if err != nil {
			return err
		}
		d.hook("exchanged")
		if err := d.displacedLocked(stage, c, stat{}, f, base); err != nil {
			return err
		}
		delete(d.stats, c.path)
		return d.prune(dir)
	}
	staged, ok, err := look(d.stageFD, stage)
	if err != nil || !ok {
		return errors.Join(fmt.Errorf("the staged content of %s is gone", c.path), err)
	}
	for {
		err = unix.Renameat2(int(d.stageFD.Fd()), stage, f.fd, base, unix.RENAME_EXCHANGE)
		if err == nil {
			d.hook("exchanged")
			if err := d.displacedLocked(stage, c, staged, f, base); err != nil {
				return err
			}
			break
		}
		if !errors.Is(err, unix.ENOENT) {
			return err
		}
		if err = unix.Renameat2(int(d.stageFD.Fd()), stage, f.fd, base, unix.RENAME_NOREPLACE); err == nil {
			break
		}
		if !errors.Is(err, unix.EEXIST) { // else somebody has just created it: exchange
			return err
		}
	}
	d.noteLocked(c, staged, f, base)
	return nil
}

// noteLocked remembers the state of a file just put in place, if it is ours.
func (d *Disk) noteLocked(c change, staged stat, f folder, base string) {
	delete(d.stats, c.path)
	now, ok, err := f.look(base)
	if err == nil && ok && now.ino == staged.ino && now.mtime == staged.mtime && now.size == staged.size {
		d.stats[c.path] = known{now, c.new, time.Now().UnixNano()}
	}
}

// displacedLocked decides about what stood at c.path and is now in the stage;
// ours is the file that took its place.
func (d *Disk) displacedLocked(stage string, c change, ours stat, f folder, base string) error {
	was, ok, err := read(d.stageFD, stage)
	if err != nil {
		return err
	}
	if ok && (was.node() == c.old || was.node() == c.new) {
		if was.writing { // an editor still writes to it: its bytes must not vanish
			return d.setAside(stage, c.path)
		}
		return unix.Unlinkat(int(d.stageFD.Fd()), stage, 0)
	}
	if st, there, err := look(d.stageFD, stage); err == nil && there && st.isDir() {
		if unix.Unlinkat(int(d.stageFD.Fd()), stage, unix.AT_REMOVEDIR) == nil {
			return nil // it was empty
		}
	}
	return d.giveBack(stage, c, ours, f, base)
}

// giveBack puts what the owner has saved this instant back in its place. Ours
// stays in the history; the next capture records theirs on top of it.
func (d *Disk) giveBack(stage string, c change, ours stat, f folder, base string) error {
	d.races.Add(1)
	d.log.Info("an edit by hand came in between and was kept", "file", c.path)
	if c.new.IsZero() {
		err := unix.Renameat2(int(d.stageFD.Fd()), stage, f.fd, base, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EEXIST) {
			return d.setAside(stage, c.path)
		}
		return err
	}
	return d.giveBackNewest(stage, c, ours, f, base)
}

// mostSwaps bounds how often a file is given back to an owner who saves faster
// than it is looked at.
const mostSwaps = 8

// giveBackNewest exchanges until what comes out is what was put in just before:
// anything else is a save yet newer, which goes back in its turn. What comes out
// last goes to displaced unless the history has it.
func (d *Disk) giveBackNewest(stage string, c change, ours stat, f folder, base string) error {
	inPlace, have := ours.ino, c.new
	for range mostSwaps {
		theirs, ok, err := read(d.stageFD, stage)
		if err != nil || !ok {
			return errors.Join(err, d.setAside(stage, c.path))
		}
		err = unix.Renameat2(int(d.stageFD.Fd()), stage, f.fd, base, unix.RENAME_EXCHANGE)
		if errors.Is(err, unix.ENOENT) {
			return d.setAside(stage, c.path)
		}
		if err != nil {
			return err
		}
		d.hook("given-back")
		out, ok, err := read(d.stageFD, stage)
		if err != nil || !ok {
			return errors.Join(err, d.setAside(stage, c.path))
		}
		if out.ino == inPlace && out.node() == have {
			if !out.writing && (have == c.new || d.repo.Has(have.Hash)) {
				return unix.Unlinkat(int(d.stageFD.Fd()), stage, 0)
			}
			break
		}
		inPlace, have = theirs.ino, theirs.node()
	}
	return d.setAside(stage, c.path)
}

// setAside moves something from the stage to displaced/, where nothing is ever
// overwritten.
func (d *Disk) setAside(stage, path string) error {
	name := displacedName(path)
	d.log.Warn("bytes of an edit by hand were set aside", "file", path, "kept", filepath.Join(sys.Store, "displaced", name))
	return os.Rename(d.store("stage", stage), d.store("displaced", name))
}

// prune removes folders that a deletion has left empty, except top-level ones
// and those that the history has.
func (d *Disk) prune(dir string) error {
	for strings.Contains(dir, "/") {
		n, err := d.objects().lookup(d.at().tree, dir)
		if err != nil || !n.IsZero() {
			return err
		}
		up, base := split(dir)
		f, err := openFolder(d.rootFD, up, false)
		if absent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		err = unix.Unlinkat(f.fd, base, unix.AT_REMOVEDIR)
		f.close()
		if err != nil {
			return nil //nolint:nilerr // not empty, or not ours to remove: it stays
		}
		dir = up
	}
	return nil
}
