package boot

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"matrixos/home"
)

// template is what a new home begins with. A folder that has apps already, such as
// one that was brought here, keeps to those: only an empty one gets ours.
func template(root string) fs.FS {
	found, err := os.ReadDir(filepath.Join(root, "apps"))
	if err == nil && slices.ContainsFunc(found, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") }) {
		return withoutApps{home.Template()}
	}
	return home.Template()
}

type withoutApps struct{ fs.FS }

var _ fs.ReadDirFS = withoutApps{}

func (w withoutApps) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	if name != "apps" {
		return entries, err
	}
	return slices.DeleteFunc(entries, fs.DirEntry.IsDir), err
}
