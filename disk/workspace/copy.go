package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// mostSpare is the size of a home up to which a copy is prepared ahead.
const mostSpare = 20_000

// beginCopy takes the spare copy and brings it up to date, or makes a new one.
func (s *Store) beginCopy(ctx context.Context, tree git.Hash) (*Folder, error) {
	s.mu.Lock()
	f := s.spare
	s.spare, s.used = nil, true
	s.mu.Unlock()
	defer s.Follow(tree) // for another spare
	if f == nil {
		return s.newCopy(ctx, tree)
	}
	if err := s.advance(ctx, f.dir, f.base, tree, f.states); err != nil {
		return nil, errors.Join(err, f.Drop())
	}
	f.base = tree
	return f, nil
}

// prepareSpare makes a spare copy, once workspaces are in use at all: the second
// one of a row begins as quickly as it is brought up to date. Only the background
// calls it.
func (s *Store) prepareSpare(ctx context.Context, tree git.Hash) error {
	s.mu.Lock()
	due := s.used && s.spare == nil
	s.mu.Unlock()
	if !due {
		return nil
	}
	f, err := s.newCopy(ctx, tree)
	if err != nil {
		return err
	}
	if len(f.states) > mostSpare {
		return f.Drop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = f
	return nil
}

// newCopy makes a copy, from the current generation where blocks are shared.
func (s *Store) newCopy(ctx context.Context, tree git.Hash) (*Folder, error) {
	var items []item
	if err := s.files(ctx, "", git.Node{Mode: git.Folder, Hash: tree}, &items); err != nil {
		return nil, err
	}
	return s.fill(ctx, tree, items)
}

// beginScoped makes a copy of a part of the home: whatever the backend, a program
// sees its scope only.
func (s *Store) beginScoped(ctx context.Context, tree git.Hash, scope []string) (*Folder, error) {
	f := &Folder{scope: append([]string{"system"}, scope...)}
	var all, items []item
	if err := s.scoped(ctx, tree, f.scope, &all); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, it := range all { // paths of a scope may contain each other
		if !seen[it.path] {
			seen[it.path] = true
			items = append(items, it)
		}
	}
	made, err := s.fill(ctx, tree, items)
	if err != nil {
		return nil, err
	}
	made.scope = f.scope
	return made, nil
}

func (s *Store) scoped(ctx context.Context, tree git.Hash, scope []string, out *[]item) error {
	top, err := s.o.Source.Tree(tree)
	if err != nil {
		return err
	}
	for _, e := range top {
		if !e.IsFolder() {
			*out = append(*out, item{e.Name, e.Node})
		}
	}
	for _, p := range scope {
		n, err := s.lookup(tree, p)
		if err != nil {
			return err
		}
		if err := s.files(ctx, p, n, out); err != nil {
			return err
		}
	}
	return nil
}

// fill makes a copy with these files of a tree.
func (s *Store) fill(ctx context.Context, tree git.Hash, items []item) (*Folder, error) {
	var get func(item, string) error
	if s.backend.Kind == Reflink {
		st, err := s.stackOf(ctx, tree)
		if err != nil {
			return nil, err
		}
		defer s.release(st)
		if get, err = s.cloner(st.gen, tree); err != nil {
			return nil, err
		}
	}
	f, err := s.newFolder(tree)
	if err == nil {
		err = os.Mkdir(f.dir, 0o755)
	}
	if err == nil {
		f.states, err = s.write(ctx, f.dir, items, true, get)
	}
	if err != nil {
		return nil, errors.Join(err, f.Drop())
	}
	return f, nil
}

// cloner returns a function that writes files of tree, sharing blocks with a
// generation where that has them.
func (s *Store) cloner(gen *part, tree git.Hash) (func(item, string) error, error) {
	var diffs []difference
	if err := s.diff(gen.tree, tree, "", &diffs); err != nil {
		return nil, err
	}
	differs := map[string]bool{}
	for _, d := range diffs {
		differs[d.path] = true
	}
	return func(it item, to string) error {
		if it.node.Mode == git.Symlink {
			return s.writeOne(it, to)
		}
		for p := it.path; p != "."; p = filepath.Dir(p) {
			if differs[p] {
				return s.writeOne(it, to)
			}
		}
		return clone(filepath.Join(gen.path, it.path), to, it.node.Mode.FS().Perm())
	}, nil
}

// clone makes a file that shares its blocks with another.
func clone(from, to string, mode os.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	if err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())); err != nil {
		err = &os.PathError{Op: "clone", Path: from, Err: err}
	}
	return errors.Join(err, dst.Close(), src.Close())
}
