package heal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/app"
	"matrixos/sys"
)

// patched is a tree in which some files have other bytes, or are there at all.
type patched struct {
	fs.FS
	files map[string][]byte
}

var (
	_ fs.ReadFileFS = patched{}
	_ fs.ReadDirFS  = patched{}
)

// Open implements fs.FS.
func (p patched) Open(name string) (fs.File, error) {
	if text, ok := p.files[name]; ok {
		return &file{bytes.NewReader(text), patchedInfo{path.Base(name), int64(len(text))}}, nil
	}
	return p.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (p patched) ReadFile(name string) ([]byte, error) {
	if text, ok := p.files[name]; ok {
		return slices.Clone(text), nil
	}
	return fs.ReadFile(p.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (p patched) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(p.FS, name)
	if err != nil {
		return list, err
	}
	for f, text := range p.files {
		if path.Dir(f) != name {
			continue
		}
		e := fs.FileInfoToDirEntry(patchedInfo{path.Base(f), int64(len(text))})
		if i, ok := slices.BinarySearchFunc(list, e.Name(), func(a fs.DirEntry, name string) int { return strings.Compare(a.Name(), name) }); ok {
			list[i] = e
		} else {
			list = slices.Insert(list, i, e)
		}
	}
	return list, nil
}

// patchedInfo describes a patched file.
type patchedInfo struct {
	name string
	size int64
}

func (s patchedInfo) Name() string     { return s.name }
func (s patchedInfo) Size() int64      { return s.size }
func (patchedInfo) Mode() fs.FileMode  { return 0o644 }
func (patchedInfo) ModTime() time.Time { return time.Time{} }
func (patchedInfo) IsDir() bool        { return false }
func (patchedInfo) Sys() any           { return nil }

type file struct {
	*bytes.Reader
	info patchedInfo
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// rootsOf are the app's folder and the folders that it may share with others.
func rootsOf(tree fs.FS, folder sys.Path) ([]string, error) {
	roots := []string{string(folder)}
	for dir := path.Dir(string(folder)); dir != "." && dir != "/"; dir = path.Dir(dir) {
		entries, err := fs.ReadDir(tree, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "_") {
				roots = append(roots, dir+"/"+e.Name())
			}
		}
	}
	return roots, nil
}

// fingerprint names what a tree has at the roots.
func fingerprint(tree fs.FS, roots []string) (string, error) {
	sum := sha256.New()
	for _, root := range roots {
		err := fs.WalkDir(tree, root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(tree, p)
			fmt.Fprintf(sum, "%q %d\n", p, len(text))
			sum.Write(text)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", &sys.Error{Op: "read", Path: root, Kind: sys.Internal, Err: err}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:12]), nil
}

// folders lists the folders of apps in a tree: those with a manifest, and those that
// have an app's other files and lack one.
func folders(tree fs.FS) (out []sys.Path, err error) {
	found, err := app.Find(tree)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		out = append(out, a.Folder)
	}
	err = fs.WalkDir(tree, "apps", func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return fs.SkipAll
		}
		if err != nil || !d.IsDir() {
			return err
		}
		if slices.Contains(out, sys.Path(p)) || strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		for _, name := range []string{"index.html", "src/main.tsx", contractName, "src/App.tsx"} {
			if _, err := fs.Stat(tree, p+"/"+name); err == nil {
				out = append(out, sys.Path(p))
				return fs.SkipDir
			}
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// slugs are the slugs of the apps in a tree, by their folders. Where a manifest cannot be
// read, it is the name of the folder.
func slugs(tree fs.FS) (map[sys.Path]sys.Slug, error) {
	all, err := folders(tree)
	if err != nil {
		return nil, err
	}
	found, err := app.Find(tree)
	if err != nil {
		return nil, err
	}
	out := map[sys.Path]sys.Slug{}
	for _, folder := range all {
		out[folder] = sys.Slug(folder.Base())
	}
	for _, a := range found {
		if a.Manifest.Slug.Valid() {
			out[a.Folder] = a.Manifest.Slug
		}
	}
	return out, nil
}

func readFile(tree fs.FS, p sys.Path) ([]byte, error) {
	text, err := fs.ReadFile(tree, string(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
