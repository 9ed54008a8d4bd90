package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// Kind names a backend.
type Kind string

// The backends, best first.
const (
	Overlay  Kind = "overlay"
	Snapshot Kind = "snapshot"
	Reflink  Kind = "reflink"
	Copy     Kind = "copy"
)

// Source is where the content of trees comes from; *git.Repo is one. It is used
// concurrently.
type Source interface {
	Tree(h git.Hash) ([]git.Entry, error)
	Content(h git.Hash) ([]byte, error)
}

// Options say where workspaces are made, and of what.
type Options struct {
	Dir    string // an existing folder; its gen-*, layers and ws are the store's
	Source Source
	// Only is the one backend to use; opening fails if the machine lacks it.
	// Empty chooses.
	Only Kind
	// Holder is a program that calls Hold when its own name is HolderName, for
	// overlay; empty does without overlay.
	Holder string
	// User makes the holder take a user namespace even where it need not.
	User   bool
	Logger *slog.Logger
}

// Backend is what a store uses, for people and for figures.
type Backend struct {
	Kind   Kind     `json:"kind"`
	Detail string   `json:"detail"` // how, in a few words
	Why    []string `json:"why"`    // why each better backend is not used
}

// Store makes workspaces. Its methods may be called concurrently.
type Store struct {
	o      Options
	log    *slog.Logger
	probed chan struct{} // closed once backend, failed, holder and atime are set

	backend Backend
	failed  error
	holder  *holder
	atime   bool // reads of copies show

	mu     sync.Mutex
	stack  *stack
	spare  *Folder // a copy nobody has yet
	used   bool    // somebody has begun
	number int     // of the newest generation or layer
	unused []string

	building   sync.Mutex // one builder of generations; above mu
	follow     chan git.Hash
	tidyUp     chan struct{} // there is something in unused
	background sync.WaitGroup
	stop       context.CancelFunc
}

// settle is how long after a landing the background follows it.
const settle = 200 * time.Millisecond

// Open makes a store ready and begins to prepare for head, the tree of the
// newest landing. What an earlier run left is removed, except generations. It
// does not wait for the probe: Begin and Backend do.
func Open(ctx context.Context, o Options, head git.Hash) (*Store, error) {
	// Paths through another namespace must not meet links, which lead back to ours.
	dir, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	s := &Store{o: o, log: o.Logger, probed: make(chan struct{}), follow: make(chan git.Hash, 1), tidyUp: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, sub := range []string{"ws", "layers"} {
		if err := os.MkdirAll(s.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	left, err := s.leftovers()
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.background.Go(func() {
		for _, path := range left {
			if err := remove(path); err != nil {
				s.log.WarnContext(running, "a folder of an earlier run could not be removed", "folder", path, "error", err)
			}
		}
	})
	s.background.Go(func() {
		s.probe(running)
		close(s.probed)
		s.run(running, head)
	})
	return s, nil
}

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.o.Dir}, elem...)...)
}

// leftovers moves what an earlier run left out of the way and names it.
func (s *Store) leftovers() ([]string, error) {
	var left []string
	for _, sub := range []string{"ws", "layers"} {
		entries, err := os.ReadDir(s.path(sub))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			left = append(left, s.path(sub, e.Name()))
		}
	}
	gens, err := s.generations()
	if err != nil {
		return nil, err
	}
	if len(gens) > 0 {
		s.number = gens[0]
		gens = gens[1:]
	}
	for _, n := range gens {
		left = append(left, s.genPath(n), s.genPath(n)+".tree")
	}
	// Layers get new numbers, above those that are on their way out.
	for _, path := range left {
		s.number = max(s.number, number(filepath.Base(path)))
	}
	return left, nil
}

// Backend waits for the probe and returns what is used.
func (s *Store) Backend() Backend {
	<-s.probed
	return s.backend
}

// Follow tells the store that head is the newest tree; the background prepares
// for it. It does not block.
func (s *Store) Follow(head git.Hash) {
	for {
		select {
		case s.follow <- head:
			return
		case <-s.follow: // it has not got to the one before
		}
	}
}

// run prepares for the newest tree, soon after a landing and not for each of
// many, until ctx ends.
func (s *Store) run(ctx context.Context, head git.Hash) {
	due := time.After(0)
	for {
		select {
		case head = <-s.follow:
			if due == nil {
				due = time.After(settle)
			}
		case <-s.tidyUp:
			s.tidy(ctx)
		case <-due:
			due = nil
			if s.failed != nil {
				continue
			}
			if err := s.prepare(ctx, head); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "workspaces could not be prepared; the next one is slower", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Begin makes a folder with the files of tree. With a scope it has only what
// lies at or below those paths, the system folder, and the files at the top.
func (s *Store) Begin(ctx context.Context, tree git.Hash, scope []string) (*Folder, error) {
	select {
	case <-s.probed:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.failed != nil {
		return nil, s.failed
	}
	switch {
	case len(scope) > 0:
		return s.beginScoped(ctx, tree, scope)
	case s.backend.Kind == Overlay:
		return s.beginOverlay(ctx, tree)
	case s.backend.Kind == Snapshot:
		return s.beginSnapshot(ctx, tree)
	}
	return s.beginCopy(ctx, tree)
}

// newFolder makes ws/ID.
func (s *Store) newFolder(tree git.Hash) (*Folder, error) {
	f := &Folder{s: s, id: rand.Text()[:12], base: tree}
	f.top = s.path("ws", f.id)
	f.dir = filepath.Join(f.top, "home")
	f.place = Place{Dir: f.dir}
	return f, os.Mkdir(f.top, 0o700)
}

// Close ends the background and the holder. Folders in use become useless; drop
// them first.
func (s *Store) Close() error {
	s.stop()
	s.background.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.spare != nil {
		err = s.spare.Drop()
		s.spare = nil
	}
	if s.holder != nil {
		err = errors.Join(err, s.holder.close())
	}
	return err
}

// unavailable says that a backend which was asked for cannot be had.
func unavailable(k Kind, why string) error {
	return &sys.Error{
		Op: "use workspace backend", Path: string(k), Kind: sys.Unavailable, Err: errors.New(why),
		Hint: "leave the choice to Matrix OS, or choose copy, which works everywhere",
	}
}
