package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"matrixos/app/internal/compile"
	"matrixos/sys"
)

// App is one app as it stands in a tree.
type App struct {
	Folder      sys.Path
	Manifest    Manifest
	Diagnostics []sys.Diagnostic // of the manifest
}

// maxDepth bounds how deep below apps/ an app may lie.
const maxDepth = 4

// Find lists all apps of tree in the order of their folders. A folder with a
// manifest is an app, and no app lies within another. When two apps claim the
// same slug, the first keeps it and the second has an error.
func Find(tree fs.FS) ([]App, error) {
	var apps []App
	err := findIn(tree, "apps", 1, &apps)
	if err != nil {
		return nil, &sys.Error{Op: "find apps", Path: "apps", Kind: sys.Internal, Err: err}
	}
	owner := map[sys.Slug]sys.Path{}
	for i := range apps {
		a := &apps[i]
		if first, taken := owner[a.Manifest.Slug]; taken {
			a.Diagnostics = append(a.Diagnostics, sys.Diagnostic{
				Severity: "error", File: a.Folder + "/" + ManifestName, Line: 1,
				Text: fmt.Sprintf("the slug %q belongs to %s already", a.Manifest.Slug, first), Hint: "give this app a slug of its own",
			})
			continue
		}
		owner[a.Manifest.Slug] = a.Folder
	}
	return apps, nil
}

func findIn(tree fs.FS, dir string, depth int, apps *[]App) error {
	entries, err := fs.ReadDir(tree, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "node_modules" {
			continue // links are not followed
		}
		folder := path.Join(dir, name)
		a, err := load(tree, sys.Path(folder))
		switch {
		case err == nil:
			*apps = append(*apps, a)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case depth < maxDepth:
			if err := findIn(tree, folder, depth+1, apps); err != nil {
				return err
			}
		}
	}
	return nil
}

// load reads the app in folder; fs.ErrNotExist if it has no manifest.
func load(tree fs.FS, folder sys.Path) (App, error) {
	file := folder + "/" + ManifestName
	if isLink(tree, file) {
		m, _ := ParseManifest([]byte("{}"), folder, hasSource(tree, folder))
		return App{Folder: folder, Manifest: m, Diagnostics: []sys.Diagnostic{compile.Link("error", file)}}, nil
	}
	raw, err := fs.ReadFile(tree, string(file))
	if err != nil {
		return App{}, err
	}
	m, found := ParseManifest(raw, folder, hasSource(tree, folder))
	return App{Folder: folder, Manifest: m, Diagnostics: found}, nil
}

// isLink reports whether a file of tree is a symbolic link, wherever it leads.
func isLink(tree fs.FS, file sys.Path) bool {
	info, err := fs.Lstat(tree, string(file))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// hasSource reports whether the folder has TypeScript or JSX to compile.
func hasSource(tree fs.FS, folder sys.Path) bool {
	entries, err := fs.ReadDir(tree, path.Join(string(folder), "src"))
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return slices.Contains([]string{".tsx", ".ts", ".jsx"}, path.Ext(e.Name()))
	})
}
