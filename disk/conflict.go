package disk

import (
	"fmt"
	"strings"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// ConflictError says that a landing, or an undo, and what landed since have
// changed the same places differently. Nothing was changed by it.
type ConflictError struct {
	Op    string // "land" or "undo"
	Files []ConflictFile
}

// ConflictFile is one file in conflict: as it was before both, as it is now, and
// as it was to become. A nil side has no such file.
type ConflictFile struct {
	Path               sys.Path
	Base, Ours, Theirs []byte
	Binary             bool
	Rows               []rows.Conflict // of a database, which the sides then show as text
}

// Error names the files.
func (e *ConflictError) Error() string {
	var names []string
	for _, f := range e.Files {
		names = append(names, string(f.Path))
	}
	if len(names) > 5 {
		names = append(names[:5], fmt.Sprintf("%d more", len(e.Files)-5))
	}
	return fmt.Sprintf("%s: changed differently in the meantime: %s", e.Op, strings.Join(names, ", "))
}

// Unwrap makes it an error of kind Conflict with a way out.
func (e *ConflictError) Unwrap() error {
	hint := "read these files as they are now, put both changes into one version, and land again"
	if e.Op == "undo" {
		hint = "later changes build on it; undo those first, or edit the files by hand"
	}
	return &sys.Error{Op: e.Op, Kind: sys.Conflict, Err: fmt.Errorf("%d files", len(e.Files)), Hint: hint}
}

// merger joins a set of changes with what a tree has become since.
type merger struct {
	objects objects
	head    git.Hash
	changes []change // what remains to be done to head
	merged  []string
	stale   []string
	files   []ConflictFile
	blocked map[string]bool // paths that this set itself removes
}

// joinAll merges changes into head, whole.
func (m *merger) joinAll(changes []change) error {
	m.blocked = map[string]bool{}
	for _, c := range changes {
		if c.new.IsZero() {
			m.blocked[c.path] = true
		}
	}
	for _, c := range changes {
		if err := m.join(c); err != nil {
			return err
		}
	}
	return nil
}

// join merges one file: c.old is where it started, c.new what it should become.
func (m *merger) join(c change) error {
	now, err := m.objects.lookup(m.head, c.path)
	if err != nil {
		return err
	}
	if now.IsFolder() {
		if c.new.IsZero() {
			return nil // the file has given way to a folder
		}
		free, err := m.cleared(c.path, now)
		if err != nil {
			return err
		}
		if !free {
			return m.conflict(c, git.Node{})
		}
		now = git.Node{}
	}
	if !c.new.IsZero() {
		if up, err := m.fileAbove(c.path); err != nil {
			return err
		} else if up {
			return m.conflict(c, git.Node{})
		}
	}
	switch {
	case now == c.new:
		return nil
	case now == c.old:
		m.changes = append(m.changes, change{c.path, now, c.new})
		return nil
	case now.IsZero() || c.new.IsZero() || c.old.IsZero(), now.Mode == git.Symlink || c.new.Mode == git.Symlink:
		if !now.IsZero() && !c.new.IsZero() && now.Hash == c.new.Hash {
			return m.mergeContent(c, now) // same content, only the mode differs
		}
		return m.conflict(c, now)
	}
	return m.mergeContent(c, now)
}

func (m *merger) mergeContent(c change, now git.Node) error {
	mode := now.Mode
	if now.Mode == c.old.Mode {
		mode = c.new.Mode
	}
	var text [3][]byte
	for i, n := range []git.Node{c.old, now, c.new} {
		var err error
		if text[i], err = m.objects.content(n.Hash); err != nil {
			return err
		}
	}
	out, ok := merge.Three(c.path, text[0], text[1], text[2])
	if !ok {
		return m.conflict(c, now)
	}
	m.merged = append(m.merged, c.path)
	if n := (git.Node{Mode: mode, Hash: m.objects.add(git.NewObject(git.Blob, out))}); n != now {
		m.changes = append(m.changes, change{c.path, now, n})
	}
	return nil
}

// cleared reports whether this set removes all files of a folder.
func (m *merger) cleared(path string, folder git.Node) (bool, error) {
	free := true
	err := m.objects.walk(folder.Hash, path+"/", func(p string, _ git.Node) error {
		free = free && m.blocked[p]
		return nil
	})
	return free, err
}

// fileAbove reports whether a file that stays is where path needs a folder.
func (m *merger) fileAbove(path string) (bool, error) {
	for dir, _ := split(path); dir != ""; dir, _ = split(dir) {
		n, err := m.objects.lookup(m.head, dir)
		if err != nil {
			return false, err
		}
		if !n.IsZero() {
			return !n.IsFolder() && !m.blocked[dir], nil
		}
	}
	return false, nil
}

func (m *merger) conflict(c change, now git.Node) error {
	f := ConflictFile{Path: sys.Path(c.path)}
	for _, side := range []struct {
		n  git.Node
		to *[]byte
	}{{c.old, &f.Base}, {now, &f.Ours}, {c.new, &f.Theirs}} {
		b, err := m.objects.content(side.n.Hash)
		if err != nil {
			return err
		}
		if !side.n.IsZero() && b == nil {
			b = []byte{}
		}
		*side.to = b
		f.Binary = f.Binary || merge.Binary(b)
	}
	m.files = append(m.files, f)
	return nil
}
