package disk

import (
	"context"
	"errors"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/sys"
)

// Comparison is what is different between two landings.
type Comparison struct {
	From, To sys.LandingID
	Files    []FileDiff
}

// DiffOptions are what a caller may say about Diff.
type DiffOptions struct {
	Path sys.Path // only this file, or what is in this folder; "" means all
	Stat bool     // leave the patches out
}

// Diff compares the home as of two landings, in either order. to is 0 for what
// the files are now: edits by hand are recorded first. Renamed files appear
// once, with the name they had.
func (d *Disk) Diff(ctx context.Context, from, to sys.LandingID, o DiffOptions) (Comparison, error) {
	c, err := d.compare(ctx, from, to, o)
	return c, explain("compare", string(o.Path), err)
}

func (d *Disk) compare(ctx context.Context, from, to sys.LandingID, o DiffOptions) (Comparison, error) {
	if err := d.usable("compare"); err != nil {
		return Comparison{}, err
	}
	if to == 0 {
		if err := d.settle(ctx, []string{string(o.Path)}); err != nil {
			return Comparison{}, err
		}
		to = d.Head()
	}
	var trees [2]git.Hash
	for i, id := range []sys.LandingID{from, to} {
		var err error
		if trees[i], err = d.treeOf(ctx, id); err != nil {
			return Comparison{}, err
		}
	}
	objects := d.objects()
	changes, known, err := objects.between(trees[0], trees[1], string(o.Path))
	if err != nil {
		return Comparison{}, err
	}
	if !known {
		return Comparison{}, &sys.Error{Op: "compare", Path: string(o.Path), Kind: sys.NotFound, Err: errors.New("neither has such a file"), Hint: "`matrixos why " + string(o.Path) + "` says what became of it"}
	}
	files, err := objects.describeDiff(changes, o.Stat)
	return Comparison{from, to, files}, err
}

// between lists what is different at or below a path, sorted, and whether either
// tree has anything there.
func (o objects) between(from, to git.Hash, path string) ([]change, bool, error) {
	a, err := o.lookup(from, path)
	if err != nil {
		return nil, false, err
	}
	b, err := o.lookup(to, path)
	if err != nil {
		return nil, false, err
	}
	var changes []change
	var folders [2]git.Hash
	var files [2]git.Node
	for i, n := range []git.Node{a, b} {
		if n.IsFolder() {
			folders[i] = n.Hash
		} else {
			files[i] = n
		}
	}
	prefix := path
	if prefix != "" {
		prefix += "/"
	}
	if err := o.diff(folders[0], folders[1], prefix, &changes); err != nil {
		return nil, false, err
	}
	if files[0] != files[1] {
		changes = append(changes, change{path, files[0], files[1]})
	}
	sortChanges(changes)
	return changes, !a.IsZero() || !b.IsZero() || path == "", nil
}

// describeDiff renders changes for people, renamed files as one.
func (o objects) describeDiff(changes []change, stat bool) ([]FileDiff, error) {
	moved, err := o.renames(changes)
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, from := range moved {
		left[from.path] = true
	}
	out := []FileDiff{}
	for _, c := range changes {
		if left[c.path] && c.new.IsZero() {
			continue
		}
		f := FileDiff{Path: sys.Path(c.path), Op: c.public().Op}
		from := c.path
		if was, ok := moved[c.path]; ok && c.old.IsZero() {
			c.old, from = was.old, was.path
			f.Op, f.From = sys.Renamed, sys.Path(was.path)
		}
		if err := o.fill(&f, c, from, stat); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// fill adds to f what changed in a file that was called from before.
func (o objects) fill(f *FileDiff, c change, from string, stat bool) error {
	before, err := o.content(c.old.Hash)
	if err != nil {
		return err
	}
	after, err := o.content(c.new.Hash)
	if err != nil {
		return err
	}
	if f.Binary = merge.Binary(before) || merge.Binary(after); f.Binary {
		return nil
	}
	f.AddedLines, f.DeletedLines = merge.Count(before, after)
	if stat {
		return nil
	}
	a, b := "a/"+from, "b/"+c.path
	if c.old.IsZero() {
		a = "/dev/null"
	}
	if c.new.IsZero() {
		b = "/dev/null"
	}
	f.Patch = merge.Patch(a, b, before, after)
	return nil
}
