package disk

import (
	"context"
	"crypto/rand"
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

// Txn is a process's own copy of the home as of one landing. What is done in its
// folder, by whatever program, lands together or not at all. Its methods may be
// called concurrently.
type Txn struct {
	d     *Disk
	label string
	dir   string
	base  point
	root  *os.File

	mu       sync.Mutex // above Disk.mu
	stats    map[string]known
	reads    map[string]git.Node // what was read, as it was then
	claim    claim
	answered map[string]answer
	ended    bool
	data     privates
}

// answer is a conflict that was reported: what the agent has been shown.
type answer struct{ ours, theirs git.Node }

// Begin starts a transaction on the newest landing, edits by hand known so far
// included. The label is for people: it appears in no path. Drop it in the end.
func (d *Disk) Begin(ctx context.Context, label string) (*Txn, error) {
	if err := d.usable("begin"); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.captureDirtyLocked(ctx); err != nil {
		return nil, explain("begin", d.root, err)
	}
	t := &Txn{
		d: d, label: label, base: d.at(), dir: d.store("ws", rand.Text()[:12]),
		stats: map[string]known{}, reads: map[string]git.Node{}, answered: map[string]answer{},
	}
	if err := t.fill(ctx); err != nil {
		return nil, errors.Join(explain("begin", d.root, err), t.Drop())
	}
	return t, nil
}

// fill writes the base's files into the workspace. Their modification time is
// that of no write to come, so that the state of a file tells whether it changed.
func (t *Txn) fill(ctx context.Context) error {
	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return err
	}
	var err error
	if t.root, err = os.Open(t.dir); err != nil {
		return err
	}
	long := []unix.Timespec{unix.NsecToTimespec(time.Now().Add(-time.Hour).UnixNano()), unix.NsecToTimespec(time.Now().Add(-time.Hour).UnixNano())}
	made := map[string]bool{"": true}
	return t.d.objects().walk(t.base.tree, "", func(path string, n git.Node) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir, _ := split(path)
		if !made[dir] {
			if err := os.MkdirAll(filepath.Join(t.dir, dir), 0o755); err != nil {
				return err
			}
			made[dir] = true
		}
		to := filepath.Join(t.dir, path)
		if err := t.d.copyOut(path, n, to); err != nil {
			return fmt.Errorf("copy %s: %w", path, err)
		}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, to, long, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(to, &st); err != nil {
			return err
		}
		t.stats[path] = known{stat: statOf(&st), node: n}
		return nil
	})
}

// copyOut writes one file of the history to a path outside the live home: as a
// clone of the live file where that has the content and the file system shares
// blocks, else from the object. Never as a hard link. Caller holds d.mu.
func (d *Disk) copyOut(path string, n git.Node, to string) error {
	mode := n.Mode.FS().Perm()
	if n.Mode != git.Symlink {
		if done, err := d.cloneLive(path, n, to, mode); done || err != nil {
			return err
		}
	}
	content, err := d.repo.Content(n.Hash)
	if err != nil {
		return err
	}
	if n.Mode == git.Symlink {
		return os.Symlink(string(content), to)
	}
	return os.WriteFile(to, content, mode)
}

// cloneLive shares the live file's blocks, if it certainly has the content of n
// before and after.
func (d *Disk) cloneLive(path string, n git.Node, to string, mode fs.FileMode) (done bool, err error) {
	k, ok := d.stats[path]
	if d.noClone || !ok || k.node != n || k.size < 4096 {
		return false, nil
	}
	dir, base := split(path)
	f, err := openFolder(d.rootFD, dir, false)
	if err != nil {
		return false, nil // gone this instant: the object has it
	}
	defer f.close()
	if st, ok, err := f.look(base); err != nil || !ok || !k.holds(st) {
		return false, nil
	}
	fd, err := unix.Openat(f.fd, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, nil
	}
	from := os.NewFile(uintptr(fd), base)
	defer func() { err = errors.Join(err, from.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return false, err
	}
	err = unix.IoctlFileClone(int(out.Fd()), fd)
	if e := out.Close(); e != nil {
		return false, e
	}
	if err == nil {
		if st, ok, e := f.look(base); e == nil && ok && k.holds(st) {
			return true, nil
		}
	} else if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
		d.noClone = true // this file system does not share blocks
	}
	return false, os.Remove(to)
}

// Dir returns the transaction's folder: a home of its own, without the store.
func (t *Txn) Dir() string { return t.dir }

// Base returns the landing on which the transaction started.
func (t *Txn) Base() sys.LandingID { return t.base.id }

// Changes lists what the transaction has changed so far, sorted by path.
func (t *Txn) Changes(ctx context.Context) ([]sys.Change, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changes, err := t.scanLocked(ctx, t.d.objects())
	if err != nil {
		return nil, explain("list changes", t.label, err)
	}
	data, err := t.rowsLocked(ctx)
	if err != nil {
		return nil, explain("list changes", t.label, err)
	}
	var out []sys.Change
	for _, c := range changes {
		out = append(out, c.public())
	}
	for _, c := range data {
		out = append(out, c.public())
	}
	slices.SortFunc(out, func(a, b sys.Change) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return out, nil
}

// scanLocked compares the workspace with its base; new contents become fresh
// objects.
func (t *Txn) scanLocked(ctx context.Context, o objects) ([]change, error) {
	if t.ended {
		return nil, &sys.Error{Op: "use transaction", Path: t.label, Kind: sys.Invalid, Err: errors.New("it has ended"), Hint: "begin a new one"}
	}
	var changes []change
	seen := map[string]bool{}
	err := filepath.WalkDir(t.dir, func(full string, e fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if full == t.dir || err != nil {
			return nil //nolint:nilerr // it went while we looked
		}
		path := strings.TrimPrefix(full, t.dir+"/")
		if e.IsDir() {
			if reserved(path) {
				return fs.SkipDir
			}
			return nil
		}
		c, err := t.compare(path, o)
		if err != nil {
			return err
		}
		seen[path] = true
		if c.old != c.new {
			changes = append(changes, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for path, k := range t.stats {
		if !seen[path] {
			changes = append(changes, change{path: path, old: k.node})
		}
	}
	sortChanges(changes)
	return changes, nil
}

// compare looks at one file of the workspace.
func (t *Txn) compare(path string, o objects) (change, error) {
	k, had := t.stats[path]
	none := change{path, k.node, k.node}
	if !had && t.d.ignore.Load().match(path, false) {
		return none, nil
	}
	st, ok, err := look(t.root, path)
	if err != nil {
		return none, err
	}
	if had && ok && st == k.stat {
		return none, nil
	}
	if ok && st.kind() == unix.S_IFREG && st.size > largest {
		return none, &sys.Error{Op: "land", Path: path, Kind: sys.Invalid, Err: fmt.Errorf("%d bytes in one file", st.size), Hint: "files above 64 MB are not versioned: list it in " + ignoreFile + ", or make it smaller"}
	}
	s, ok, err := read(t.root, path)
	if err != nil {
		return none, err
	}
	if !ok {
		return change{path: path, old: k.node}, nil
	}
	o.add(s.obj)
	return change{path, k.node, s.node()}, nil
}

// Drop ends the transaction and removes its folder. What it has not landed is
// gone. Dropping twice does no harm.
func (t *Txn) Drop() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropLocked()
}

func (t *Txn) dropLocked() error {
	t.abandonLocked()
	t.ended = true
	var err error
	if t.root != nil {
		err = t.root.Close()
		t.root = nil
	}
	return errors.Join(err, t.dropData(), os.RemoveAll(t.dir))
}
