package disk

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/sys"
)

// part chooses what of a landing is taken back where the whole cannot be.
type part struct {
	a     *attempt
	keep  func(ctx context.Context, tree fs.FS) error
	least bool     // a part is wanted even where the whole can be taken back
	named bool     // the title is the caller's
	whole []change // the inverse of the landing
	atoms []atom   // what of it is taken back; only if it is not all
}

// atom is the smallest thing to take back: a hunk of a file, or, for a file
// that came, went or is not text, all that happened to it.
type atom struct {
	file int // index in whole
	hunk *merge.Hunk
}

// reduce replaces the changes of the attempt by a part of them, if it must.
func (p *part) reduce(ctx context.Context) error {
	p.whole = p.a.changes
	touched, err := p.a.touched()
	if err != nil {
		return err
	}
	if err := p.a.d.settle(ctx, touched); err != nil {
		return err
	}
	head := p.a.d.at().tree
	tree, refusal := p.try(head, p.whole)
	if refusal == nil && !p.least {
		if refusal = p.accept(ctx, tree); refusal == nil {
			return nil
		}
		if sys.KindOf(refusal) == sys.Canceled {
			return refusal
		}
	}
	if p.atoms, err = p.possible(head); err != nil {
		return err
	}
	if len(p.atoms) == 0 && refusal == nil { // others have taken it back
		refusal = &sys.Error{Op: "undo", Kind: sys.Exists, Err: errors.New("nothing of it is left in the files")}
	}
	if len(p.atoms) == 0 {
		return refusal
	}
	if p.keep != nil {
		if p.atoms, err = p.smallest(ctx, head); err != nil {
			return err
		}
	}
	if p.a.changes, err = p.build(p.atoms); err != nil {
		return err
	}
	if !p.named {
		p.a.landing.Title = "Part of: " + p.a.landing.Title
	}
	return nil
}

// try merges changes into a tree. A conflict is a *ConflictError.
func (p *part) try(head git.Hash, changes []change) (git.Hash, error) {
	m := &merger{objects: p.a.objects, head: head}
	if err := m.joinAll(changes); err != nil {
		return git.Hash{}, err
	}
	if len(m.files) > 0 {
		return git.Hash{}, &ConflictError{Op: "undo", Files: m.files}
	}
	return m.objects.update(head, m.changes)
}

func (p *part) accept(ctx context.Context, tree git.Hash) error {
	if p.keep == nil {
		return nil
	}
	return p.keep(ctx, &View{objects: p.a.objects, tree: tree, at: p.a.d.Head()})
}

// build makes the changes that take back some atoms.
func (p *part) build(atoms []atom) ([]change, error) {
	hunks := map[int][]merge.Hunk{}
	var out []change
	for _, at := range atoms {
		if at.hunk == nil {
			out = append(out, p.whole[at.file])
			continue
		}
		hunks[at.file] = append(hunks[at.file], *at.hunk)
	}
	for i, list := range hunks {
		c := p.whole[i]
		text, err := p.a.objects.content(c.old.Hash)
		if err != nil {
			return nil, err
		}
		c.new.Hash = p.a.objects.add(git.NewObject(git.Blob, merge.Apply(text, list)))
		out = append(out, c)
	}
	sortChanges(out)
	return out, nil
}

// possible returns atoms that can be taken back together: hunks of lines or,
// where these cannot, their tokens.
func (p *part) possible(head git.Hash) ([]atom, error) {
	var out []atom
	for i, c := range p.whole {
		var mine []atom
		fits := func(more ...atom) (bool, error) {
			changes, err := p.build(append(slices.Clone(mine), more...))
			if err != nil {
				return false, err
			}
			_, err = p.try(head, changes)
			if errors.Is(err, sys.Conflict) {
				return false, nil
			}
			if err == nil {
				mine = append(mine, more...)
			}
			return err == nil, err
		}
		hunks, err := p.hunks(c)
		if err != nil {
			return nil, err
		}
		if hunks == nil {
			if _, err := fits(atom{file: i}); err != nil {
				return nil, err
			}
		}
		text, err := p.a.objects.content(c.old.Hash)
		if err != nil {
			return nil, err
		}
		for _, h := range hunks {
			ok, err := fits(atom{i, &h})
			if err != nil {
				return nil, err
			}
			if ok {
				continue
			}
			for _, fine := range h.Finer(c.path, text) {
				if _, err := fits(atom{i, &fine}); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, mine...)
	}
	return out, nil
}

// hunks takes the change of one file apart; nil if it is only whole.
func (p *part) hunks(c change) ([]merge.Hunk, error) {
	if c.old.IsZero() || c.new.IsZero() || c.old.Mode != c.new.Mode || c.old.Mode == git.Symlink {
		return nil, nil
	}
	from, err := p.a.objects.content(c.old.Hash)
	if err != nil {
		return nil, err
	}
	to, err := p.a.objects.content(c.new.Hash)
	if err != nil || merge.Binary(from) || merge.Binary(to) {
		return nil, err
	}
	return merge.Hunks(from, to), nil
}

// smallest finds, by delta debugging, a set of atoms that Keep accepts and of
// which none can be left out.
func (p *part) smallest(ctx context.Context, head git.Hash) ([]atom, error) {
	green := func(atoms []atom) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		changes, err := p.build(atoms)
		if err != nil {
			return err
		}
		tree, err := p.try(head, changes)
		if err != nil {
			return err
		}
		return p.accept(ctx, tree)
	}
	set := p.atoms
	if err := green(set); err != nil {
		return nil, &sys.Error{Op: "undo", Kind: sys.NotVerified, Err: err, Hint: "taking back all that later changes do not build on does not mend it; undo those first"}
	}
	for n := 2; len(set) > 1; {
		size := (len(set) + n - 1) / n
		reduced := false
		for from := 0; from < len(set); from += size {
			less := slices.Concat(set[:from], set[min(from+size, len(set)):])
			err := green(less)
			if err == nil {
				set, reduced = less, true
				n = max(n-1, 2)
				break
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if reduced {
			continue
		}
		if size == 1 {
			break
		}
		n = min(2*n, len(set))
	}
	if p.least {
		return set, nil // half of what was written in one go is what nobody has written
	}
	return p.finer(set, green), nil
}

// finer narrows a single hunk of lines to its tokens, if some of them suffice.
func (p *part) finer(set []atom, green func([]atom) error) []atom {
	if len(set) != 1 || set[0].hunk == nil {
		return set
	}
	c := p.whole[set[0].file]
	text, err := p.a.objects.content(c.old.Hash)
	if err != nil {
		return set
	}
	fine := set[0].hunk.Finer(c.path, text)
	if len(fine) == 1 {
		return set
	}
	for _, h := range fine {
		if one := []atom{{set[0].file, &h}}; green(one) == nil {
			return one
		}
	}
	return set
}

// left adds to the files of a partial undo what stays of the landing.
func (p *part) left(files []FileDiff) ([]FileDiff, error) {
	if p.atoms == nil {
		return files, nil
	}
	taken := map[string]git.Hash{}
	for _, c := range p.a.changes {
		taken[c.path] = c.new.Hash
	}
	for _, c := range p.whole {
		stays := c.old.Hash
		if h, ok := taken[c.path]; ok {
			stays = h
		}
		before, err := p.a.objects.content(c.new.Hash)
		if err != nil {
			return nil, err
		}
		now, err := p.a.objects.content(stays)
		if err != nil {
			return nil, err
		}
		if stays == c.new.Hash || merge.Binary(before) || merge.Binary(now) {
			continue
		}
		patch := merge.Patch("a/"+c.path, "b/"+c.path, before, now)
		i := slices.IndexFunc(files, func(f FileDiff) bool { return f.Path == sys.Path(c.path) })
		if i < 0 {
			files = append(files, FileDiff{Path: sys.Path(c.path), Op: sys.Modified})
			i = len(files) - 1
		}
		files[i].Left = patch
	}
	return files, nil
}
