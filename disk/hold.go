package disk

import (
	"context"

	"matrixos/sys"
)

// Hold records edits by hand, brings the repository up to the newest landing,
// and calls fn while nothing lands: what fn finds in the repository, in the
// disk's tables of kernel.db and in the View belongs to one landing. Landings
// wait meanwhile, so fn should take what it needs to be read later, and return.
// It must not land. Live files may still be edited by hand.
func (d *Disk) Hold(ctx context.Context, fn func(at sys.LandingInfo, view *View) error) error {
	if err := d.usable("hold"); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.captureLocked(ctx, nil, captureNow); err != nil {
		return explain("hold", d.root, err)
	}
	if err := d.publishHistory(); err != nil {
		return explain("hold", d.root, err)
	}
	info, tree, _, err := d.landing(ctx, 0)
	if err != nil {
		return explain("hold", d.root, err)
	}
	return fn(info, &View{objects: objects{repo: d.repo}, tree: tree, at: info.ID})
}

// Versionable reports whether a file or link of this name and size is kept in
// the history, so that one which a View lacks is newer than it.
func (d *Disk) Versionable(p sys.Path, size int64) bool {
	return size <= largest && !d.ignore.Load().match(string(p), false)
}
