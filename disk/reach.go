package disk

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"matrixos/disk/git"
)

// reach is what some commits need: all objects that can be come to from them.
// It belongs to one goroutine.
type reach struct {
	repo  *git.Repo
	seen  map[git.Hash]bool
	items []git.PackItem // in the order met, newest first, grouped by path
	paths bool           // keep items

	broken func(git.Hash) // told of what cannot be read, and passed over; nil fails
}

func newReach(repo *git.Repo, paths bool) *reach {
	return &reach{repo: repo, seen: map[git.Hash]bool{}, paths: paths}
}

func (r *reach) note(h git.Hash, group string) bool {
	if r.seen[h] {
		return false
	}
	r.seen[h] = true
	if r.paths {
		r.items = append(r.items, git.PackItem{Hash: h, Group: group})
	}
	return true
}

// from follows a commit, or a tag, and all before it.
func (r *reach) from(ctx context.Context, start git.Hash) error {
	for todo := []git.Hash{start}; len(todo) > 0; {
		h := todo[0]
		todo = todo[1:]
		if err := ctx.Err(); err != nil {
			return err
		}
		if h.IsZero() || r.seen[h] {
			continue
		}
		o, err := r.repo.Read(h)
		if err != nil && r.broken != nil {
			r.seen[h] = true
			r.broken(h)
			continue
		}
		if err != nil {
			return err
		}
		switch o.Type {
		case git.Tree:
			err = r.tree(h, "")
		case git.Blob:
			r.note(h, "b")
		case git.Commit, git.Tag:
			r.note(h, "")
			for line := range bytes.Lines(o.Data) {
				key, value, _ := strings.Cut(strings.TrimRight(string(line), "\n"), " ")
				if key == "" {
					break // the message
				}
				if key != "tree" && key != "parent" && key != "object" {
					continue
				}
				next, e := git.ParseHash(value)
				if e != nil {
					return fmt.Errorf("git object %s: %w", h, git.ErrCorrupt)
				}
				if key == "tree" {
					err = r.tree(next, "")
				} else {
					todo = append(todo, next)
				}
				if err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tree follows a folder.
func (r *reach) tree(h git.Hash, path string) error {
	if !r.note(h, "t"+path) {
		return nil
	}
	o, err := r.repo.Read(h)
	if err != nil && r.broken != nil {
		r.broken(h)
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := git.ParseTree(o.Data)
	if err != nil {
		return fmt.Errorf("git object %s: %w", h, err)
	}
	for _, e := range entries {
		below := path + "/" + e.Name
		switch {
		case e.IsFolder():
			if err := r.tree(e.Hash, below); err != nil {
				return err
			}
		case e.Mode == git.Submodule:
		default:
			r.note(e.Hash, "b"+below)
		}
	}
	return nil
}

// roots follows everything that must stay: the newest landing, on which all those
// that recovery may have to finish lead, and every ref.
func (d *Disk) roots(ctx context.Context, r *reach) error {
	if err := r.from(ctx, d.at().commit); err != nil {
		return err
	}
	refs, err := d.repo.Refs("refs")
	if err != nil {
		return err
	}
	for _, name := range refs {
		h, err := d.repo.Ref("refs/" + name)
		if err != nil {
			return err
		}
		if err := r.from(ctx, h); err != nil {
			return fmt.Errorf("refs/%s: %w", name, err)
		}
	}
	return nil
}
