package disk

import (
	"context"
	"errors"
	"io/fs"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// Write is a landing without a workspace: whole files, on the newest landing.
type Write struct {
	Files      map[sys.Path][]byte // nil deletes
	Kind       sys.LandingKind
	Title      string
	Provenance sys.Provenance
	Events     []sys.Event
	Update     func(*journal.Tx) error // run in the commit transaction; see Landing
}

// Write lands files. Edits by hand of these files are recorded before, so that
// they stay in the history; what is written replaces them. Permissions to
// execute stay as they are. What is made from what is in the files lands by Edit.
func (d *Disk) Write(ctx context.Context, w Write) (sys.LandingInfo, error) {
	if err := d.usable("write"); err != nil {
		return sys.LandingInfo{}, err
	}
	var paths []string
	for p := range w.Files {
		path, err := cleanPath("write", p)
		if err != nil {
			return sys.LandingInfo{}, err
		}
		paths = append(paths, path)
	}
	if err := d.settle(ctx, paths); err != nil {
		return sys.LandingInfo{}, explain("write", d.root, err)
	}
	a, err := d.writing(w, d.at())
	if err != nil {
		return sys.LandingInfo{}, err
	}
	info, err := a.run(ctx)
	return info, explain("write", d.root, err)
}

// writing is the landing of whole files on a base, not tried yet.
func (d *Disk) writing(w Write, base point) (*attempt, error) {
	o := d.objects()
	var changes []change
	for p, b := range w.Files {
		path, err := cleanPath("write", p)
		if err != nil {
			return nil, err
		}
		if d.ignore.Load().match(path, false) {
			return nil, &sys.Error{Op: "write", Path: path, Kind: sys.Invalid, Err: errors.New("this file is not versioned"), Hint: "write it directly, or take it out of " + ignoreFile}
		}
		if len(b) > largest {
			return nil, &sys.Error{Op: "write", Path: path, Kind: sys.Invalid, Err: errors.New("files above 64 MB are not versioned")}
		}
		old, err := o.file(base.tree, path)
		if err != nil {
			return nil, explain("write", path, err)
		}
		c := change{path: path, old: old}
		if b != nil {
			c.new = git.Node{Mode: git.File, Hash: o.add(git.NewObject(git.Blob, b))}
			if old.Mode == git.Executable {
				c.new.Mode = git.Executable
			}
		}
		if c.old != c.new {
			changes = append(changes, c)
		}
	}
	sortChanges(changes)
	return &attempt{
		d: d, changes: changes, objects: o, op: "write",
		landing: Landing{Kind: w.Kind, Title: w.Title, Provenance: w.Provenance, Events: w.Events, Update: w.Update},
	}, nil
}

// settle records owner edits of some files, so that what follows starts from
// what is really there.
func (d *Disk) settle(ctx context.Context, paths []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(paths) == 0 {
		return nil
	}
	_, err := d.captureLocked(ctx, paths, captureLand)
	return err
}

// firstLanding makes landing 1 of the template. Files that are in the folder
// already stay as they are and are recorded afterwards.
func (d *Disk) firstLanding(ctx context.Context, template fs.FS) error {
	n := decision{landing: Landing{Kind: sys.BySystem, Title: "A new home"}, objects: d.objects()}
	if template != nil {
		err := fs.WalkDir(template, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			if reserved(path) {
				return nil
			}
			if _, there, err := look(d.rootFD, path); err != nil || there {
				return err
			}
			b, err := fs.ReadFile(template, path)
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			mode := git.File
			if info.Mode()&0o100 != 0 {
				mode = git.Executable
			}
			n.changes = append(n.changes, change{path: path, new: git.Node{Mode: mode, Hash: n.objects.add(git.NewObject(git.Blob, b))}})
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := d.commitLocked(ctx, n)
	return err
}
