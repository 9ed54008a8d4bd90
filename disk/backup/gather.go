package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

// kind is what an entry of a copy is.
type kind string

const (
	file   kind = "file"
	folder kind = "folder"
	link   kind = "link"
)

// meta describes one entry, in a manifest.
type meta struct {
	Path    string      `json:"path"`
	Kind    kind        `json:"kind"`
	Mode    fs.FileMode `json:"mode"` // permissions only
	ModTime time.Time   `json:"time,omitzero"`
	Size    int64       `json:"size,omitempty"`
	SHA256  string      `json:"sha256,omitempty"` // of a file, in hex
	Target  string      `json:"target,omitempty"` // of a link
}

// item is an entry about to be copied. Open is set for files; the size that it
// returns is exactly what the reader gives.
type item struct {
	meta
	open func() (io.ReadCloser, int64, error)
}

// gathered is a home as of one landing, ready to be copied. Close removes what
// it keeps on disk.
type gathered struct {
	landing sys.LandingInfo
	items   []item
	temp    string
	copies  int
}

func (g *gathered) Close() error { return os.RemoveAll(g.temp) }

const (
	gitDir   = sys.Store + "/repo.git"
	kernelDB = sys.Store + "/kernel.db"
	keysFile = sys.Store + "/keys.json"
)

// gather lists what a copy of d consists of. Only databases and the kernel's
// tables are copied at once; the rest is read when an item is opened.
func gather(ctx context.Context, d *disk.Disk, beside Beside, keys bool) (_ *gathered, err error) {
	run := filepath.Join(d.Root(), sys.Store, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, err
	}
	g := &gathered{}
	if g.temp, err = os.MkdirTemp(run, "copy-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	var view *disk.View
	err = d.Hold(ctx, func(at sys.LandingInfo, v *disk.View) error {
		g.landing, view = at, v
		if err := g.database(ctx, filepath.Join(d.Root(), kernelDB), kernelDB, 0o600, at.Time); err != nil {
			return err
		}
		return g.refs(filepath.Join(d.Root(), gitDir))
	})
	if err != nil {
		return nil, err
	}
	if err := g.homeserver(ctx, d.Root(), beside); err != nil {
		return nil, err
	}
	if keys {
		if err := g.keys(beside); err != nil {
			return nil, err
		}
	}
	if err := g.objects(filepath.Join(d.Root(), gitDir)); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.Root())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	w := &walk{ctx: ctx, d: d, g: g, home: d.Root(), root: root, view: view, versioned: map[string]bool{}}
	if err := w.history(); err != nil {
		return nil, err
	}
	if err := fs.WalkDir(root.FS(), ".", w.live); err != nil {
		return nil, err
	}
	if err := w.store(); err != nil {
		return nil, err
	}
	slices.SortFunc(g.items, func(a, b item) int { return strings.Compare(a.Path, b.Path) })
	return g, nil
}

// refs takes all refs, which move; small enough to be held in memory.
func (g *gathered) refs(repo string) error {
	add := func(p string) error {
		b, err := os.ReadFile(p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repo, p)
		if err != nil {
			return err
		}
		g.items = append(g.items, inMemory(path.Join(gitDir, filepath.ToSlash(rel)), b, g.landing.Time))
		return nil
	}
	if err := add(filepath.Join(repo, "packed-refs")); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(repo, "refs"), func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(p, ".lock") || strings.HasSuffix(p, ".new") {
			return err
		}
		return add(p)
	})
}

// objects lists the history's objects, loose and packed. They never change.
func (g *gathered) objects(repo string) error {
	base := filepath.Join(repo, "objects")
	return filepath.WalkDir(base, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(repo, p)
		if err != nil {
			return err
		}
		if name := filepath.ToSlash(rel); objectForm.MatchString(name) {
			g.items = append(g.items, onDisk(path.Join(gitDir, name), p, 0o444, g.landing.Time))
		}
		return nil
	})
}

// database copies one database by SQLite's own means.
func (g *gathered) database(ctx context.Context, from, name string, mode fs.FileMode, at time.Time) error {
	g.copies++
	to := filepath.Join(g.temp, fmt.Sprintf("%d.db", g.copies))
	if err := copyDatabase(ctx, from, to); err != nil {
		return &sys.Error{Op: "copy database", Path: name, Kind: sys.KindOf(err), Err: err, Hint: "if a program other than Matrix OS uses it, close that and try again"}
	}
	g.items = append(g.items, onDisk(name, to, mode, at))
	return nil
}

func inMemory(name string, b []byte, at time.Time) item {
	return item{meta{Path: name, Kind: file, Mode: 0o644, ModTime: at}, func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
	}}
}

// onDisk is a file that is read when it is its turn. One that grows meanwhile,
// as a conversation does, is read up to the length that it had when opened.
func onDisk(name, from string, mode fs.FileMode, at time.Time) item {
	return item{meta{Path: name, Kind: file, Mode: mode, ModTime: at}, func() (io.ReadCloser, int64, error) {
		f, err := os.Open(from)
		if err != nil {
			return nil, 0, err
		}
		st, err := f.Stat()
		if err != nil {
			return nil, 0, errors.Join(err, f.Close())
		}
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(f, st.Size()), f}, st.Size(), nil
	}}
}
