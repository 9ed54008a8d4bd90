package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// Folder is one workspace. Its methods may be called concurrently, except Drop.
type Folder struct {
	s     *Store
	id    string
	top   string // ws/ID
	dir   string
	place Place
	base  git.Hash
	scope []string

	stack  *stack          // what it stands on; nil for a copy
	states map[string]stat // as filled; of a snapshot, only what its generation does not have

	mu    sync.Mutex
	files *os.File
}

// Place is where a command finds a workspace.
type Place struct {
	Dir   string   // the folder, once Enter has been followed
	Enter []string // what to put in front of a command line; empty if nothing
}

// Dir returns the folder as this program reaches it.
func (f *Folder) Dir() string { return f.dir }

// Beside returns a folder that has the files which were written into f, and perhaps
// others, at a path without links: SQLite resolves those of Dir, and then does not
// find an overlay's mount. Files that are there may be read and written in place;
// new ones are made through Dir.
func (f *Folder) Beside() string { return f.changed() }

// Place returns the folder as a command reaches it.
func (f *Folder) Place() Place { return f.place }

// Files returns an open folder below which the files are that a scan offers. It
// belongs to f.
func (f *Folder) Files() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files != nil {
		return f.files, nil
	}
	var err error
	f.files, err = os.Open(f.changed())
	return f.files, err
}

// changed is where the changed files are.
func (f *Folder) changed() string {
	if f.overlaid() {
		return filepath.Join(f.top, "upper")
	}
	return f.dir
}

func (f *Folder) overlaid() bool { return f.place.Enter != nil }

// Drop removes the folder, whatever is in it. Processes that work in it must have
// ended. Dropping twice does no harm.
func (f *Folder) Drop() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.files != nil {
		err = f.files.Close()
		f.files = nil
	}
	if f.overlaid() {
		err = errors.Join(err, f.s.holder.unmount(f.id))
	}
	if f.stack != nil {
		f.s.release(f.stack)
		f.stack = nil
	}
	return errors.Join(err, remove(f.top))
}

// stat identifies a state of a file.
type stat struct {
	ino          uint64
	size         int64
	mtime, ctime int64
	mode         uint32
}

func statOf(path string) (s stat, atime int64, err error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return stat{}, 0, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return stat{st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano(), st.Mode}, st.Atim.Nano(), nil
}

// Reads returns the files that were read and not changed since the folder was
// made, in no order, where that can be known; known is false where it cannot.
// It is true of copies on a file system that keeps access times.
func (f *Folder) Reads(ctx context.Context) (paths []string, known bool) {
	if !f.s.atime || f.overlaid() || f.stack != nil {
		return nil, false
	}
	for path, was := range f.states {
		if ctx.Err() != nil {
			return nil, false
		}
		if now, atime, err := statOf(filepath.Join(f.dir, path)); err == nil && now == was && atime != was.mtime {
			paths = append(paths, path)
		}
	}
	return paths, true
}
