package disk

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// View is a home as of one landing: an immutable file tree. It reads from the
// history, never from the live folder, and holds nothing open.
type View struct {
	objects objects
	tree    git.Hash
	at      sys.LandingID
	time    time.Time
}

var (
	_ fs.ReadFileFS = (*View)(nil)
	_ fs.ReadDirFS  = (*View)(nil)
	_ fs.StatFS     = (*View)(nil)
	_ fs.ReadLinkFS = (*View)(nil)
)

// View returns the home as of landing id; 0 means the newest.
func (d *Disk) View(id sys.LandingID) (*View, error) {
	if p := d.at(); id == 0 || id == p.id {
		return &View{objects: objects{repo: d.repo}, tree: p.tree, at: p.id}, nil
	}
	tree, err := d.treeOf(context.Background(), id)
	if err != nil {
		return nil, explain("view", id.String(), err)
	}
	return &View{objects: objects{repo: d.repo}, tree: tree, at: id}, nil
}

// Landing returns which landing this is; while a check runs, the one it would
// follow.
func (v *View) Landing() sys.LandingID { return v.at }

// Tree returns git's hash of the whole tree.
func (v *View) Tree() string { return v.tree.String() }

// Hash returns git's hash of a file or folder, equal if and only if the content
// is, or "" if there is none.
func (v *View) Hash(p sys.Path) string {
	n, err := v.objects.lookup(v.tree, string(p))
	if err != nil || n.IsZero() {
		return ""
	}
	return n.Hash.String()
}

const mostLinks = 16

// find resolves a name, with links that stay inside the tree if follow.
func (v *View) find(op, name string, follow bool) (git.Node, error) {
	fail := func(err error) (git.Node, error) { return git.Node{}, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	links := 0
	rest, at := name, ""
	if rest == "." {
		rest = ""
	}
	for rest != "" {
		var elem string
		elem, rest, _ = strings.Cut(rest, "/")
		next := path.Join(at, elem)
		n, err := v.objects.lookup(v.tree, next)
		if err != nil {
			return fail(err)
		}
		if n.IsZero() {
			return fail(fs.ErrNotExist)
		}
		if n.Mode != git.Symlink || rest == "" && !follow {
			at = next
			continue
		}
		target, err := v.objects.content(n.Hash)
		if err != nil {
			return fail(err)
		}
		to := path.Join(at, string(target))
		if links++; links > mostLinks || path.IsAbs(string(target)) || to == ".." || strings.HasPrefix(to, "../") {
			return fail(fs.ErrNotExist) // it leads outside, where a view has nothing
		}
		if to == "." {
			to = ""
		}
		rest, at = strings.Trim(to+"/"+rest, "/"), ""
	}
	n, err := v.objects.lookup(v.tree, at)
	if err != nil {
		return fail(err)
	}
	return n, nil
}

// Open opens a file or folder.
func (v *View) Open(name string) (fs.File, error) {
	n, err := v.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.IsFolder() {
		entries, err := v.list("open", name, n)
		return &openDir{info: v.info(name, n, 0), entries: entries}, err
	}
	b, err := v.objects.content(n.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{info: v.info(name, n, len(b)), Reader: bytes.NewReader(b)}, nil
}

// ReadFile returns a file's content, which the caller may change.
func (v *View) ReadFile(name string) ([]byte, error) {
	n, err := v.find("read", name, true)
	if err != nil {
		return nil, err
	}
	if n.IsFolder() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	b, err := v.objects.content(n.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return append([]byte{}, b...), nil
}

// ReadDir lists a folder by name.
func (v *View) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := v.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	return v.list("readdir", name, n)
}

func (v *View) list(op, name string, n git.Node) ([]fs.DirEntry, error) {
	if !n.IsFolder() {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	entries, err := v.objects.tree(n.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	out := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		out = append(out, entry{v, e})
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Stat describes a file or folder; links are followed.
func (v *View) Stat(name string) (fs.FileInfo, error) { return v.stat("stat", name, true) }

// Lstat describes a file, folder or link.
func (v *View) Lstat(name string) (fs.FileInfo, error) { return v.stat("lstat", name, false) }

func (v *View) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := v.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	if n.IsFolder() {
		return v.info(name, n, 0), nil
	}
	b, err := v.objects.content(n.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return v.info(name, n, len(b)), nil
}

// ReadLink returns where a link leads.
func (v *View) ReadLink(name string) (string, error) {
	n, err := v.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.Mode != git.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	b, err := v.objects.content(n.Hash)
	return string(b), err
}

func (v *View) info(name string, n git.Node, size int) info {
	return info{path.Base(name), n.Mode.FS(), int64(size), v.time}
}

// info implements fs.FileInfo.
type info struct {
	name string
	mode fs.FileMode
	size int64
	time time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

// entry implements fs.DirEntry; the size is read when asked for.
type entry struct {
	v *View
	e git.Entry
}

func (e entry) Name() string      { return e.e.Name }
func (e entry) IsDir() bool       { return e.e.IsFolder() }
func (e entry) Type() fs.FileMode { return e.e.Mode.FS().Type() }
func (e entry) String() string    { return fs.FormatDirEntry(e) }

func (e entry) Info() (fs.FileInfo, error) {
	if e.IsDir() {
		return e.v.info(e.e.Name, e.e.Node, 0), nil
	}
	b, err := e.v.objects.content(e.e.Hash)
	return e.v.info(e.e.Name, e.e.Node, len(b)), err
}

// openFile implements fs.File, io.Seeker and io.ReaderAt.
type openFile struct {
	info
	*bytes.Reader
}

func (f *openFile) Size() int64                { return f.size }
func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openDir implements fs.ReadDirFile.
type openDir struct {
	info
	entries []fs.DirEntry
}

func (f *openDir) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openDir) Close() error               { return nil }

func (f *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

func (f *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	out := f.entries[:n]
	f.entries = f.entries[n:]
	return out, nil
}
