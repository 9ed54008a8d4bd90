package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

const (
	mostPast = 8              // checkouts kept in the store
	pastLife = 24 * time.Hour // how long one is kept after it was last asked for
)

// Checkout writes the home as of a landing into a folder whose files and folders
// are read-only, and returns it. With dir "" that is .disk/views/L12, which all
// callers share; it is kept for a day after it was last asked for, and at most
// eight are. Another dir must be outside the home, and not exist or be
// empty; it is the caller's to keep.
func (d *Disk) Checkout(ctx context.Context, id sys.LandingID, dir string) (string, error) {
	path, err := d.checkOut(ctx, id, dir)
	return path, explain("view", id.String(), err)
}

func (d *Disk) checkOut(ctx context.Context, id sys.LandingID, dir string) (string, error) {
	if err := d.usable("view"); err != nil {
		return "", err
	}
	info, tree, _, err := d.landing(ctx, id)
	if err != nil {
		return "", err
	}
	shared := dir == ""
	if shared {
		d.viewing.Lock()
		defer d.viewing.Unlock()
		dir = d.store("views", info.ID.String())
		if _, err := os.Stat(dir); err == nil { // it was moved in place whole
			now := time.Now()
			return dir, os.Chtimes(dir, now, now)
		}
		if err := d.makeRoom(); err != nil {
			return "", err
		}
	} else if dir, err = d.outside(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".matrixos-view-")
	if err != nil {
		return "", err
	}
	err = d.objects().writeOut(ctx, tree, temp, info.Time)
	if err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		return "", errors.Join(err, removeReadOnly(temp))
	}
	return dir, os.Chmod(dir, 0o555) //nolint:gosec // others may read it, as they may the home
}

// outside checks that a folder may take a checkout.
func (d *Disk) outside(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err == nil {
		abs = filepath.Join(parent, filepath.Base(abs))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	home, err := filepath.EvalSymlinks(d.root)
	if err != nil {
		return "", err
	}
	if abs == home || strings.HasPrefix(abs, home+string(filepath.Separator)) {
		return "", &sys.Error{Op: "view", Path: dir, Kind: sys.Invalid, Err: errors.New("it is inside the home, which would record it as new files"), Hint: "name a folder outside, or leave --dir out"}
	}
	entries, err := os.ReadDir(abs)
	if len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &sys.Error{Op: "view", Path: dir, Kind: sys.Exists, Err: errors.New("there is something in the way"), Hint: "name a folder that does not exist yet"}
	}
	return abs, nil
}

// writeOut writes the files of a tree, read-only and dated.
func (o objects) writeOut(ctx context.Context, tree git.Hash, dir string, at time.Time) error {
	var folders []string
	made := map[string]bool{dir: true}
	folder := func(path string) error {
		for p := path; !made[p]; p = filepath.Dir(p) {
			made[p] = true
			folders = append(folders, p)
		}
		return os.MkdirAll(path, 0o755)
	}
	err := o.walk(tree, "", func(path string, n git.Node) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if err := folder(filepath.Dir(to)); err != nil {
			return err
		}
		b, err := o.content(n.Hash)
		if err != nil {
			return err
		}
		if n.Mode == git.Symlink {
			return os.Symlink(string(b), to)
		}
		if err := os.WriteFile(to, b, n.Mode.FS().Perm()&^0o222); err != nil {
			return err
		}
		return os.Chtimes(to, at, at)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(folders, func(a, b string) int { return len(b) - len(a) }) // inner ones first
	for _, p := range folders {
		if err := errors.Join(os.Chtimes(p, at, at), os.Chmod(p, 0o555)); err != nil { //nolint:gosec // readable as the home is
			return err
		}
	}
	return nil
}

// removeReadOnly removes a folder that writeOut has made.
func removeReadOnly(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}

type pastView struct {
	path string
	used time.Time
}

// makeRoom removes the checkouts that are old, and the oldest beyond what is kept.
func (d *Disk) makeRoom() error {
	entries, err := os.ReadDir(d.store("views"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all []pastView
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		v := pastView{d.store("views", e.Name()), info.ModTime()}
		if strings.HasPrefix(e.Name(), ".") { // of a run that died
			v.used = time.Time{}
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b pastView) int { return b.used.Compare(a.used) })
	for i, v := range all {
		if i < mostPast-1 && time.Since(v.used) < pastLife {
			continue
		}
		if err := removeReadOnly(v.path); err != nil {
			return fmt.Errorf("remove an old view: %w", err)
		}
	}
	return nil
}
