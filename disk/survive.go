package disk

import (
	"bytes"
	"context"
	"slices"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/sys"
)

// Lost lists, oldest first, the landings after since and other than except that had
// something in before, at or below path, which is in after no more. What of a landing
// was changed again later counts as that later landing's. It is how a repair proves
// that it takes nobody else's work away. before has landed; after may be what a check sees.
func (d *Disk) Lost(ctx context.Context, before, after *View, since sys.LandingID, path sys.Path, except ...sys.LandingID) ([]sys.LandingID, error) {
	var gone []change
	o := after.objects
	if err := o.diff(before.tree, after.tree, "", &gone); err != nil {
		return nil, explain("compare", string(path), err)
	}
	changed := map[string]change{}
	for _, c := range gone {
		changed[c.path] = c
	}
	if len(changed) == 0 {
		return nil, nil
	}
	list, err := d.since(ctx, path, since)
	if err != nil {
		return nil, err
	}
	var out []sys.LandingID
	for _, id := range list {
		if slices.Contains(except, id) {
			continue
		}
		lost, err := d.lostOf(ctx, o, id, before.tree, after.tree, changed)
		if err != nil {
			return nil, explain("compare", id.String(), err)
		}
		if lost {
			out = append(out, id)
		}
	}
	return out, nil
}

// since lists the landings after one that touched a path, oldest first.
func (d *Disk) since(ctx context.Context, path sys.Path, after sys.LandingID) (out []sys.LandingID, err error) {
	for before := sys.LandingID(0); ; {
		list, err := d.Log(ctx, Query{Path: path, Before: before, Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			if l.ID <= after {
				slices.Reverse(out)
				return out, nil
			}
			out, before = append(out, l.ID), l.ID
		}
		if len(list) < 500 {
			slices.Reverse(out)
			return out, nil
		}
	}
}

// lostOf tells whether something of one landing is in a tree and not in another.
func (d *Disk) lostOf(ctx context.Context, o objects, id sys.LandingID, before, after git.Hash, changed map[string]change) (bool, error) {
	_, then, prior, err := d.landing(ctx, id)
	if err != nil {
		return false, err
	}
	for path := range changed {
		was, err := o.file(prior, path)
		if err != nil {
			return false, err
		}
		made, err := o.file(then, path)
		if err != nil {
			return false, err
		}
		if was == made {
			continue
		}
		x, err := o.file(before, path)
		if err != nil {
			return false, err
		}
		y, err := o.file(after, path)
		if err != nil {
			return false, err
		}
		lost, err := o.lostHunk(path, was, made, x, y)
		if err != nil || lost {
			return lost, err
		}
	}
	return false, nil
}

// lostHunk tells whether a hunk of the change from was to made is in x and not in y.
func (o objects) lostHunk(path string, was, made, x, y git.Node) (bool, error) {
	var text [4][]byte
	for i, n := range []git.Node{was, made, x, y} {
		b, err := o.content(n.Hash)
		if err != nil {
			return false, err
		}
		text[i] = b
	}
	for _, n := range []git.Node{was, made, x, y} {
		if n.IsZero() { // a file that came or went counts as one
			return x == made && y != made, nil
		}
	}
	if slices.ContainsFunc(text[:], merge.Binary) {
		return x == made && y != made, nil
	}
	for _, h := range merge.Hunks(text[1], text[0]) {
		without := merge.Apply(text[1], []merge.Hunk{h})
		in := func(side []byte) (is, sure bool) {
			out, ok := merge.Three(path, text[1], side, without)
			return ok && !bytes.Equal(out, side), ok
		}
		if is, _ := in(text[2]); !is {
			continue
		}
		if is, sure := in(text[3]); sure && !is {
			return true, nil
		}
	}
	return false, nil
}
