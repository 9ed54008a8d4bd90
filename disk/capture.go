package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// captureMode says why owner edits are looked for.
type captureMode int

const (
	captureNow    captureMode = iota // on request: a file being written is waited for, a little
	captureAtOpen                    // nothing ran before: whatever is there counts
	captureEvent                     // the watcher: a file being written comes again
	captureLand                      // before a landing that touches the files
)

// Capture records edits made by hand, as a landing by the owner. If there are
// none, the landing's ID is 0.
func (d *Disk) Capture(ctx context.Context) (sys.LandingInfo, error) {
	if err := d.usable("record edits"); err != nil {
		return sys.LandingInfo{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takeDirty()
	info, err := d.captureLocked(ctx, nil, captureNow)
	if err != nil {
		d.markDirty("")
	}
	return info, explain("record edits", d.root, err)
}

// captureLocked records what differs between the live files and the newest
// landing at or below the given paths; nil means everywhere.
func (d *Disk) captureLocked(ctx context.Context, paths []string, mode captureMode) (sys.LandingInfo, error) {
	d.retryPendingLocked()
	d.retryRowsLocked(ctx)
	d.loadIgnore()
	c := &capture{ctx: ctx, d: d, mode: mode, objects: d.objects(), seen: map[string]known{}, head: d.at(), deadline: time.Now().Add(300 * time.Millisecond), done: map[string]bool{}}
	if paths == nil {
		paths = []string{""}
	}
	for _, p := range paths {
		if err := ctx.Err(); err != nil {
			return sys.LandingInfo{}, err
		}
		if err := c.under(p); err != nil {
			return sys.LandingInfo{}, err
		}
	}
	err := c.flush()
	return c.info, err
}

// flush lands what was found so far. A search that finds very much lands in
// parts, to bound memory.
func (c *capture) flush() error {
	if len(c.changes) > 0 {
		info, err := c.d.commitLocked(c.ctx, decision{
			landing: Landing{Kind: sys.ByOwner, Title: title(c.changes)},
			changes: c.changes, objects: c.objects, live: true,
		})
		if err != nil {
			c.d.noteTrouble(err)
			return err
		}
		c.info = info
	}
	c.d.rememberLocked(c.seen)
	c.objects, c.changes, c.bytes = c.d.objects(), nil, 0
	clear(c.seen)
	return nil
}

func (d *Disk) rememberLocked(seen map[string]known) {
	for p, k := range seen {
		if k.node.IsZero() {
			delete(d.stats, p)
		} else {
			d.stats[p] = k
		}
	}
}

// retryPendingLocked tries again to put in place what was decided.
func (d *Disk) retryPendingLocked() {
	if len(d.pending) == 0 {
		return
	}
	var todo []change
	for _, c := range d.pending {
		s, ok, err := read(d.rootFD, c.path)
		if err != nil {
			continue
		}
		var now git.Node
		if ok {
			now = s.node()
		}
		if now == c.new || now != c.old { // there already, or the owner's by now
			delete(d.pending, c.path)
			continue
		}
		todo = append(todo, c)
	}
	sortChanges(todo)
	p := &preparation{d: d}
	staged, err := d.stage(p, todo, d.objects())
	if err != nil {
		d.log.Warn("landed files still cannot be put in place", "files", len(todo), "error", err)
		p.staged = staged
		if err := p.undo(); err != nil {
			d.log.Warn("cannot clear the stage", "error", err)
		}
		return
	}
	d.applyAllLocked(p.id.String(), todo)
	if len(d.pending) == 0 && len(d.data.late) == 0 {
		d.setAppliedLocked(d.Head())
	}
}

// capture is one search for owner edits.
type capture struct {
	ctx      context.Context // of the one call that this is
	d        *Disk
	mode     captureMode
	objects  objects
	head     point
	deadline time.Time
	done     map[string]bool
	changes  []change
	bytes    int // of new contents
	seen     map[string]known
	info     sys.LandingInfo // the last landing made
}

// mostCaptured is how many bytes of new contents one landing by hand holds.
const mostCaptured = 32 << 20

// under compares everything at or below a path.
func (c *capture) under(path string) error {
	if path != "" && reserved(path) {
		return nil
	}
	n, err := c.objects.lookup(c.head.tree, path)
	if err != nil {
		return err
	}
	switch {
	case n.IsFolder():
		prefix := path
		if prefix != "" {
			prefix += "/"
		}
		err = c.objects.walk(n.Hash, prefix, func(p string, n git.Node) error { return c.file(p, n) })
	case !n.IsZero():
		err = c.file(path, n)
	}
	if err != nil {
		return err
	}
	return c.liveUnder(path)
}

// liveUnder looks for files that the history does not have.
func (c *capture) liveUnder(path string) error {
	st, ok, err := look(c.d.rootFD, path)
	if path == "" {
		st.mode, ok, err = 0o40755, true, nil
	}
	if err != nil || !ok {
		return err
	}
	if !st.isDir() {
		if c.done[path] || c.d.ignore.Load().match(path, false) {
			return nil
		}
		return c.file(path, git.Node{})
	}
	if path != "" && c.d.ignore.Load().match(path, true) {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(c.d.root, path))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := e.Name()
		if path != "" {
			p = path + "/" + p
		}
		switch {
		case e.IsDir():
			err = c.liveUnder(p)
		case c.done[p] || c.d.ignore.Load().match(p, false):
		default:
			err = c.file(p, git.Node{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file compares one live file with what the history has.
func (c *capture) file(path string, have git.Node) error {
	if c.done[path] {
		return nil
	}
	c.done[path] = true
	st, ok, err := look(c.d.rootFD, path)
	if err != nil {
		return err
	}
	if !ok || !st.versionable() {
		if ok && !st.isDir() && (have.IsZero() || st.kind() == unix.S_IFREG) {
			return nil // a socket, a device, a giant: not versioned, or no more
		}
		c.note(path, have, git.Node{}, known{})
		return nil
	}
	if k, ok := c.d.stats[path]; ok && k.node == have && k.holds(st) {
		return nil
	}
	at := time.Now().UnixNano()
	s, ok, err := read(c.d.rootFD, path)
	for err == nil && ok && s.writing && c.waits(s) {
		time.Sleep(10 * time.Millisecond)
		at = time.Now().UnixNano()
		s, ok, err = read(c.d.rootFD, path)
	}
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			c.d.log.Warn("a file cannot be read and is not versioned", "file", path, "error", err)
			return nil
		}
		return err
	}
	if !ok {
		c.note(path, have, git.Node{}, known{})
		return nil
	}
	if s.writing && c.mode == captureEvent && time.Since(time.Unix(0, s.mtime)) < 5*time.Second {
		c.d.markDirty(path) // it is being written: again later
		return nil
	}
	if s.node() != have && c.mode == captureAtOpen && c.d.verified[path].stat == s.stat && c.d.verified[path].node == have {
		c.note(path, have, have, known{s.stat, have, at}) // nobody has touched it: the disk has
		c.d.rotten = append(c.d.rotten, path)
		return nil
	}
	if s.writing {
		at = 0 // a mapped file may change on without a sign
	}
	if s.node() != have {
		c.objects.add(s.obj)
		c.bytes += len(s.obj.Data)
	}
	c.note(path, have, s.node(), known{s.stat, s.node(), at})
	if c.bytes > mostCaptured {
		return c.flush()
	}
	return nil
}

// waits reports whether to give a writer more time.
func (c *capture) waits(s sample) bool {
	return (c.mode == captureNow || c.mode == captureLand) && time.Now().Before(c.deadline) && time.Since(time.Unix(0, s.mtime)) < 5*time.Second
}

func (c *capture) note(path string, have, now git.Node, k known) {
	if p, ok := c.d.pending[path]; ok && now == p.old {
		return // ours to write, not an edit
	}
	c.seen[path] = k
	if now != have {
		c.changes = append(c.changes, change{path, have, now})
	}
}
