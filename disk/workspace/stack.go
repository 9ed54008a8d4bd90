package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

const (
	// mostLayers is how many layers there may be above a generation before the
	// background folds them into one.
	mostLayers = 12
	// mostChanged is how many files may differ from a generation, beside a
	// quarter of its own, before the background makes a new one.
	mostChanged = 500
)

// stack is what overlays and snapshots of one tree stand on: a generation, and
// layers above it. It never changes; a newer tree has another stack, which shares
// parts. Folders in use count, and so does being the store's current one.
type stack struct {
	tree   git.Hash
	gen    *part
	layers []*part // lowest first
	users  int     // guarded by Store.mu
}

// part is a generation or a layer on the disk.
type part struct {
	path  string
	tree  git.Hash // of which it is, with what is below it
	files int
	users int // stacks; guarded by Store.mu
}

func (s *Store) genPath(n int) string { return s.path("gen-" + strconv.Itoa(n)) }

// number returns N of gen-N, gen-N.tree or N; 0 if it is none.
func number(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "gen-"), ".tree"))
	if err != nil {
		return 0
	}
	return n
}

// generations lists the numbers of generations on the disk, whole ones first,
// newest first.
func (s *Store) generations() ([]int, error) {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return nil, err
	}
	whole := map[int]bool{}
	var out []int
	for _, e := range entries {
		n := number(e.Name())
		if n == 0 || !strings.HasPrefix(e.Name(), "gen-") {
			continue
		}
		whole[n] = whole[n] || strings.HasSuffix(e.Name(), ".tree")
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b int) int {
		if whole[a] != whole[b] {
			if whole[a] {
				return -1
			}
			return 1
		}
		return b - a
	})
	return out, nil
}

// nextNumber names a new part. The caller holds s.mu.
func (s *Store) nextNumber() int {
	s.number++
	return s.number
}

// prepare makes ready what the next Begin of the backend needs.
func (s *Store) prepare(ctx context.Context, tree git.Hash) error {
	if s.backend.Kind != Copy {
		if err := s.prepareStack(ctx, tree); err != nil {
			return err
		}
	}
	if s.backend.Kind == Copy || s.backend.Kind == Reflink {
		return s.prepareSpare(ctx, tree)
	}
	return nil
}

// prepareStack makes the current stack one of tree: by a layer if little has
// changed, else by folding layers or making a generation.
func (s *Store) prepareStack(ctx context.Context, tree git.Hash) error {
	s.building.Lock()
	defer s.building.Unlock()
	s.mu.Lock()
	now := s.stack
	s.mu.Unlock()
	if now == nil {
		var err error
		if now, err = s.adopt(ctx, tree); err != nil {
			return err
		}
	}
	if now == nil {
		return s.newGeneration(ctx, nil, tree)
	}
	var diffs []difference
	if err := s.diff(now.gen.tree, tree, "", &diffs); err != nil {
		return err
	}
	items, err := s.newFiles(ctx, diffs)
	if err != nil {
		return err
	}
	changed := len(items) + len(diffs)
	switch {
	case changed > mostChanged && changed > now.gen.files/4:
		return s.newGeneration(ctx, now.gen, tree)
	case s.backend.Kind != Overlay:
		return nil
	case len(now.layers) >= mostLayers:
		return s.fold(ctx, now, tree, diffs, items)
	}
	st, err := s.stackOf(ctx, tree)
	if err == nil {
		s.release(st)
	}
	return err
}

// adopt takes the generation that an earlier run left, if there is one that fits
// the history.
func (s *Store) adopt(ctx context.Context, tree git.Hash) (*stack, error) {
	gens, err := s.generations()
	if err != nil || len(gens) == 0 {
		return nil, err
	}
	path := s.genPath(gens[0])
	raw, err := os.ReadFile(path + ".tree")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, remove(path)
	}
	if err != nil {
		return nil, err
	}
	gen := &part{path: path}
	var hash string
	if _, err = fmt.Sscan(string(raw), &hash, &gen.files); err == nil {
		gen.tree, err = git.ParseHash(hash)
	}
	if err == nil {
		err = s.diff(gen.tree, tree, "", new([]difference))
	}
	if err == nil && s.backend.Kind == Snapshot && !isSubvolume(path) {
		err = errors.New("it is not a subvolume")
	}
	if err != nil {
		s.log.WarnContext(ctx, "a prepared folder is of no use any more; it is made anew", "folder", path, "error", err)
		return nil, errors.Join(remove(path), os.Remove(path+".tree"))
	}
	st := &stack{tree: gen.tree, gen: gen}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setStack(st)
	return st, nil
}

// newGeneration checks tree out into a new generation, from an older one where
// the file system shares blocks, and makes it current. The caller holds building.
func (s *Store) newGeneration(ctx context.Context, from *part, tree git.Hash) (err error) {
	s.mu.Lock()
	gen := &part{path: s.genPath(s.nextNumber()), tree: tree}
	s.mu.Unlock()
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(gen.path))
		}
	}()
	var items []item
	if err := s.files(ctx, "", git.Node{Mode: git.Folder, Hash: tree}, &items); err != nil {
		return err
	}
	gen.files = len(items)
	switch {
	case s.backend.Kind == Snapshot && from != nil:
		if err = snapshot(from.path, gen.path); err == nil {
			err = s.advance(ctx, gen.path, from.tree, tree, nil)
		}
	case s.backend.Kind == Snapshot:
		err = newSubvolume(gen.path)
	default:
		err = os.Mkdir(gen.path, 0o755)
	}
	if err == nil && (s.backend.Kind != Snapshot || from == nil) {
		_, err = s.write(ctx, gen.path, items, false, nil)
	}
	if err != nil {
		return err
	}
	if err := s.syncAll(); err != nil {
		return err
	}
	if err := os.WriteFile(gen.path+".tree", fmt.Appendf(nil, "%s %d\n", tree, gen.files), 0o600); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setStack(&stack{tree: tree, gen: gen})
	return nil
}

func (s *Store) syncAll() error {
	dir, err := os.Open(s.o.Dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
}

// fold replaces the layers of a stack by one.
func (s *Store) fold(ctx context.Context, now *stack, tree git.Hash, diffs []difference, items []item) error {
	s.mu.Lock()
	layer := &part{path: s.path("layers", strconv.Itoa(s.nextNumber())), tree: tree, files: len(items)}
	s.mu.Unlock()
	if err := s.writeLayer(ctx, layer.path, diffs, items); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setStack(&stack{tree: tree, gen: now.gen, layers: []*part{layer}})
	return nil
}

// stackOf returns a stack of tree, for release: the current one, with one more
// layer if it is of another tree.
func (s *Store) stackOf(ctx context.Context, tree git.Hash) (*stack, error) {
	s.mu.Lock()
	ready := s.stack != nil
	s.mu.Unlock()
	if !ready { // the first: wait until it is there
		if err := s.prepareStack(ctx, tree); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.stack
	if now.tree != tree && s.backend.Kind == Overlay {
		var diffs []difference
		if err := s.diff(now.tree, tree, "", &diffs); err != nil {
			return nil, err
		}
		items, err := s.newFiles(ctx, diffs)
		if err != nil {
			return nil, err
		}
		layer := &part{path: s.path("layers", strconv.Itoa(s.nextNumber())), tree: tree, files: len(items)}
		if err := s.writeLayer(ctx, layer.path, diffs, items); err != nil {
			return nil, err
		}
		now = &stack{tree: tree, gen: now.gen, layers: append(slices.Clone(now.layers), layer)}
		s.setStack(now)
	}
	now.users++
	return now, nil
}

// writeLayer writes what makes one tree of another as a layer of overlayfs: new
// files, and whiteouts for what has gone.
func (s *Store) writeLayer(ctx context.Context, path string, diffs []difference, items []item) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(path))
		}
	}()
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	if _, err := s.write(ctx, path, items, false, nil); err != nil {
		return err
	}
	for _, d := range diffs {
		if !d.new.IsZero() {
			continue
		}
		to := filepath.Join(path, d.path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := unix.Mknod(to, unix.S_IFCHR, 0); err != nil {
			return &os.PathError{Op: "whiteout", Path: to, Err: err}
		}
	}
	return nil
}

// setStack makes st current. The caller holds s.mu.
func (s *Store) setStack(st *stack) {
	for _, p := range st.parts() {
		p.users++
	}
	st.users++
	old := s.stack
	s.stack = st
	if old != nil {
		s.releaseLocked(old)
	}
}

func (s *Store) release(st *stack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(st)
}

// releaseLocked lets a stack go; the background removes parts that nobody uses
// any more.
func (s *Store) releaseLocked(st *stack) {
	if st.users--; st.users > 0 {
		return
	}
	for _, p := range st.parts() {
		if p.users--; p.users == 0 {
			s.unused = append(s.unused, p.path)
		}
	}
	select {
	case s.tidyUp <- struct{}{}:
	default: // it has been told
	}
}

// tidy removes parts that nobody uses. What it does not get to, the next Open does.
func (s *Store) tidy(ctx context.Context) {
	s.mu.Lock()
	unused := s.unused
	s.unused = nil
	s.mu.Unlock()
	for _, path := range unused {
		err := remove(path)
		if e := os.Remove(path + ".tree"); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
		if err != nil {
			s.log.WarnContext(ctx, "a folder that nobody needs could not be removed", "folder", path, "error", err)
		}
	}
}

func (st *stack) parts() []*part { return append([]*part{st.gen}, st.layers...) }
