package disk

import (
	"context"
	"errors"

	"matrixos/disk/git"
	"matrixos/sys"
)

// Side is one of two versions of a file.
type Side string

// The sides of a join.
const (
	Ours   Side = "ours"   // as this home has it
	Theirs Side = "theirs" // as the other has it
)

// Join lands what another home has become since a common point.
type Join struct {
	// Base and Theirs are trees of this repository, as 40 hex digits.
	Base, Theirs string
	// Alike, if set, is a tree of ours of the same age as Base, for homes that
	// never met: only files that both have alike count as common, and what the
	// other lacks is not deleted here.
	Alike string
	// Prefer decides files in conflict; empty refuses the whole instead, as a
	// *ConflictError. What is not preferred stays in the other's history.
	Prefer  Side
	Landing Landing
	// Conflict is under what an earlier, refused join of the same home waits for the
	// owner; "" if none does. This one settles it, or, refused again, takes its place.
	Conflict string
}

// Join makes a landing of the other's changes by the rules of every landing:
// edits by hand first, three-way merge, checks. It returns the files that Prefer
// decided. A refused one waits among the conflicts (Conflicts, Resolve), where its ID
// says. With nothing new the ID is 0, and Landing.Update has run all the
// same. Files that are not versioned here, and whatever would reach into the store,
// are left out.
func (d *Disk) Join(ctx context.Context, j Join) (info sys.LandingInfo, decided []sys.Path, err error) {
	fail := func(err error) (sys.LandingInfo, []sys.Path, error) {
		return sys.LandingInfo{}, nil, explain("join", d.root, err)
	}
	if err := d.usable("join"); err != nil {
		return fail(err)
	}
	o := d.objects()
	changes, err := d.theirChanges(o, j)
	if err != nil {
		return fail(err)
	}
	j.Landing.resolves = j.Conflict
	seen := map[sys.Path]bool{}
	for try := 0; ; try++ {
		a := &attempt{d: d, op: "join", changes: changes, objects: o, landing: j.Landing}
		info, err = a.run(ctx)
		var conflict *ConflictError
		if !errors.As(err, &conflict) || j.Prefer == "" || try > mostJoins {
			break
		}
		for _, f := range conflict.Files {
			if !seen[f.Path] {
				seen[f.Path] = true
				decided = append(decided, f.Path)
			}
		}
		if changes, err = d.prefer(o, changes, conflict.Files, j.Prefer); err != nil {
			return fail(err)
		}
	}
	if err != nil {
		return fail(d.keepJoin(ctx, j, changes, o, err))
	}
	return info, decided, nil
}

// mostJoins is how often a join is tried while files change under it.
const mostJoins = 8

// theirChanges lists what the other did, without what we never take.
func (d *Disk) theirChanges(o objects, j Join) ([]change, error) {
	var tree [3]git.Hash
	for i, s := range []string{j.Base, j.Theirs, j.Alike} {
		if s == "" {
			continue
		}
		h, err := git.ParseHash(s)
		if err != nil {
			return nil, err
		}
		tree[i] = h
	}
	base, theirs, alike := tree[0], tree[1], tree[2]
	from := base
	if j.Alike != "" {
		from = git.Hash{}
	}
	var all []change
	if err := o.diff(from, theirs, "", &all); err != nil {
		return nil, err
	}
	ignore := d.ignore.Load()
	changes := all[:0]
	for _, c := range all {
		if ignore.match(c.path, false) || !plain(c.old) || !plain(c.new) {
			continue
		}
		if j.Alike != "" {
			was, err := o.file(base, c.path)
			if err != nil {
				return nil, err
			}
			ours, err := o.file(alike, c.path)
			if err != nil {
				return nil, err
			}
			if was == ours {
				c.old = was
			}
			if c.old == c.new {
				continue
			}
		}
		changes = append(changes, c)
	}
	sortChanges(changes)
	return changes, nil
}

// plain reports whether a node is one that a home has: no submodule.
func plain(n git.Node) bool {
	return n.IsZero() || n.Mode == git.File || n.Mode == git.Executable || n.Mode == git.Symlink
}

// prefer drops changes in conflict, or bases them on what is there now.
func (d *Disk) prefer(o objects, changes []change, files []ConflictFile, side Side) ([]change, error) {
	hit := map[string]bool{}
	for _, f := range files {
		hit[string(f.Path)] = true
	}
	head := d.at().tree
	var out []change
	for _, c := range changes {
		if hit[c.path] {
			if side == Ours {
				continue
			}
			now, err := o.file(head, c.path)
			if err != nil {
				return nil, err
			}
			c.old = now
		}
		out = append(out, c)
	}
	return out, nil
}
