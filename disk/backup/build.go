package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk"
	"matrixos/sys"
)

// builder writes a home that comes from outside into a folder beside its place.
// Nothing is written through a link: links are made last.
type builder struct {
	place string // where the home is to be
	dir   string // where it is built
	root  *os.Root
	links bool // allow links that lead out
	free  int64
	seen  map[string]kind
	later []meta // folders and links, to be finished in the end
}

// newBuilder refuses a place that is taken.
func newBuilder(place string, links bool) (_ *builder, err error) {
	if place, err = filepath.Abs(place); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(place)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain("open home", place, err)
	}
	if len(entries) > 0 {
		return nil, &sys.Error{Op: "make home", Path: place, Kind: sys.Exists, Err: errors.New("the folder is not empty"), Hint: "choose an empty or new folder with --home; nothing is ever replaced"}
	}
	parent := filepath.Dir(place)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, explain("make home", place, err)
	}
	b := &builder{place: place, links: links, seen: map[string]kind{}}
	if b.dir, err = os.MkdirTemp(parent, "."+filepath.Base(place)+".new-"); err != nil {
		return nil, explain("make home", place, err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(b.dir, &st); err == nil {
		b.free = int64(st.Bavail) * st.Bsize
	}
	if b.root, err = os.OpenRoot(b.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	return b, nil
}

// discard removes what was built.
func (b *builder) discard() error { return errors.Join(b.root.Close(), removeAll(b.dir)) }

// removeAll removes a folder in which folders may be read-only.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = os.Chmod(p, 0o700)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}

var (
	objectForm = regexp.MustCompile(`^objects/([0-9a-f]{2}/[0-9a-f]{38}|pack/pack-[0-9a-f]{40}\.(pack|idx))$`)
	refForm    = regexp.MustCompile(`^refs(/[^/.][^/]*)+$`)
)

// admit decides whether an entry may be part of a home.
func (b *builder) admit(m meta) error {
	bad := func(why string) error {
		return &sys.Error{Op: "unpack", Path: m.Path, Kind: sys.Invalid, Err: errors.New(why), Hint: "this is no copy that Matrix OS made; nothing was changed"}
	}
	if !fs.ValidPath(m.Path) || m.Path == "." || strings.ContainsRune(m.Path, 0) {
		return bad("the name leads out of the home")
	}
	if _, twice := b.seen[m.Path]; twice {
		return bad("the name is there twice")
	}
	first, _, _ := strings.Cut(m.Path, "/")
	if strings.EqualFold(first, ".git") && (first == m.Path && m.Kind != folder) {
		return bad("a home's own .git file is made anew")
	}
	if strings.EqualFold(first, sys.Store) && !b.ofStore(m) {
		return bad("the store of a home has no such file")
	}
	for dir := path.Dir(m.Path); dir != "."; dir = path.Dir(dir) {
		if k, ok := b.seen[dir]; ok && k != folder {
			return bad("it lies below " + dir + ", which is no folder")
		}
	}
	if m.Kind == link && !b.links && leadsOut(m.Path, m.Target) {
		return &sys.Error{Op: "unpack", Path: m.Path, Kind: sys.Refused, Err: fmt.Errorf("the link leads out of the home, to %q", m.Target), Hint: "if you know it, import again with --links"}
	}
	return nil
}

// ofStore lists what of a store may come from outside: no settings of git, no
// hooks, nothing that points elsewhere.
func (b *builder) ofStore(m meta) bool {
	if m.Kind != file {
		return false
	}
	if m.Path == kernelDB || m.Path == keysFile {
		return true
	}
	if rest, ok := strings.CutPrefix(m.Path, gitDir+"/"); ok {
		return rest == "packed-refs" || objectForm.MatchString(rest) || refForm.MatchString(rest)
	}
	if rest, ok := strings.CutPrefix(m.Path, serverDir+"/"); ok {
		return serverForm.MatchString(rest)
	}
	for _, sub := range kept {
		if strings.HasPrefix(m.Path, sys.Store+"/"+sub+"/") {
			return true
		}
	}
	return false
}

// add takes one entry; r is a file's content, of which m says the size. It
// returns the SHA-256.
func (b *builder) add(m meta, r io.Reader) (string, error) {
	if err := b.admit(m); err != nil {
		return "", err
	}
	b.seen[m.Path] = m.Kind
	if m.Kind != file {
		b.later = append(b.later, m)
		if m.Kind == folder {
			return "", b.root.MkdirAll(m.Path, 0o700)
		}
		return "", nil
	}
	if b.free -= m.Size; b.free < 0 {
		return "", &sys.Error{Op: "unpack", Path: m.Path, Kind: sys.NoSpace, Err: errors.New("the home does not fit on this disk"), Hint: "make room, or choose another place with --home"}
	}
	if err := b.root.MkdirAll(path.Dir(m.Path), 0o700); err != nil {
		return "", err
	}
	f, err := b.root.OpenFile(m.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err == nil && n != m.Size {
		err = fmt.Errorf("%d bytes where %d were promised", n, m.Size)
	}
	if err == nil {
		err = f.Chmod(m.Mode.Perm())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	at := m.ModTime
	if at.IsZero() {
		at = time.Now()
	}
	return hex.EncodeToString(sum.Sum(nil)), b.root.Chtimes(m.Path, at, at)
}

// finish makes links, sets the folders' permissions, and makes all durable.
func (b *builder) finish() error {
	for _, m := range b.later {
		if m.Kind == link {
			if err := b.root.MkdirAll(path.Dir(m.Path), 0o700); err != nil {
				return err
			}
			if err := b.root.Symlink(m.Target, m.Path); err != nil {
				return err
			}
		}
	}
	// Folders that only files brought along were made closed.
	err := filepath.WalkDir(b.dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(b.dir, p)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o755)
		if rel == sys.Store {
			mode = 0o700
		}
		return os.Chmod(p, mode)
	})
	if err != nil {
		return err
	}
	dirs := map[string]meta{}
	for _, m := range b.later {
		if m.Kind == folder {
			dirs[m.Path] = m
		}
	}
	return b.folders(dirs)
}

// folders sets permissions, deepest first: a parent may forbid writing.
func (b *builder) folders(dirs map[string]meta) error {
	names := make([]string, 0, len(dirs))
	for name := range dirs {
		names = append(names, name)
	}
	sortDeepest(names)
	for _, name := range names {
		if err := b.root.Chmod(name, dirs[name].Mode.Perm()); err != nil {
			return err
		}
	}
	f, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}

// prove opens the folder as a home: recovery runs, every object of the history
// is read, and nothing must differ from the landing that the copy is of.
func prove(ctx context.Context, dir string, want sys.LandingID, commit string) error {
	bad := func(why error) error {
		return &sys.Error{Op: "open the copy as a home", Path: dir, Kind: sys.NotVerified, Err: why, Hint: "the copy is complete but does not work as a home; try an older one"}
	}
	d, err := disk.Open(ctx, dir, disk.Options{NoWatch: true})
	if err != nil {
		if k := sys.KindOf(err); k == sys.TooNew || k == sys.Canceled || k == sys.NoSpace {
			return err
		}
		return bad(err)
	}
	at, err := d.Log(ctx, disk.Query{Limit: 1})
	if err == nil && (len(at) == 0 || at[0].ID != want || at[0].Commit != commit) {
		err = fmt.Errorf("it is not at landing %s: its files are not those of its history", want)
	}
	if err = errors.Join(err, d.Close()); err != nil {
		return bad(err)
	}
	if err := checkHistory(ctx, filepath.Join(dir, gitDir)); err != nil {
		return bad(err)
	}
	return nil
}

// settle proves the home and puts it in its place.
func (b *builder) settle(ctx context.Context, want sys.LandingID, commit string) error {
	if err := prove(ctx, b.dir, want, commit); err != nil {
		return err
	}
	return b.move()
}

// move renames the folder to its place.
func (b *builder) move() error {
	if err := unix.Rename(b.dir, b.place); err != nil {
		return explain("make home", b.place, err)
	}
	parent, err := os.Open(filepath.Dir(b.place))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close(), b.root.Close())
}
