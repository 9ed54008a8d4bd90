package heal

import (
	"context"
	"errors"
	"io/fs"

	"matrixos/disk"
	"matrixos/sys"
)

// smallest finds what of the culprit is taken back, and sets in o how. It narrows by the
// one check, and holds what is left to all of keep: to narrow by all of it takes as many
// runs of whole contracts, and is done only where the first does not pass. held tells,
// as it lands, whether what lands has passed.
func (h *Healer) smallest(ctx context.Context, c *run, target failure, at found, o *disk.UndoOptions, keep keeps) (files []disk.FileDiff, held func() error, err error) {
	var last fs.FS
	narrow := func(ctx context.Context, tree fs.FS) error {
		err := h.sameContract(c, tree, at)
		if err == nil {
			err = h.holds(ctx, c, tree, target)
		}
		if err == nil {
			last = tree
		}
		return err
	}
	o.Preview, o.Keep = true, narrow
	if _, files, err = h.o.Disk.Undo(ctx, at.culprit.ID, *o); err != nil {
		return nil, nil, err
	}
	if err = keep(ctx, last); err != nil {
		if !unhelpful(err) {
			return nil, nil, err
		}
		o.Keep = keep
		_, files, err = h.o.Disk.Undo(ctx, at.culprit.ID, *o)
		return files, func() error { return nil }, err
	}
	print, err := fingerprint(last, c.roots)
	passed := false
	o.Keep = func(ctx context.Context, tree fs.FS) error {
		passed = false
		if err := narrow(ctx, tree); err != nil {
			return err
		}
		is, err := fingerprint(tree, c.roots)
		if err != nil || is != print {
			return err
		}
		err = keep(ctx, tree)
		passed = err == nil
		return err
	}
	return files, func() error {
		if !passed {
			return &sys.Error{Op: "heal", Path: string(c.folder), Kind: sys.NotVerified, Err: errors.New("the home has changed meanwhile")}
		}
		return nil
	}, err
}

// holds refuses a tree on which a check fails.
func (h *Healer) holds(ctx context.Context, c *run, tree fs.FS, target failure) error {
	v, err := h.part(ctx, c, tree, target)
	if err == nil && v != holds {
		err = c.broken(sys.NotVerified, "it does not hold with it")
	}
	return err
}
