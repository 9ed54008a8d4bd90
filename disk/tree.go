package disk

import (
	"slices"
	"strings"

	"matrixos/disk/git"
	"matrixos/sys"
)

// change is what happens to one file: from old to new; a zero node is no file.
type change struct {
	path     string
	old, new git.Node
}

func (c change) public() sys.Change {
	op := sys.Modified
	switch {
	case c.old.IsZero():
		op = sys.Added
	case c.new.IsZero():
		op = sys.Deleted
	}
	return sys.Change{Path: sys.Path(c.path), Op: op}
}

func sortChanges(changes []change) {
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.path, b.path) })
}

// objects is the repository and what a landing that is being made adds to it.
// A set of fresh objects belongs to one goroutine until it is handed on.
type objects struct {
	repo  *git.Repo
	fresh map[git.Hash]git.Object
}

func (d *Disk) objects() objects {
	return objects{d.repo, map[git.Hash]git.Object{}}
}

// add keeps content as a fresh object.
func (o objects) add(obj git.Object) git.Hash {
	o.fresh[obj.Hash] = obj
	return obj.Hash
}

func (o objects) tree(h git.Hash) ([]git.Entry, error) {
	if obj, ok := o.fresh[h]; ok {
		return git.ParseTree(obj.Data)
	}
	return o.repo.Tree(h)
}

func (o objects) content(h git.Hash) ([]byte, error) {
	if h.IsZero() {
		return nil, nil
	}
	if obj, ok := o.fresh[h]; ok {
		return obj.Data, nil
	}
	return o.repo.Content(h)
}

// lookup returns the node at a path of a tree; zero if there is none. The empty
// path is the tree itself.
func (o objects) lookup(tree git.Hash, path string) (git.Node, error) {
	at := git.Node{Mode: git.Folder, Hash: tree}
	for path != "" {
		if !at.IsFolder() || at.IsZero() {
			return git.Node{}, nil
		}
		entries, err := o.tree(at.Hash)
		if err != nil {
			return git.Node{}, err
		}
		var name string
		name, path, _ = strings.Cut(path, "/")
		at = git.Find(entries, name)
	}
	return at, nil
}

// file is lookup for what is not a folder.
func (o objects) file(tree git.Hash, path string) (git.Node, error) {
	n, err := o.lookup(tree, path)
	if n.IsFolder() {
		n = git.Node{}
	}
	return n, err
}

// walk calls fn for each file of a tree, in order; prefix is "" or ends in "/".
func (o objects) walk(tree git.Hash, prefix string, fn func(path string, n git.Node) error) error {
	entries, err := o.tree(tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsFolder() {
			err = o.walk(e.Hash, prefix+e.Name+"/", fn)
		} else {
			err = fn(prefix+e.Name, e.Node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// diff appends what changed from one tree to another, in no order, skipping equal
// folders.
func (o objects) diff(from, to git.Hash, prefix string, out *[]change) error {
	if from == to {
		return nil
	}
	before, err := o.tree(from)
	if err != nil {
		return err
	}
	after, err := o.tree(to)
	if err != nil {
		return err
	}
	names := map[string][2]git.Node{}
	for side, entries := range [2][]git.Entry{before, after} {
		for _, e := range entries {
			n := names[e.Name]
			n[side] = e.Node
			names[e.Name] = n
		}
	}
	for name, both := range names {
		var folders [2]git.Hash
		for i, n := range both {
			if n.IsFolder() {
				folders[i], both[i] = n.Hash, git.Node{}
			}
		}
		if both[0] != both[1] {
			*out = append(*out, change{prefix + name, both[0], both[1]})
		}
		if err := o.diff(folders[0], folders[1], prefix+name+"/", out); err != nil {
			return err
		}
	}
	return nil
}

// update applies changes to a tree and returns the new one, whose objects are
// fresh. A folder without files does not exist; the zero Hash is an empty tree.
func (o objects) update(tree git.Hash, changes []change) (git.Hash, error) {
	set := make(map[string]git.Node, len(changes))
	for _, c := range changes {
		if c.new.IsZero() { // additions win where a file gives way to a folder or back
			if _, ok := set[c.path]; ok {
				continue
			}
		}
		set[c.path] = c.new
	}
	return o.updateSet(tree, set)
}

func (o objects) updateSet(tree git.Hash, set map[string]git.Node) (git.Hash, error) {
	entries, err := o.tree(tree)
	if err != nil {
		return git.Hash{}, err
	}
	names := make(map[string]git.Node, len(entries)+len(set))
	for _, e := range entries {
		names[e.Name] = e.Node
	}
	below := map[string]map[string]git.Node{}
	for path, n := range set {
		name, rest, nested := strings.Cut(path, "/")
		switch {
		case nested:
			if below[name] == nil {
				below[name] = map[string]git.Node{}
			}
			below[name][rest] = n
		case !n.IsZero():
			names[name] = n
		case !names[name].IsFolder():
			delete(names, name)
		}
	}
	for name, set := range below {
		var sub git.Hash
		at := names[name]
		if at.IsFolder() {
			sub = at.Hash
		}
		if sub, err = o.updateSet(sub, set); err != nil {
			return git.Hash{}, err
		}
		switch {
		case !sub.IsZero():
			names[name] = git.Node{Mode: git.Folder, Hash: sub}
		case at.IsFolder():
			delete(names, name)
		}
	}
	if len(names) == 0 {
		return git.Hash{}, nil
	}
	out := make([]git.Entry, 0, len(names))
	for name, n := range names {
		out = append(out, git.Entry{Name: name, Node: n})
	}
	return o.add(git.EncodeTree(out)), nil
}
