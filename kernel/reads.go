package kernel

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"sync"

	"matrixos/sys"
)

// reads collects what one system call shows to the model.
type reads struct {
	mu    sync.Mutex
	label sys.Label
	exact bool
	all   bool       // a command or a folder's whole content
	shown []sys.Path // as the call says
	below []sys.Path // folders of which it says that anything may be shown
	open  []sys.Path // as the tree was opened
}

func (r *reads) exactly(paths []sys.Path) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exact = true
	r.shown = append(r.shown, paths...)
}

func (r *reads) inFolder(folder sys.Path) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exact = true
	r.below = append(r.below, folder)
}

func (r *reads) labelled(l sys.Label) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.label = r.label.Join(l)
}

func (r *reads) everything() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = true
}

func (r *reads) opened(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, sys.Path(path.Clean(name)))
}

// label joins what a call has shown into the process's label, before the model
// sees it.
func (p *process) label(ctx context.Context, r *reads) error {
	r.mu.Lock()
	l, paths, folders := r.label, r.shown, r.below
	if !r.exact {
		paths = r.open
		if r.all {
			folders = []sys.Path{""}
		}
	}
	r.mu.Unlock()
	slices.Sort(paths)
	of, err := p.k.LabelOf(ctx, slices.Compact(paths)...)
	if err != nil {
		return err
	}
	in, err := p.k.labelBelow(ctx, folders...)
	if err != nil {
		return err
	}
	return p.shown(ctx, l.Join(of).Join(in))
}

// tracked is a tree that notes which files are opened.
type tracked struct {
	fs.FS
	reads *reads
}

var (
	_ fs.ReadFileFS = tracked{}
	_ fs.ReadDirFS  = tracked{}
	_ fs.StatFS     = tracked{}
)

func (t tracked) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err == nil {
		if info, e := f.Stat(); e != nil || !info.IsDir() {
			t.reads.opened(name)
		}
	}
	return f, err
}

func (t tracked) ReadFile(name string) ([]byte, error) {
	t.reads.opened(name)
	return fs.ReadFile(t.FS, name)
}

func (t tracked) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.FS, name) }
func (t tracked) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(t.FS, name) }
