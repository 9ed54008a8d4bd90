package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// writers is how many files are written at once.
const writers = 4

// item is a file to write.
type item struct {
	path string
	node git.Node
}

// files lists the files at or below a node, in order, folders first in which they
// lie.
func (s *Store) files(ctx context.Context, path string, n git.Node, out *[]item) error {
	if n.IsZero() {
		return nil
	}
	if !n.IsFolder() {
		*out = append(*out, item{path, n})
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := s.o.Source.Tree(n.Hash)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.files(ctx, join(path, e.Name), e.Node, out); err != nil {
			return err
		}
	}
	return nil
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// write makes the files below dir, and the folders they need, several at a time.
// get writes one; nil writes it from the source. It returns the state of each as
// written if states is asked for.
func (s *Store) write(ctx context.Context, dir string, items []item, states bool, get func(it item, to string) error) (map[string]stat, error) {
	if get == nil {
		get = s.writeOne
	}
	made := map[string]bool{}
	for _, it := range items {
		parent := filepath.Dir(filepath.Join(dir, it.path))
		if !made[parent] {
			made[parent] = true
			if err := os.MkdirAll(parent, 0o755); err != nil {
				return nil, err
			}
		}
	}
	as := make([]stat, len(items))
	errs := make([]error, writers)
	// Older than any write to come, so that a change shows in the time as well.
	old := unix.NsecToTimespec(time.Now().Add(-time.Hour).UnixNano())
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w; i < len(items) && errs[w] == nil; i += writers {
				to := filepath.Join(dir, items[i].path)
				err := ctx.Err()
				if err == nil {
					err = get(items[i], to)
				}
				if err == nil {
					err = unix.UtimesNanoAt(unix.AT_FDCWD, to, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW)
				}
				if err == nil && states {
					as[i], _, err = statOf(to)
				}
				if err != nil {
					errs[w] = fmt.Errorf("write %s: %w", items[i].path, err)
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil || !states {
		return nil, err
	}
	out := make(map[string]stat, len(items))
	for i, it := range items {
		out[it.path] = as[i]
	}
	return out, nil
}

// writeOne writes a file from the source.
func (s *Store) writeOne(it item, to string) error {
	content, err := s.o.Source.Content(it.node.Hash)
	if err != nil {
		return err
	}
	if it.node.Mode == git.Symlink {
		return os.Symlink(string(content), to)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, it.node.Mode.FS().Perm())
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// difference is a path at which two trees differ and at which not both have a
// folder.
type difference struct {
	path     string
	old, new git.Node
}

// diff lists the differences between two trees, sorted folder by folder.
func (s *Store) diff(from, to git.Hash, prefix string, out *[]difference) error {
	if from == to {
		return nil
	}
	before, err := s.nodes(from)
	if err != nil {
		return err
	}
	after, err := s.nodes(to)
	if err != nil {
		return err
	}
	for _, name := range names(before, after) {
		a, b := before[name], after[name]
		path := join(prefix, name)
		switch {
		case a == b:
		case a.IsFolder() && b.IsFolder():
			if err := s.diff(a.Hash, b.Hash, path, out); err != nil {
				return err
			}
		default:
			*out = append(*out, difference{path, a, b})
		}
	}
	return nil
}

// nodes returns a folder by name; the zero Hash is an empty one.
func (s *Store) nodes(tree git.Hash) (map[string]git.Node, error) {
	entries, err := s.o.Source.Tree(tree)
	out := make(map[string]git.Node, len(entries))
	for _, e := range entries {
		out[e.Name] = e.Node
	}
	return out, err
}

// names returns the keys of both, sorted.
func names(a, b map[string]git.Node) []string {
	out := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(out)
	return slices.Compact(out)
}

// newFiles lists the files that differences bring.
func (s *Store) newFiles(ctx context.Context, diffs []difference) ([]item, error) {
	var items []item
	for _, d := range diffs {
		if err := s.files(ctx, d.path, d.new, &items); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// advance brings a checkout that nobody else sees from one tree to another, and
// the states of its files, if they are kept, with it.
func (s *Store) advance(ctx context.Context, dir string, from, to git.Hash, states map[string]stat) error {
	var diffs []difference
	if err := s.diff(from, to, "", &diffs); err != nil {
		return err
	}
	for _, d := range diffs {
		if d.old.IsZero() {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, d.path)); err != nil {
			return err
		}
		delete(states, d.path)
		if d.old.IsFolder() {
			for path := range states {
				if strings.HasPrefix(path, d.path+"/") {
					delete(states, path)
				}
			}
		}
	}
	items, err := s.newFiles(ctx, diffs)
	if err != nil {
		return err
	}
	fresh, err := s.write(ctx, dir, items, states != nil, nil)
	if states != nil {
		maps.Copy(states, fresh)
	}
	return err
}

// lookup returns what a tree has at a path.
func (s *Store) lookup(tree git.Hash, path string) (git.Node, error) {
	at := git.Node{Mode: git.Folder, Hash: tree}
	for name := range strings.SplitSeq(path, "/") {
		if !at.IsFolder() {
			return git.Node{}, nil
		}
		entries, err := s.o.Source.Tree(at.Hash)
		if err != nil {
			return git.Node{}, err
		}
		at = git.Find(entries, name)
	}
	return at, nil
}
