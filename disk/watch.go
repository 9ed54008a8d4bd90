package disk

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

const (
	quiet   = 90 * time.Millisecond  // after the last event, before edits are recorded
	longest = 500 * time.Millisecond // at most, while events keep coming
	again   = 250 * time.Millisecond // until a file that was being written is looked at again
	settled = 30 * time.Millisecond  // after a renaming, until its watches are set anew
	poll    = 5 * time.Second        // where the system has no watches left
)

// markDirty notes that something at or below a path may have been edited. Any
// goroutine may call it, d.mu held or not.
func (d *Disk) markDirty(path string) {
	d.dirtyMu.Lock()
	d.dirty[path] = true
	d.dirtyMu.Unlock()
	select {
	case d.dirtied <- struct{}{}:
	default:
	}
}

// takeDirty returns what may have been edited and forgets it. The caller holds
// d.mu and captures.
func (d *Disk) takeDirty() []string {
	d.dirtyMu.Lock()
	defer d.dirtyMu.Unlock()
	var out []string
	for p := range d.dirty {
		out = append(out, p)
	}
	clear(d.dirty)
	return out
}

// startWatching follows the live files until ctx ends. Order: an event marks its
// path; once events pause, all marked paths are captured in one landing. Events
// may be lost (the kernel's queue overflows): then everything is scanned.
func (d *Disk) startWatching(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	full := d.watchTree(w, "")
	d.background.Go(func() {
		<-ctx.Done()
		if err := w.Close(); err != nil {
			d.log.WarnContext(ctx, "cannot stop watching", "error", err)
		}
	})
	d.background.Go(func() { d.follow(ctx, w) })
	d.background.Go(func() { d.captureWhenQuiet(ctx) })
	if !full {
		d.background.Go(func() { d.pollAll(ctx) })
	}
	return nil
}

// watchTree watches a folder and those below it. It reports false if the system
// allows no more watches.
func (d *Disk) watchTree(w *fsnotify.Watcher, path string) bool {
	full := true
	err := filepath.WalkDir(filepath.Join(d.root, path), func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil //nolint:nilerr // it went this instant, or is not ours to read
		}
		rel := d.relative(p)
		if rel != "" && d.ignored(rel, true) {
			return fs.SkipDir
		}
		if err := w.Add(p); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EMFILE) {
			full = false
			return fs.SkipAll
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn("cannot watch a folder", "folder", rel, "error", err)
		}
		return nil
	})
	if err != nil {
		d.log.Warn("cannot watch a folder", "folder", path, "error", err)
	}
	if !full {
		d.log.Warn("the system allows no more watched folders; edits by hand are found every few seconds instead", "hint", "raise fs.inotify.max_user_watches")
	}
	return full
}

func (d *Disk) relative(p string) string {
	return filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(p, d.root), "/"))
}

func (d *Disk) ignored(path string, folder bool) bool {
	ig := d.ignore.Load()
	return ig != nil && ig.match(path, folder)
}

// moves is what follow remembers of folders that were renamed: their watches
// still go by the old names, and are set anew once the renaming is over.
type moves struct {
	from, to map[string]bool
	settle   <-chan time.Time
}

// follow turns events into marks.
func (d *Disk) follow(ctx context.Context, w *fsnotify.Watcher) {
	m := moves{from: map[string]bool{}, to: map[string]bool{}}
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			d.event(ctx, w, e, &m)
		case <-m.settle:
			d.watchAgain(w, &m)
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			d.log.InfoContext(ctx, "events of edits were lost; everything is looked at", "error", err)
			d.markDirty("")
		}
	}
}

func (d *Disk) event(ctx context.Context, w *fsnotify.Watcher, e fsnotify.Event, m *moves) {
	path := d.relative(e.Name)
	if path == "" || d.ignored(path, false) {
		return
	}
	if e.Has(fsnotify.Create) {
		if st, ok, err := look(d.rootFD, path); err == nil && ok && st.isDir() {
			m.to[path] = true
			if !d.watchTree(w, path) {
				d.background.Go(func() { d.pollAll(ctx) })
			}
		}
	}
	if e.Has(fsnotify.Rename) {
		m.from[path] = true
		m.settle = time.After(settled)
	} else if m.settle == nil {
		clear(m.to) // made, not moved
	}
	d.markDirty(path)
}

// watchAgain sets the watches of renamed folders under their new names, and has
// them looked at for what was edited in between.
func (d *Disk) watchAgain(w *fsnotify.Watcher, m *moves) {
	m.settle = nil
	for _, watched := range w.WatchList() {
		rel := d.relative(watched)
		for dir := rel; dir != ""; dir, _ = split(dir) {
			if !m.from[dir] {
				continue
			}
			if err := w.Remove(watched); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				d.log.Debug("a folder was no longer watched", "folder", rel, "error", err)
			}
			break
		}
	}
	for _, dirs := range []map[string]bool{m.to, m.from} { // what moved there and back, too
		for dir := range dirs {
			if st, ok, err := look(d.rootFD, dir); err == nil && ok && st.isDir() {
				d.watchTree(w, dir)
				d.markDirty(dir)
			}
		}
	}
	clear(m.from)
	clear(m.to)
}

// pollAll stands in for watches that the system refuses.
func (d *Disk) pollAll(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.markDirty("")
		case <-ctx.Done():
			return
		}
	}
}

// captureWhenQuiet records marked paths once events pause.
func (d *Disk) captureWhenQuiet(ctx context.Context) {
	wait := func(t time.Duration) bool {
		select {
		case <-time.After(t):
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		select {
		case <-d.dirtied:
		case <-ctx.Done():
			return
		}
		for since := time.Now(); time.Since(since) < longest; {
			select {
			case <-d.dirtied: // more of it: wait on
			default:
			}
			if !wait(quiet) {
				return
			}
			if len(d.dirtied) == 0 {
				break
			}
		}
		if later := d.captureMarked(ctx); later > 0 && !wait(later) {
			return
		}
	}
}

// captureMarked records the marked paths; if some are left, it returns when to
// try them: those still being written soon, after a failure later.
func (d *Disk) captureMarked(ctx context.Context) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.usable("record edits") != nil {
		return 0
	}
	if err := d.captureDirtyLocked(ctx); err != nil {
		if ctx.Err() == nil {
			d.log.ErrorContext(ctx, "edits by hand could not be recorded; they stay in the files, and it is tried again", "error", err)
		}
		return poll
	}
	d.dirtyMu.Lock()
	defer d.dirtyMu.Unlock()
	if len(d.dirty) > 0 {
		return again
	}
	return 0
}

// captureDirtyLocked records what is marked; on failure the marks stay.
func (d *Disk) captureDirtyLocked(ctx context.Context) error {
	marked := d.takeDirty()
	if len(marked) == 0 {
		return nil
	}
	paths := marked
	if slices.Contains(marked, "") {
		paths = nil
	}
	_, err := d.captureLocked(ctx, paths, captureEvent)
	if err != nil {
		for _, p := range marked {
			d.markDirty(p)
		}
	}
	return err
}
