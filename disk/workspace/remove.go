package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// remove deletes a folder with all that is in it, whatever modes a program has
// given it. It never follows a link.
func remove(path string) error {
	err := os.RemoveAll(path)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() {
			// It comes here before its entries are read.
			if e := os.Chmod(p, 0o700); e != nil && !errors.Is(e, fs.ErrNotExist) {
				return e
			}
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(path))
}
