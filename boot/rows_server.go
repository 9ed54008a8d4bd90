package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

// mostServerFiles bounds what a backup of one app takes of its server's files.
const mostServerFiles = 128 << 20

// serverFolder is where the server of an app keeps its files.
func serverFolder(slug sys.Slug) string { return "data/" + string(slug) + "/server" }

// ServerFiles is what the server of an app keeps, by path below its folder: databases as
// consistent copies, all else as it is in the home now.
func (a *apps) ServerFiles(ctx context.Context, slug sys.Slug) (files map[string][]byte, err error) {
	live := filepath.Join(a.disk.Root(), serverFolder(slug))
	if _, err := os.Stat(live); missing(err) {
		return nil, nil
	}
	t, err := a.disk.Begin(ctx, "files of the server of "+string(slug))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Drop()) }()
	err = filepath.WalkDir(live, func(full string, e fs.DirEntry, err error) error {
		path := sys.Path(strings.TrimPrefix(full, a.disk.Root()+"/"))
		if err == nil && e.Type().IsRegular() && disk.IsDatabase(path) {
			_, err = t.Data(ctx, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	total, root := 0, filepath.Join(t.Dir(), serverFolder(slug))
	err = filepath.WalkDir(root, func(full string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(full)
		if total += len(raw); total > mostServerFiles {
			return &sys.Error{Op: "back up", Path: serverFolder(slug), Kind: sys.Invalid, Err: fmt.Errorf("its server keeps more than %d MB", mostServerFiles>>20), Hint: "`matrixos backup` keeps the whole home, of any size"}
		}
		files[strings.TrimPrefix(full, root+"/")] = raw
		return err
	})
	if missing(err) { // nothing of it has landed
		err = nil
	}
	return files, err
}

// RestoreServerFiles stops the server of an app and brings files that it kept back, all or
// none, as a landing that can be undone. Other files of it stay.
func (a *apps) RestoreServerFiles(ctx context.Context, slug sys.Slug, files map[string][]byte) (info sys.LandingInfo, err error) {
	if err := a.disk.RoomForData(ctx, slug); err != nil {
		return info, err
	}
	a.runtime.RestServer(slug)
	for range mostRestores {
		if info, err = a.restoreServerFiles(ctx, slug, files); sys.KindOf(err) != sys.Conflict {
			break // or what the server wrote last was taken in meanwhile
		}
	}
	return info, err
}

// mostRestores bounds how often files are brought back while others come in.
const mostRestores = 3

func (a *apps) restoreServerFiles(ctx context.Context, slug sys.Slug, files map[string][]byte) (info sys.LandingInfo, err error) {
	t, err := a.disk.Begin(ctx, "files of the server of "+string(slug))
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, t.Drop()) }()
	for name, raw := range files {
		if err := putServerFile(ctx, t, slug, name, raw); err != nil {
			return info, err
		}
	}
	if info, err = t.Land(ctx, disk.Landing{Kind: sys.ByOwner, Title: fmt.Sprintf("Restored %d files of the server of %s", len(files), slug)}); err == nil {
		a.Landed(ctx, info)
	}
	return info, err
}

// putServerFile writes one file into a transaction. It follows no link out of the server's
// folder: the server may have made some.
func putServerFile(ctx context.Context, t *disk.Txn, slug sys.Slug, name string, raw []byte) (err error) {
	path, err := sys.ParsePath(serverFolder(slug) + "/" + name)
	if err != nil || !fs.ValidPath(name) {
		return &sys.Error{Op: "restore", Path: name, Kind: sys.Invalid, Err: errors.Join(err, errors.New("it is no file of a server")), Hint: "choose a file that “Back up this app” has written"}
	}
	dir := t.Dir()
	if disk.IsDatabase(path) {
		full, err := t.Data(ctx, path)
		if err != nil {
			return err
		}
		dir = strings.TrimSuffix(full, "/"+string(path))
	}
	dir = filepath.Join(dir, serverFolder(slug))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if st, err := root.Lstat(name); err == nil && !st.Mode().IsRegular() {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	return root.WriteFile(name, raw, 0o644)
}
