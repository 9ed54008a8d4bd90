package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// Found is a path of a workspace that may differ from its base.
type Found struct {
	Path string
	Old  git.Node // the file it is on the base; zero if there is none
	// Known says that New is what it is now, zero if it is gone. Otherwise the
	// file has to be looked at, below Files.
	Known bool
	New   git.Node
}

// Scan calls fn, in no order, for every path that may have changed since the
// folder was made, and for all that did. Folders are not among them: one without
// files does not exist. skip is asked about folders that the base does not have;
// what is in those that it wants skipped is not looked at.
//
// A program that changes files meanwhile may be seen half-way.
func (f *Folder) Scan(ctx context.Context, skip func(dir string) bool, fn func(Found) error) error {
	sc := &scanner{ctx: ctx, f: f, skip: skip, fn: fn, overlaid: f.overlaid(), root: f.changed()}
	below := git.Hash{}
	if sc.overlaid {
		below = f.base
	}
	return sc.folder("", below, f.base)
}

// scanner compares a folder with the base, name by name. On an overlay it reads
// the upper folder only: a name that it does not have shows what is below.
type scanner struct {
	ctx      context.Context //nolint:containedctx // one scan's
	f        *Folder
	skip     func(string) bool
	fn       func(Found) error
	overlaid bool
	root     string
}

// folder scans one folder, which shows below where it has no entry of its own and
// was base; zero hashes are empty folders.
func (sc *scanner) folder(dir string, below, base git.Hash) error {
	if err := sc.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(sc.root, dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	was, err := sc.f.s.nodes(base)
	if err != nil {
		return err
	}
	shown := was
	if below != base {
		if shown, err = sc.f.s.nodes(below); err != nil {
			return err
		}
	}
	own := make(map[string]bool, len(entries))
	for _, e := range entries {
		own[e.Name()] = true
		if err := sc.entry(join(dir, e.Name()), shown, was[e.Name()], base == git.Hash{}); err != nil {
			return err
		}
	}
	if sc.overlaid && below == base {
		return nil
	}
	for _, name := range names(was, shown) {
		if own[name] {
			continue
		}
		now := git.Node{}
		if sc.overlaid {
			now = shown[name]
		}
		if err := sc.known(join(dir, name), was[name], now); err != nil {
			return err
		}
	}
	return nil
}

// entry scans one name that the folder itself has.
func (sc *scanner) entry(path string, shown map[string]git.Node, was git.Node, fresh bool) error {
	full := filepath.Join(sc.root, path)
	var st unix.Stat_t
	if err := unix.Lstat(full, &st); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return sc.known(path, was, git.Node{}) // it went while we looked
		}
		return &os.PathError{Op: "lstat", Path: full, Err: err}
	}
	switch {
	case sc.overlaid && whiteout(full, &st):
		return sc.known(path, was, git.Node{})
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return sc.subfolder(path, full, shown, was)
	case was.IsFolder():
		if err := sc.known(path, was, git.Node{}); err != nil {
			return err
		}
		was = git.Node{}
	case !fresh && !was.IsZero() && sc.f.unchanged(path, full):
		return nil
	}
	return sc.fn(Found{Path: path, Old: was})
}

func (sc *scanner) subfolder(path, full string, shown map[string]git.Node, was git.Node) error {
	var base, below git.Hash
	if was.IsFolder() {
		base = was.Hash
	} else {
		if err := sc.known(path, was, git.Node{}); err != nil {
			return err
		}
		if sc.skip(path) {
			return nil
		}
	}
	if sc.overlaid {
		n, err := sc.below(full, shown[filepath.Base(path)], shown)
		if err != nil {
			return err
		}
		if n.IsFolder() {
			below = n.Hash
		}
	}
	return sc.folder(path, below, base)
}

// below returns what a folder of the upper shows where it has nothing itself:
// what has its name, or, if it was moved, what it was; nothing, if it is opaque.
func (sc *scanner) below(full string, same git.Node, siblings map[string]git.Node) (git.Node, error) {
	if v := xattr(full, "opaque"); v == "y" {
		return git.Node{}, nil
	}
	from := xattr(full, "redirect")
	switch {
	case from == "":
		return same, nil
	case !strings.HasPrefix(from, "/"):
		return siblings[from], nil
	}
	return sc.f.s.lookup(sc.f.base, strings.Trim(from, "/"))
}

// known reports what became of a path and of all below it.
func (sc *scanner) known(path string, was, now git.Node) error {
	if was == now {
		return nil
	}
	if !was.IsFolder() && !now.IsFolder() {
		if now.IsZero() && !sc.f.filled(path) {
			return nil
		}
		return sc.fn(Found{Path: path, Old: was, Known: true, New: now})
	}
	var before, after map[string]git.Node
	var err error
	if was.IsFolder() {
		if before, err = sc.f.s.nodes(was.Hash); err != nil {
			return err
		}
		was = git.Node{}
	}
	if now.IsFolder() {
		if after, err = sc.f.s.nodes(now.Hash); err != nil {
			return err
		}
		now = git.Node{}
	}
	if err := sc.known(path, was, now); err != nil {
		return err
	}
	for _, name := range names(before, after) {
		if err := sc.known(join(path, name), before[name], after[name]); err != nil {
			return err
		}
	}
	return nil
}

// unchanged reports whether a file of a copy is certainly as it was made.
func (f *Folder) unchanged(path, full string) bool {
	if f.overlaid() {
		return false // copied up because somebody wanted to change it
	}
	was, ok := f.states[path]
	if !ok && f.stack != nil {
		var err error
		was, _, err = statOf(filepath.Join(f.stack.gen.path, path))
		ok = err == nil
	}
	now, _, err := statOf(full)
	return ok && err == nil && now == was
}

// filled reports whether the folder was made with a file of the base: a scope
// leaves some out.
func (f *Folder) filled(path string) bool {
	if f.scope == nil {
		return true
	}
	for _, p := range f.scope {
		if within(path, p) {
			return true
		}
	}
	return !strings.Contains(path, "/")
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

// whiteout reports whether an entry of an upper folder says that there is nothing:
// a device 0/0, or an empty file so marked.
func whiteout(full string, st *unix.Stat_t) bool {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return st.Rdev == 0
	case unix.S_IFREG:
		if st.Size > 0 {
			return false
		}
		for _, ns := range namespaces {
			if _, err := unix.Lgetxattr(full, ns+"whiteout", nil); err == nil {
				return true
			}
		}
	}
	return false
}

// namespaces are where overlayfs keeps its marks: as root, and else.
var namespaces = [2]string{"trusted.overlay.", "user.overlay."}

func xattr(full, name string) string {
	buf := make([]byte, unix.PathMax)
	for _, ns := range namespaces {
		if n, err := unix.Lgetxattr(full, ns+name, buf); err == nil {
			return string(buf[:n])
		}
	}
	return ""
}
