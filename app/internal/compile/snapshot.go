package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"matrixos/sys"
)

const (
	maxFile  = 8 << 20
	maxTotal = 64 << 20
	maxFiles = 5000
)

// snapshot is an app's sources, read once, so that a build sees one moment. It
// holds the app's folder and the shared folders beside it or its parents, whose
// names begin with "_". Only regular files are in it: links lead nowhere.
type snapshot struct {
	folder string
	files  map[string][]byte // by path in the tree
	links  []string          // paths of symbolic links in the app's folder, which are left out
	hash   string
}

// Link is what is wrong with a file of an app that is a symbolic link. What it leads to could
// change, or lie elsewhere, without the home noticing.
func Link(severity string, file sys.Path) sys.Diagnostic {
	return sys.Diagnostic{Severity: severity, File: file, Line: 1, Text: "it is a symbolic link, and an app is made of files", Hint: "put the file itself in its place"}
}

func take(tree fs.FS, folder string) (*snapshot, error) {
	s := &snapshot{folder: folder, files: map[string][]byte{}}
	if err := plainFolder(tree, folder); err != nil {
		return nil, err
	}
	total := 0
	if err := s.walk(tree, folder, &total); err != nil {
		return nil, err
	}
	for dir := path.Dir(folder); dir != "." && dir != "/"; dir = path.Dir(dir) {
		entries, err := fs.ReadDir(tree, dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "_") {
				if err := s.walk(tree, path.Join(dir, e.Name()), &total); err != nil {
					return nil, err
				}
			}
		}
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(s.files[name]))
		h.Write(s.files[name])
	}
	for _, name := range s.links {
		fmt.Fprintf(h, "%s\x00link\x00", name)
	}
	s.hash = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// plainFolder refuses a folder that is reached through a link.
func plainFolder(tree fs.FS, folder string) error {
	if !fs.ValidPath(folder) || folder == "." {
		return fmt.Errorf("%q is no app folder", folder)
	}
	for i, c := range folder + "/" {
		if c != '/' {
			continue
		}
		info, err := fs.Lstat(tree, folder[:i])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is no folder", folder[:i])
		}
	}
	return nil
}

func (s *snapshot) walk(tree fs.FS, dir string, total *int) error {
	return fs.WalkDir(tree, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || name != dir && strings.HasPrefix(base, ".") {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 && strings.HasPrefix(name, s.folder+"/") {
			s.links = append(s.links, name)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since the folder was listed
		}
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%s has %d bytes; a file of an app may have at most %d", name, info.Size(), maxFile)
		}
		raw, err := fs.ReadFile(tree, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		s.files[name] = raw
		if *total += len(raw); *total > maxTotal || len(s.files) > maxFiles {
			return fmt.Errorf("%s is too large: an app may have %d files and %d bytes", s.folder, maxFiles, maxTotal)
		}
		return nil
	})
}

// contains reports whether name is where an app may read: its own folder or a
// shared one.
func (s *snapshot) allowed(name string) bool {
	if strings.HasPrefix(name, s.folder+"/") {
		return true
	}
	for dir := path.Dir(s.folder); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok && strings.HasPrefix(rest, "_") {
			return true
		}
	}
	return false
}

var extensions = []string{".tsx", ".ts", ".jsx", ".js", ".mjs", ".css", ".json"}

// probe finds the file that an import of name means, as Vite would.
func (s *snapshot) probe(name string) (string, error) {
	if !s.allowed(name + "/") {
		return "", fmt.Errorf("%s lies outside this app; an app reads its own folder and the shared ones beside it, whose names begin with _", name)
	}
	try := []string{name}
	for _, e := range extensions {
		try = append(try, name+e)
	}
	if stem, ok := strings.CutSuffix(name, ".js"); ok { // TypeScript's habit
		try = append(try, stem+".ts", stem+".tsx")
	}
	if stem, ok := strings.CutSuffix(name, ".jsx"); ok {
		try = append(try, stem+".tsx")
	}
	for _, e := range extensions {
		try = append(try, name+"/index"+e)
	}
	for _, t := range try {
		if _, ok := s.files[t]; ok {
			return t, nil
		}
	}
	return "", fmt.Errorf("there is no file %s in this app%s", shortPath(name, s.folder), s.suggest(name))
}

func (s *snapshot) suggest(name string) string {
	var names []string
	for f := range s.files {
		names = append(names, strings.TrimSuffix(f, path.Ext(f)))
	}
	slices.Sort(names)
	if n := Nearest(name, names); n != "" {
		return "; did you mean " + shortPath(n, s.folder) + "?"
	}
	return ""
}
