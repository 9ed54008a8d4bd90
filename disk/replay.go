package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// ReplayOptions say what is made anew. Path, Good and Keep are required.
type ReplayOptions struct {
	Path    sys.Path        // a folder
	Good    sys.LandingID   // the landing as of which it was well
	Without []sys.LandingID // later landings that are left out
	Keep    func(ctx context.Context, tree fs.FS) error
	Preview bool

	Kind       sys.LandingKind
	Title      string
	Provenance sys.Provenance
	Update     func(*journal.Tx) error
}

// Replayed is what came of it.
type Replayed struct {
	Landing sys.LandingInfo // with Preview its ID is 0
	Files   []FileDiff
	Skipped []sys.LandingID // beside Without: these do not merge, or Keep refused them
}

// Replay brings a folder to where it was well and does the later landings again, one
// after the other, each only if it merges and Keep accepts the home with it. What Keep
// refuses before any of them is an error of kind NotVerified. All of it is one landing,
// which passes the checks and can be undone.
func (d *Disk) Replay(ctx context.Context, o ReplayOptions) (Replayed, error) {
	r, err := d.replay(ctx, o)
	return r, explain("replay", string(o.Path), err)
}

func (d *Disk) replay(ctx context.Context, o ReplayOptions) (out Replayed, err error) {
	if err := d.usable("replay"); err != nil {
		return out, err
	}
	if err := d.settle(ctx, []string{string(o.Path)}); err != nil {
		return out, err
	}
	objects, head := d.objects(), d.at()
	then, err := d.treeOf(ctx, o.Good)
	if err != nil {
		return out, err
	}
	keep := func(tree git.Hash) error {
		return o.Keep(ctx, &View{objects: objects, tree: tree, at: head.id})
	}
	changes, _, err := objects.between(head.tree, then, string(o.Path))
	if err != nil {
		return out, err
	}
	tree, err := objects.update(head.tree, changes)
	if err != nil {
		return out, err
	}
	if err := keep(tree); err != nil {
		if sys.KindOf(err) == sys.Canceled {
			return out, err
		}
		return out, &sys.Error{Op: "replay", Path: string(o.Path), Kind: sys.NotVerified, Err: err}
	}
	later, err := d.since(ctx, o.Path, o.Good)
	if err != nil {
		return out, err
	}
	if tree, out.Skipped, err = d.redo(ctx, o, objects, tree, later, keep); err != nil {
		return out, err
	}
	if changes, _, err = objects.between(head.tree, tree, string(o.Path)); err != nil {
		return out, err
	}
	if len(changes) == 0 {
		return out, &sys.Error{Op: "replay", Path: string(o.Path), Kind: sys.Exists, Err: errors.New("it comes to what is there already")}
	}
	return out, d.landReplay(ctx, o, changes, objects, &out)
}

// redo does landings again on a tree, one by one; those that do not merge, or that keep
// refuses, are skipped.
func (d *Disk) redo(ctx context.Context, o ReplayOptions, objects objects, tree git.Hash, later []sys.LandingID, keep func(git.Hash) error) (_ git.Hash, skipped []sys.LandingID, err error) {
	for _, id := range later {
		if slices.Contains(o.Without, id) {
			continue
		}
		next, ok, err := d.again(ctx, objects, tree, id, string(o.Path))
		if err != nil {
			return tree, skipped, err
		}
		if ok && next != tree {
			if err := keep(next); sys.KindOf(err) == sys.Canceled {
				return tree, skipped, err
			} else if err != nil {
				ok = false
			}
		}
		if !ok {
			skipped = append(skipped, id)
			continue
		}
		tree = next
	}
	return tree, skipped, nil
}

// again does one landing again on a tree, as far as it touches a folder; ok is false
// if it does not merge.
func (d *Disk) again(ctx context.Context, o objects, tree git.Hash, id sys.LandingID, folder string) (git.Hash, bool, error) {
	_, after, before, err := d.landing(ctx, id)
	if err != nil {
		return tree, false, err
	}
	changes, _, err := o.between(before, after, folder)
	if err != nil {
		return tree, false, err
	}
	m := &merger{objects: o, head: tree}
	if err := m.joinAll(changes); err != nil || len(m.files) > 0 {
		return tree, false, err
	}
	next, err := o.update(tree, m.changes)
	return next, err == nil, err
}

func (d *Disk) landReplay(ctx context.Context, o ReplayOptions, changes []change, objects objects, out *Replayed) error {
	a := &attempt{
		d: d, op: "replay", changes: changes, objects: objects,
		landing: Landing{
			Kind: cmp.Or(o.Kind, sys.ByUndo), Title: cmp.Or(o.Title, fmt.Sprintf("Made %s anew from %s", o.Path, o.Good)),
			Provenance: o.Provenance, Update: o.Update,
		},
		extra: []Check{func(ctx context.Context, c Checked) error { return o.Keep(ctx, c.Tree) }},
	}
	var err error
	if o.Preview {
		out.Landing, out.Files, err = a.preview(ctx)
		return err
	}
	if out.Landing, err = a.run(ctx); err != nil {
		return err
	}
	_, out.Files, err = d.Show(ctx, out.Landing.ID)
	return err
}
