package disk

import (
	"context"
	"errors"

	"matrixos/disk/git"
	"matrixos/sys"
)

// editTries is how often an edit is made anew because its files have changed meanwhile.
const editTries = 10

// Edit lands what change makes of files: settings of which one field is set, say. Edits by
// hand of these files are recorded before change sees them, and where one of them is another
// by the time it lands, for whatever reason, change is asked again with the newest: so what
// others have written stays, as far as change leaves it. A change that yields no files lands
// nothing. If the files do not come to rest, the error is a *ConflictError.
func (d *Disk) Edit(ctx context.Context, files []sys.Path, change func(home *View) (Write, error)) (sys.LandingInfo, error) {
	if err := d.usable("write"); err != nil {
		return sys.LandingInfo{}, err
	}
	var paths []string
	for _, p := range files {
		path, err := cleanPath("write", p)
		if err != nil {
			return sys.LandingInfo{}, err
		}
		paths = append(paths, path)
	}
	for try := 1; ; try++ {
		if err := d.settle(ctx, paths); err != nil {
			return sys.LandingInfo{}, explain("write", d.root, err)
		}
		at := d.at()
		w, err := change(&View{objects: objects{repo: d.repo}, tree: at.tree, at: at.id})
		if err != nil || len(w.Files) == 0 {
			return sys.LandingInfo{}, err
		}
		d.hook("edited")
		a, err := d.writing(w, at)
		if err != nil {
			return sys.LandingInfo{}, err
		}
		a.landing.Strict, a.reads = true, map[string]git.Node{}
		for _, c := range a.changes {
			a.reads[c.path] = c.old
		}
		for _, path := range paths {
			if a.reads[path], err = a.objects.lookup(at.tree, path); err != nil {
				return sys.LandingInfo{}, explain("write", path, err)
			}
		}
		info, err := a.run(ctx)
		if conflict, ok := errors.AsType[*ConflictError](err); ok && len(conflict.Stale) > 0 && try < editTries {
			continue
		}
		return info, explain("write", d.root, err)
	}
}
