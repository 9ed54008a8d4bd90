package disk

import (
	"fmt"
	"path"
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
	ID    string // under which the refused work is kept (Conflicts); "" if it is not
	Files []ConflictFile
	Stale []sys.Path      // of a strict landing: read, and changed since; Files is empty then
	Since []sys.LandingID // of an undo: later landings that changed these files
}

// ConflictFile is one file in conflict: as it was before both, as it is now, and
// as it was to become. A nil side has no such file.
type ConflictFile struct {
	Path               sys.Path
	Base, Ours, Theirs []byte
	Binary             bool
	Rows               []rows.Conflict // of a database, which the sides then show as text
}

// Patches shows what each side did to the base, as unified diffs: ours what is in
// the home now, theirs what was refused. Both are empty if the file is binary.
func (f ConflictFile) Patches() (ours, theirs string) {
	if f.Binary {
		return "", ""
	}
	from := func(side []byte) string {
		if side == nil {
			return "/dev/null"
		}
		return string(f.Path)
	}
	return merge.Patch(from(f.Base), from(f.Ours), f.Base, f.Ours), merge.Patch(from(f.Base), from(f.Theirs), f.Base, f.Theirs)
}

// Error names the files.
func (e *ConflictError) Error() string {
	var paths []sys.Path
	for _, f := range e.Files {
		paths = append(paths, f.Path)
	}
	switch {
	case len(e.Stale) > 0:
		return fmt.Sprintf("%s: read, and changed by somebody else since: %s", e.Op, listed(e.Stale))
	case e.Op == "undo":
		return "undo: later changes build on it in " + listed(paths)
	}
	return fmt.Sprintf("%s: somebody else has changed the same places since, in %s", e.Op, listed(paths))
}

// listed names a few of many.
func listed[T ~string](all []T) string {
	var names []string
	for _, a := range all[:min(len(all), 5)] {
		names = append(names, string(a))
	}
	if n := len(all) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// Unwrap makes it an error of kind Conflict with a way out.
func (e *ConflictError) Unwrap() error {
	hint := "read these files as they are now, put both changes into one version, and land again"
	switch {
	case len(e.Stale) > 0:
		hint = "read them again as they are now, and land again if your change still holds"
	case e.Op == "undo" && len(e.Since) > 0:
		var ids []string
		for _, id := range e.Since {
			ids = append(ids, id.String())
		}
		hint = "undo " + listed(ids) + " first, or take back only what nothing builds on with --partial, or edit the files by hand"
	case e.Op == "undo":
		hint = "take back only what nothing builds on with --partial, or edit the files by hand"
	case e.Op == "resolve":
		hint = "look at it again with `matrixos conflicts show " + e.ID + "` and decide anew"
	}
	return &sys.Error{Op: e.Op, Kind: sys.Conflict, Err: fmt.Errorf("%d files", len(e.Files)+len(e.Stale)), Hint: hint}
}

// merger joins a set of changes with what a tree has become since.
type merger struct {
	binary  sys.ConflictChoice // what to do where binary files clash; "" is a conflict
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
	if !ok && (merge.Binary(text[0]) || merge.Binary(text[1]) || merge.Binary(text[2])) {
		return m.choose(c, now)
	}
	if !ok {
		return m.conflict(c, now)
	}
	m.merged = append(m.merged, c.path)
	if n := (git.Node{Mode: mode, Hash: m.objects.add(git.NewObject(git.Blob, out))}); n != now {
		m.changes = append(m.changes, change{c.path, now, n})
	}
	return nil
}

// choose settles a clash of binary files as the landing said it should.
func (m *merger) choose(c change, now git.Node) error {
	switch m.binary {
	case sys.ChooseOurs:
		m.merged = append(m.merged, c.path)
	case sys.ChooseTheirs:
		m.merged = append(m.merged, c.path)
		m.changes = append(m.changes, change{c.path, now, c.new})
	case sys.ChooseBoth:
		m.merged = append(m.merged, c.path)
		path, err := m.freeName(c.path)
		if err != nil {
			return err
		}
		m.changes = append(m.changes, change{path: path, new: c.new})
	case sys.ChooseFile:
		return &sys.Error{Op: "land", Path: c.path, Kind: sys.Invalid, Hint: "a landing chooses ours, theirs or both"}
	default:
		return m.conflict(c, now)
	}
	return nil
}

// freeName returns a name beside path that nothing has: "chart (2).png".
func (m *merger) freeName(name string) (string, error) {
	ext := path.Ext(name)
	for i := 2; ; i++ {
		try := fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), i, ext)
		n, err := m.objects.lookup(m.head, try)
		if err != nil || n.IsZero() {
			return try, err
		}
	}
}

// cleared reports whether this set removes all files of a folder.
func (m *merger) cleared(folderPath string, folder git.Node) (bool, error) {
	free := true
	err := m.objects.walk(folder.Hash, folderPath+"/", func(p string, _ git.Node) error {
		free = free && m.blocked[p]
		return nil
	})
	return free, err
}

// fileAbove reports whether a file that stays is where path needs a folder.
func (m *merger) fileAbove(file string) (bool, error) {
	for dir, _ := split(file); dir != ""; dir, _ = split(dir) {
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
