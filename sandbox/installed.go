package sandbox

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Installed is a program of the owner's that is to run confined, wherever it is
// installed.
type Installed struct {
	Path  string   // to start
	Binds []Bind   // what it needs to see of where it is
	Dirs  []string // to look for programs in, before the usual ones
}

// FindInstalled looks at a program: a file by itself, or a script of a package of
// npm, which needs its interpreter and the packages beside it. It runs nothing.
func FindInstalled(path string) (Installed, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Installed{}, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return Installed{}, err
	}
	found := Installed{Path: real, Binds: []Bind{{Path: packages(real)}}}
	interpreter, err := interpreterOf(real)
	if err != nil || interpreter == "" {
		return found, err
	}
	at, err := filepath.EvalSymlinks(interpreter)
	if err != nil {
		return Installed{}, err
	}
	found.Binds = append(found.Binds, Bind{Path: at})
	if name := filepath.Base(interpreter); name == filepath.Base(at) {
		found.Dirs = append(found.Dirs, filepath.Dir(at))
	}
	return found, nil
}

// packages is the outermost folder of npm's that a file is in, or the file.
func packages(file string) string {
	const folder = string(filepath.Separator) + "node_modules" + string(filepath.Separator)
	if i := strings.Index(file, folder); i >= 0 {
		return file[:i+len(folder)-1]
	}
	return file
}

// interpreterOf is the program that a script's first line names, "" if it is none.
func interpreterOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	line, ok := bytes.CutPrefix(head[:n], []byte("#!"))
	if !ok {
		return "", nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) > 0 && filepath.Base(words[0]) == "env" {
		words = words[1:]
		for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=")) {
			words = words[1:]
		}
		if len(words) > 0 {
			return exec.LookPath(words[0])
		}
	}
	if len(words) == 0 {
		return "", nil
	}
	return words[0], nil
}
