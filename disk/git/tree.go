package git

import (
	"bytes"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

// Mode is the mode of a tree entry, as git writes it.
type Mode uint32

// The modes that a home has.
const (
	File       Mode = 0o100644
	Executable Mode = 0o100755
	Symlink    Mode = 0o120000
	Folder     Mode = 0o40000
	Submodule  Mode = 0o160000
)

// FS returns the mode as package fs has it.
func (m Mode) FS() fs.FileMode {
	switch m {
	case Executable:
		return 0o755
	case Symlink:
		return fs.ModeSymlink | 0o777
	case Folder:
		return fs.ModeDir | 0o755
	case Submodule:
		return fs.ModeDir | fs.ModeIrregular | 0o755
	case File:
	}
	return 0o644
}

// Entry is one name in a folder.
type Entry struct {
	Name string
	Node
}

// Node is what a name stands for: content and mode. The zero Node means that
// there is nothing.
type Node struct {
	Mode Mode
	Hash Hash
}

// IsZero reports whether there is nothing.
func (n Node) IsZero() bool { return n.Hash.IsZero() }

// IsFolder reports whether n is a folder.
func (n Node) IsFolder() bool { return n.Mode == Folder }

// ParseTree reads the data of a tree object. It accepts only names that can be
// files of one folder, each once.
func ParseTree(data []byte) ([]Entry, error) {
	var entries []Entry
	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		if space < 1 || space > 6 {
			return nil, fmt.Errorf("%w: tree without a mode", ErrCorrupt)
		}
		var mode Mode
		for _, c := range data[:space] {
			if c < '0' || c > '7' {
				return nil, fmt.Errorf("%w: tree mode %q", ErrCorrupt, data[:space])
			}
			mode = mode<<3 | Mode(c-'0')
		}
		data = data[space+1:]
		end := bytes.IndexByte(data, 0)
		if end < 1 || len(data) < end+1+len(Hash{}) {
			return nil, fmt.Errorf("%w: tree entry is cut off", ErrCorrupt)
		}
		name := string(data[:end])
		if strings.Contains(name, "/") || name == "." || name == ".." {
			return nil, fmt.Errorf("%w: tree entry %q", ErrCorrupt, name)
		}
		e := Entry{Name: name, Node: Node{Mode: mode, Hash: Hash(data[end+1 : end+1+len(Hash{})])}}
		if k := len(entries); k > 0 && sortKey(entries[k-1]) >= sortKey(e) {
			return nil, fmt.Errorf("%w: tree entry %q is out of order", ErrCorrupt, name)
		}
		entries = append(entries, e)
		data = data[end+1+len(Hash{}):]
	}
	return entries, nil
}

// sortKey orders folders as if their name ended in a slash, as git does.
func sortKey(e Entry) string {
	if e.Mode == Folder {
		return e.Name + "/"
	}
	return e.Name
}

// EncodeTree returns the tree object of entries, in git's order.
func EncodeTree(entries []Entry) Object {
	entries = append([]Entry(nil), entries...)
	sort.Slice(entries, func(i, k int) bool { return sortKey(entries[i]) < sortKey(entries[k]) })
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00", uint32(e.Mode), e.Name)
		b.Write(e.Hash[:])
	}
	return NewObject(Tree, b.Bytes())
}

// Find returns the node called name.
func Find(entries []Entry, name string) Node {
	for i := range entries {
		if entries[i].Name == name {
			return entries[i].Node
		}
	}
	return Node{}
}
