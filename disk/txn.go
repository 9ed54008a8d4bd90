package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/disk/workspace"
	"matrixos/sys"
)

// Txn is a process's own copy of the home as of one landing. What is done in its
// folder, by whatever program, lands together or not at all. Its methods may be
// called concurrently.
type Txn struct {
	d      *Disk
	label  string
	base   point
	folder *workspace.Folder

	mu       sync.Mutex          // above Disk.mu
	reads    map[string]git.Node // what was read, as it was then
	claim    claim
	answered map[string]answer
	ended    bool
	data     privates
}

// answer is a conflict that was reported: what the agent has been shown.
type answer struct{ ours, theirs git.Node }

// BeginOptions are what a transaction is to be like.
type BeginOptions struct {
	// Label is for people: it appears in no path.
	Label string
	// Scope, if it is not empty, is all that the transaction's folder has: what lies
	// at or below these paths, the system folder, and the files at the top. The rest
	// of the home is not in it and does not change by its absence. What is written
	// there lands as a change of what the home has.
	Scope []sys.Path
}

// Begin starts a transaction on the newest landing, edits by hand known so far
// included. The label is for people: it appears in no path. Drop it in the end.
func (d *Disk) Begin(ctx context.Context, label string) (*Txn, error) {
	return d.BeginWith(ctx, BeginOptions{Label: label})
}

// BeginWith is Begin with options.
func (d *Disk) BeginWith(ctx context.Context, o BeginOptions) (*Txn, error) {
	if err := d.usable("begin"); err != nil {
		return nil, err
	}
	var scope []string
	for _, p := range o.Scope {
		clean, err := cleanPath("begin", p)
		if err != nil {
			return nil, err
		}
		scope = append(scope, clean)
	}
	base, err := d.captured(ctx)
	if err != nil {
		return nil, explain("begin", d.root, err)
	}
	folder, err := d.spaces.Begin(ctx, base.tree, scope)
	if err != nil {
		return nil, explain("begin", d.root, err)
	}
	return &Txn{
		d: d, label: o.Label, base: base, folder: folder,
		reads: map[string]git.Node{}, answered: map[string]answer{},
	}, nil
}

// captured records edits by hand known so far and returns the newest landing.
func (d *Disk) captured(ctx context.Context) (point, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.captureDirtyLocked(ctx)
	if d.noteTrouble(err) {
		err = nil // they stay in the files; work that only reads goes on
	}
	return d.at(), err
}

// Dir returns the transaction's folder as this program reaches it: a home of its
// own, without the store. It has no file that is not versioned; whoever wants one
// there, such as a private copy of a database, writes it, and it never lands.
func (t *Txn) Dir() string { return t.folder.Dir() }

// Place is where a command finds a transaction's folder.
type Place = workspace.Place

// Place returns the folder as a command reaches it.
func (t *Txn) Place() Place { return t.folder.Place() }

// Workspaces says how the folders of transactions are made on this machine.
func (d *Disk) Workspaces() workspace.Backend { return d.spaces.Backend() }

// Base returns the landing on which the transaction started.
func (t *Txn) Base() sys.LandingID { return t.base.id }

// noteReadsLocked adds the files that commands have read, where the workspace
// can tell.
func (t *Txn) noteReadsLocked(ctx context.Context, o objects) error {
	paths, _ := t.folder.Reads(ctx)
	for _, p := range paths {
		if _, noted := t.reads[p]; noted {
			continue
		}
		n, err := o.file(t.base.tree, p)
		if err != nil {
			return err
		}
		t.reads[p] = n
	}
	return nil
}

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
	ignore := t.d.ignore.Load()
	files, err := t.folder.Files()
	if err != nil {
		return nil, err
	}
	var changes []change
	skip := func(dir string) bool { return ignore.match(dir, true) }
	err = t.folder.Scan(ctx, skip, func(f workspace.Found) error {
		if reserved(f.Path) || f.Old.IsZero() && ignore.match(f.Path, false) {
			return nil
		}
		c := change{f.Path, f.Old, f.New}
		if !f.Known {
			var err error
			if c.new, err = t.look(files, f.Path, o); err != nil {
				return err
			}
		}
		if c.old != c.new {
			changes = append(changes, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sortChanges(changes)
	return changes, nil
}

// look reads one file of the workspace.
func (t *Txn) look(files *os.File, path string, o objects) (git.Node, error) {
	st, ok, err := look(files, path)
	if err != nil {
		return git.Node{}, err
	}
	if ok && st.kind() == unix.S_IFREG && st.size > largest {
		return git.Node{}, &sys.Error{Op: "land", Path: path, Kind: sys.Invalid, Err: fmt.Errorf("%d bytes in one file", st.size), Hint: "files above 64 MB are not versioned: list it in " + ignoreFile + ", or make it smaller"}
	}
	s, ok, err := read(files, path)
	if err != nil || !ok {
		return git.Node{}, err
	}
	o.add(s.obj)
	return s.node(), nil
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
	return errors.Join(t.dropData(), t.folder.Drop())
}
