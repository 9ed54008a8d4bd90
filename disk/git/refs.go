package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Refs lists the refs below a folder such as refs/tags, sorted, by their names
// within it. Files that git or SetRef have in the making are left out.
func (r *Repo) Refs(folder string) ([]string, error) {
	var out []string
	root := filepath.Join(r.dir, filepath.FromSlash(folder))
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || e.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, ".new"):
			return err
		}
		name, err := filepath.Rel(root, path)
		out = append(out, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return nil, err
	}
	packed, err := os.ReadFile(filepath.Join(r.dir, "packed-refs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(packed)) {
		_, ref, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, ok := strings.CutPrefix(ref, folder+"/"); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
