package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Repo is a repository folder. It is safe for concurrent use.
type Repo struct {
	dir string

	mu     sync.Mutex
	packs  []*pack
	listed bool
	trees  map[Hash][]Entry // parsed trees; they never change
	blobs  map[Hash][]byte  // small contents read lately
	held   int              // bytes in blobs

	waiting      map[Hash]Object // see Hold
	waitingBytes int
}

const (
	mostTrees = 4096    // parsed trees kept
	mostHeld  = 4 << 20 // bytes of contents kept
	smallBlob = 1 << 18 // the largest content kept
)

// Open returns the repository in dir, which need not exist yet.
func Open(dir string) *Repo {
	return &Repo{dir: dir, trees: map[Hash][]Entry{}, blobs: map[Hash][]byte{}, waiting: map[Hash]Object{}}
}

// Dir returns the repository's folder.
func (r *Repo) Dir() string { return r.dir }

// Init creates what is missing of an empty repository whose main branch is
// main. It changes nothing that is there.
func (r *Repo) Init(config string) error {
	for _, d := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "info"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o755); err != nil {
			return err
		}
	}
	for _, f := range [][2]string{{"config", config}, {"description", "The history of a Matrix OS home.\n"}, {"HEAD", "ref: refs/heads/main\n"}} {
		p := filepath.Join(r.dir, f[0])
		if st, err := os.Stat(p); err == nil && st.Size() > 0 {
			continue
		}
		if err := os.WriteFile(p+".new", []byte(f[1]), 0o644); err != nil {
			return err
		}
		if err := os.Rename(p+".new", p); err != nil {
			return err
		}
	}
	return nil
}

// ObjectPath returns where the loose object h belongs.
func (r *Repo) ObjectPath(h Hash) string {
	s := h.String()
	return filepath.Join(r.dir, "objects", s[:2], s[2:])
}

// Read returns the object h, held, loose or packed. What comes from a file is
// checked against its name; a damaged copy is passed over for a good one.
func (r *Repo) Read(h Hash) (Object, error) {
	r.mu.Lock()
	held, ok := r.waiting[h]
	r.mu.Unlock()
	if ok {
		return held, nil
	}
	o, err := r.CheckLoose(h)
	if err == nil {
		return o, nil
	}
	missing := errors.Is(err, fs.ErrNotExist)
	packed, packErr := r.readPacked(h)
	if packErr == nil {
		return packed, nil
	}
	if missing {
		return Object{}, fmt.Errorf("git object %s: %w", h, packErr)
	}
	return Object{}, err
}

// Has reports whether the repository has h, without reading its content.
func (r *Repo) Has(h Hash) bool {
	r.mu.Lock()
	_, ok := r.waiting[h]
	r.mu.Unlock()
	if ok {
		return true
	}
	if _, err := os.Lstat(r.ObjectPath(h)); err == nil {
		return true
	}
	return r.hasPacked(h)
}

// Content returns the bytes of the blob h. The caller must not change them.
func (r *Repo) Content(h Hash) ([]byte, error) {
	r.mu.Lock()
	b, ok := r.blobs[h]
	r.mu.Unlock()
	if ok {
		return b, nil
	}
	o, err := r.Read(h)
	if err != nil {
		return nil, err
	}
	if o.Type != Blob {
		return nil, fmt.Errorf("git object %s: %w: a %s where a file was expected", h, ErrCorrupt, o.Type)
	}
	r.keep(h, o.Data)
	return o.Data, nil
}

func (r *Repo) keep(h Hash, b []byte) {
	if len(b) > smallBlob {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for old, data := range r.blobs { // any: a map walks in random order
		if r.held+len(b) <= mostHeld {
			break
		}
		delete(r.blobs, old)
		r.held -= len(data)
	}
	if _, ok := r.blobs[h]; !ok {
		r.blobs[h] = b
		r.held += len(b)
	}
}

// Tree returns the entries of the tree h; the zero Hash is an empty folder. The
// caller must not change them.
func (r *Repo) Tree(h Hash) ([]Entry, error) {
	if h.IsZero() {
		return nil, nil
	}
	r.mu.Lock()
	entries, ok := r.trees[h]
	r.mu.Unlock()
	if ok {
		return entries, nil
	}
	o, err := r.Read(h)
	if err != nil {
		return nil, err
	}
	if o.Type != Tree {
		return nil, fmt.Errorf("git object %s: %w: a %s where a folder was expected", h, ErrCorrupt, o.Type)
	}
	if entries, err = ParseTree(o.Data); err != nil {
		return nil, fmt.Errorf("git object %s: %w", h, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.trees) >= mostTrees {
		clear(r.trees)
	}
	r.trees[h] = entries
	return entries, nil
}

// History returns the commit h.
func (r *Repo) History(h Hash) (History, error) {
	o, err := r.Read(h)
	if err != nil {
		return History{}, err
	}
	if o.Type != Commit {
		return History{}, fmt.Errorf("git object %s: %w: a %s where a commit was expected", h, ErrCorrupt, o.Type)
	}
	c, err := ParseCommit(o.Data)
	if err != nil {
		return History{}, fmt.Errorf("git object %s: %w", h, err)
	}
	return c, nil
}

// Ref returns what a ref such as refs/heads/main points at, ErrNotFound, or, for
// a file that a power cut has left empty, ErrCorrupt.
func (r *Repo) Ref(name string) (Hash, error) {
	b, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err == nil {
		h, err := ParseHash(strings.TrimSpace(string(b)))
		if err != nil {
			return Hash{}, fmt.Errorf("git ref %s: %w: %w", name, ErrCorrupt, err)
		}
		return h, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Hash{}, err
	}
	if b, err = os.ReadFile(filepath.Join(r.dir, "packed-refs")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Hash{}, err
	}
	for line := range strings.Lines(string(b)) {
		if hash, ok := strings.CutSuffix(strings.TrimSpace(line), " "+name); ok {
			return ParseHash(hash)
		}
	}
	return Hash{}, fmt.Errorf("git ref %s: %w", name, ErrNotFound)
}

// SetRef points a ref at h without asking what it was.
func (r *Repo) SetRef(name string, h Hash) error {
	p := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	// Not name+".lock": that is how somebody else would say that they hold it.
	if err := os.WriteFile(p+".new", []byte(h.String()+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(p+".new", p)
}

// RefLock is git's own lock on a ref, with the new value already written in it.
type RefLock struct {
	path, lock string
	Old        Hash // what the ref was when it was locked; zero if that was nothing
}

// LockRef takes the lock on a ref and prepares it to become h. While it is
// held, a `git commit` by the owner fails cleanly instead of racing.
func (r *Repo) LockRef(name string, h Hash) (*RefLock, error) {
	l := &RefLock{path: filepath.Join(r.dir, filepath.FromSlash(name))}
	l.lock = l.path + ".lock"
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(h.String() + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		if l.Old, err = r.Ref(name); errors.Is(err, ErrNotFound) || errors.Is(err, ErrCorrupt) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// Publish moves the new value in place, which releases the lock.
func (l *RefLock) Publish() error { return os.Rename(l.lock, l.path) }

// Release gives the lock up; the ref stays as it was.
func (l *RefLock) Release() error { return os.Remove(l.lock) }
