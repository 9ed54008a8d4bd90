package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

// walk finds the owner's files: what the history has, and what lies beside it.
type walk struct {
	ctx       context.Context // of the one call that this is
	d         *disk.Disk
	g         *gathered
	home      string
	root      *os.Root
	view      *disk.View
	versioned map[string]bool
}

// history adds the files of the landing, with the permissions and the time of
// the live file where there is one.
func (w *walk) history() error {
	return fs.WalkDir(w.view, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		w.versioned[name] = true
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := w.view.ReadLink(name)
			w.g.items = append(w.g.items, item{meta: meta{Path: name, Kind: link, Target: to}})
			return err
		}
		m := meta{Path: name, Kind: file, Mode: 0o644, ModTime: w.g.landing.Time}
		if e.Type().Perm()&0o100 != 0 {
			m.Mode = 0o755
		}
		if st, err := w.root.Lstat(name); err == nil && st.Mode().IsRegular() {
			m.Mode, m.ModTime = st.Mode().Perm(), st.ModTime().UTC()
		}
		view := w.view
		w.g.items = append(w.g.items, item{m, func() (io.ReadCloser, int64, error) {
			b, err := view.ReadFile(name)
			return io.NopCloser(bytes.NewReader(b)), int64(len(b)), err
		}})
		return nil
	})
}

// dropping are files of tools that nobody misses.
var dropping = regexp.MustCompile(`^(\.DS_Store|\..*\.sw.|\.#.*|4913)$`)

// cacheTag marks a folder whose content can be made again (bford.info/cachedir).
const cacheTag = "CACHEDIR.TAG"

// live adds what is in the live home and not in the history.
func (w *walk) live(name string, e fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone this instant
	}
	if err != nil || name == "." {
		return err
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	switch {
	case name == sys.Store:
		return fs.SkipDir
	case name == ".git" && !e.IsDir(): // ours; it is made again
		return nil
	case e.IsDir() && w.cache(name):
		return fs.SkipDir
	case w.versioned[name], dropping.MatchString(path.Base(name)):
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m := meta{Path: name, Kind: file, Mode: info.Mode().Perm(), ModTime: info.ModTime().UTC()}
	switch {
	case e.IsDir():
		m.Kind = folder
		w.g.items = append(w.g.items, item{meta: m})
	case w.d.Versionable(sys.Path(name), info.Size()):
		return nil // it came after the landing
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := w.root.Readlink(name)
		if err != nil {
			return err
		}
		w.g.items = append(w.g.items, item{meta: meta{Path: name, Kind: link, Target: to}})
	case info.Mode().IsRegular():
		return w.regular(m)
	}
	return nil
}

func (w *walk) cache(name string) bool {
	if base := path.Base(name); base == "node_modules" || base == ".cache" {
		return true
	}
	_, err := w.root.Lstat(path.Join(name, cacheTag))
	return err == nil
}

// sidecar are the files that SQLite keeps beside a database; a copy has none.
var sidecar = regexp.MustCompile(`^(.+)-(wal|shm|journal)$`)

// regular adds a file that is not versioned. What may be a database that this
// process has open must not be opened and closed as a plain file: that would
// take SQLite's locks away.
func (w *walk) regular(m meta) error {
	from := filepath.Join(w.home, m.Path)
	if s := sidecar.FindStringSubmatch(m.Path); s != nil {
		if _, err := w.root.Lstat(s[1]); err == nil {
			return nil
		}
	}
	appData := strings.HasPrefix(m.Path, "data/") && strings.HasSuffix(m.Path, ".sqlite")
	if appData || w.isDatabase(m.Path) {
		err := w.g.database(w.ctx, from, m.Path, m.Mode, m.ModTime)
		if err == nil || !isNoDatabase(err) {
			return err
		}
	}
	w.g.items = append(w.g.items, onDisk(m.Path, from, m.Mode, m.ModTime))
	return nil
}

func (w *walk) isDatabase(name string) bool {
	f, err := w.root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "SQLite format 3\x00"
}

// kept are the folders of the store that hold the owner's bytes: hand edits that
// had no other place, and kept copies of app databases.
var kept = []string{"displaced", "data"}

// store adds what is the owner's in the store.
func (w *walk) store() error {
	for _, sub := range kept {
		base := path.Join(sys.Store, sub)
		err := fs.WalkDir(w.root.FS(), base, func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			w.g.items = append(w.g.items, onDisk(name, filepath.Join(w.home, name), info.Mode().Perm(), info.ModTime().UTC()))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
