package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// object mends a damaged or missing object from wherever a copy is, and reports
// it.
func (s *scrubber) object(what string, h git.Hash) error {
	p := sys.ScrubProblem{What: what, Object: h.String()}
	o, from := s.copyOf(h)
	if from != "" {
		if err := s.d.repo.WriteLoose(o, s.d.store("quarantine"), true); err != nil {
			return err
		}
		if err := syncFile(s.d.repo.ObjectPath(h)); err != nil {
			return err
		}
		p.Fixed, p.How = true, "restored from "+from
		s.problem(p)
		return nil
	}
	p.Path, p.Landing = s.whose(h)
	p.How = "no second copy is here: import a backup, and copy the file from it"
	s.problem(p)
	return nil
}

// copyOf looks for a good copy of an object outside its damaged file.
func (s *scrubber) copyOf(h git.Hash) (git.Object, string) {
	d := s.d
	if o, err := d.repo.Read(h); err == nil {
		return o, "another copy in the history"
	}
	if rows, err := d.redoRowsOf(s.ctx); err == nil {
		for _, r := range rows {
			for _, o := range r.objects {
				if o.Hash == h {
					return o, "the redo record of " + r.id.String()
				}
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, k := range d.stats {
		if k.node.Hash != h {
			continue
		}
		if f, ok, err := read(d.rootFD, path); err == nil && ok && f.obj.Hash == h {
			return f.obj, "the live file " + path
		}
	}
	if o, ok := d.treeFromStats(h); ok {
		return o, "the names of the live files"
	}
	return s.fromCheckouts(h)
}

// fromCheckouts looks in past landings that were written out as folders.
func (s *scrubber) fromCheckouts(h git.Hash) (git.Object, string) {
	var found git.Object
	var from string
	stop := errors.New("found")
	_ = filepath.WalkDir(s.d.store("views"), func(path string, e os.DirEntry, err error) error { // what cannot be read is no copy
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // no copy here
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // no copy here
		}
		if o := git.NewObject(git.Blob, b); o.Hash == h {
			found, from = o, "a past landing that was written out"
			return stop
		}
		return nil
	})
	return found, from
}

// treeFromStats makes the folders of the newest landing anew from what is known
// of the live files, and returns the one that is looked for.
func (d *Disk) treeFromStats(h git.Hash) (git.Object, bool) {
	o := d.objects()
	set := map[string]git.Node{}
	for path, k := range d.stats {
		set[path] = k.node
	}
	if _, err := o.updateSet(git.Hash{}, set); err != nil {
		return git.Object{}, false
	}
	obj, ok := o.fresh[h]
	return obj, ok
}

// whose finds the newest landing and file that need an object.
func (s *scrubber) whose(h git.Hash) (sys.Path, sys.LandingID) {
	rows, err := s.d.j.Query(s.ctx, `SELECT landing, commit_id, tree FROM disk_landing ORDER BY landing DESC`)
	if err != nil {
		return "", 0
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id sys.LandingID
		var commit, tree string
		if rows.Scan(&id, &commit, &tree) != nil {
			return "", 0
		}
		if commit == h.String() || tree == h.String() {
			return "", id
		}
		top, err := git.ParseHash(tree)
		if err != nil {
			continue
		}
		r := newReach(s.d.repo, true)
		r.broken = func(git.Hash) {}
		if r.tree(top, "") != nil {
			continue
		}
		for _, i := range r.items {
			if i.Hash == h && len(i.Group) > 2 {
				return sys.Path(i.Group[2:]), id
			}
		}
	}
	return "", 0
}

// live compares the files that nobody has touched with the history.
func (s *scrubber) live() error {
	d := s.d
	const together = 100
	files := map[string]git.Node{}
	var order []string
	err := d.objects().walk(d.at().tree, "", func(path string, n git.Node) error {
		files[path] = n
		order = append(order, path)
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.forgetVerified(s.ctx, s.Done == ""); err != nil {
		return err
	}
	for i := 0; i < len(order); i += together {
		part := order[i:min(i+together, len(order))]
		if part[len(part)-1] <= s.Done {
			continue
		}
		good := map[string]known{}
		var size int64
		for _, path := range part {
			f, ok, err := readFromDisk(d.rootFD, path)
			if err != nil || !ok {
				continue // it went, or cannot be read this instant
			}
			s.Report.Files++
			size += f.size
			if f.node() != files[path] {
				if err := s.heal(path); err != nil {
					return err
				}
			} else if k, ok := d.compared(path, f); ok {
				good[path] = k
			}
		}
		if err := d.rememberVerified(s.ctx, good); err != nil {
			return err
		}
		if err := s.step(part[len(part)-1], size); err != nil {
			return err
		}
	}
	return nil
}

// compared notes that a live file has the content of its landing, if that is
// certain from its state.
func (d *Disk) compared(path string, f sample) (known, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := known{f.stat, f.node(), time.Now().UnixNano()}
	st, ok, err := look(d.rootFD, path)
	if err != nil || !ok || f.writing || !k.holds(st) {
		return k, false
	}
	d.stats[path] = k
	return k, true
}

// readFromDisk reads a file past the system's memory of it, where that can be asked for.
func readFromDisk(root *os.File, path string) (sample, bool, error) {
	dir, base := split(path)
	if f, err := openFolder(root, dir, false); err == nil {
		if fd, err := unix.Openat(f.fd, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) // only advice
			_ = unix.Close(fd)                             // it was only read
		}
		f.close()
	}
	return read(root, path)
}

// heal restores a live file whose bytes changed while its state did not.
func (s *scrubber) heal(path string) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	p := sys.ScrubProblem{What: "live file", Path: sys.Path(path)}
	ok, err := s.d.healLocked(s.ctx, path)
	switch {
	case err != nil:
		p.How = "it could not be restored: " + err.Error()
	case !ok:
		return nil // an edit after all
	default:
		p.Fixed, p.Landing, p.How = true, s.d.Head(), "restored from the history; the damaged bytes are in "+sys.Store+"/displaced"
	}
	s.problem(p)
	return nil
}

// healRottenLocked restores live files that were found damaged while opening.
func (d *Disk) healRottenLocked(ctx context.Context) {
	for _, path := range d.rotten {
		if _, err := d.healLocked(ctx, path); err != nil {
			d.log.WarnContext(ctx, "a damaged file could not be restored; the next scrub tries again", "file", path, "error", err)
		}
	}
	d.rotten, d.verified = nil, nil
}

// healLocked puts the history's content of a file in the place of damaged bytes,
// which go to displaced, and lands the explanation. It reports false if the
// file is not certainly damaged: then it is somebody's.
func (d *Disk) healLocked(ctx context.Context, path string) (bool, error) {
	n, err := d.objects().file(d.at().tree, path)
	if err != nil || n.IsZero() {
		return false, err
	}
	k, known := d.stats[path]
	bad, there, err := read(d.rootFD, path)
	if err != nil || !there || !known || k.node != n || !k.holds(bad.stat) || bad.writing || bad.node() == n {
		return false, err
	}
	const stage = "heal.0"
	if err := d.stageOne(d.store("stage", stage), change{path: path, old: n, new: n}, d.objects(), true); err != nil {
		return false, err
	}
	staged, _, err := look(d.stageFD, stage)
	if err != nil {
		return false, err
	}
	dir, base := split(path)
	f, err := openFolder(d.rootFD, dir, false)
	if err != nil {
		return false, errors.Join(err, os.Remove(d.store("stage", stage)))
	}
	defer f.close()
	if err := unix.Renameat2(int(d.stageFD.Fd()), stage, f.fd, base, unix.RENAME_EXCHANGE); err != nil {
		return false, errors.Join(err, os.Remove(d.store("stage", stage)))
	}
	out, ok, err := look(d.stageFD, stage)
	if err != nil || !ok || out.ino != bad.ino || out.mtime != bad.mtime || out.size != bad.size { // saved this instant
		return false, errors.Join(err, d.giveBack(stage, change{path, git.Node{}, n}, staged, f, base))
	}
	if err := d.setAside(stage, path); err != nil {
		return false, err
	}
	d.noteLocked(change{path, n, n}, staged, f, base)
	_, err = d.commitLocked(ctx, decision{
		landing: Landing{Kind: sys.BySystem, Title: fmt.Sprintf("Restored %s: its bytes on the disk had changed by themselves", path)},
		changes: []change{{path, n, n}}, objects: d.objects(), live: true,
	})
	return true, err
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
