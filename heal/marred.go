package heal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"

	"matrixos/disk"
	"matrixos/sys"
)

// mark is damage that a file of an app still has, whether or not a check fails for it.
type mark struct {
	file  sys.Path
	words string
	bytes []byte // of the file, as it is
}

// mostByHand bounds how many changes by hand are looked at for damage.
const mostByHand = 40

// marred holds an app to having no damaged files: what no check looks at, such as a style, is
// found all the same. Only what came with a change by hand is looked at, for that is how
// the disk takes what it finds in the live folder.
func (h *Healer) marred(ctx context.Context, c *run, view *disk.View) error {
	list, err := h.history(ctx, c.roots)
	if err != nil {
		return err
	}
	looked, seen := 0, map[sys.Path]bool{}
	for i := len(list) - 1; i > 0 && looked < mostByHand; i-- {
		if list[i].Kind != sys.ByOwner {
			continue
		}
		looked++
		before, err := h.o.Disk.View(list[i-1].ID)
		if err != nil {
			return err
		}
		after, err := h.o.Disk.View(list[i].ID)
		if err != nil {
			return err
		}
		if err := c.compare(view, before, after, seen); err != nil {
			return err
		}
	}
	if len(c.marks) > 0 {
		c.judge = stricter{c.judge, c.marksIn}
	}
	return nil
}

// compare adds the marks of what one landing did to files that are now as it left them.
func (c *run) compare(now, before, after *disk.View, seen map[sys.Path]bool) error {
	for _, root := range c.roots {
		err := fs.WalkDir(now, root, func(name string, d fs.DirEntry, err error) error {
			p := sys.Path(name)
			if err != nil || d.IsDir() || seen[p] {
				return err
			}
			was, is := before.Hash(p), after.Hash(p)
			if was == is || is != now.Hash(p) {
				return nil
			}
			seen[p] = true
			if was == "" || is == "" {
				return nil // it came with it
			}
			text, err := fs.ReadFile(now, name)
			if err != nil {
				return err
			}
			old, err := fs.ReadFile(before, name)
			if err != nil {
				return err
			}
			if words := Damaged(old, text); words != "" {
				c.marks = append(c.marks, mark{p, words, text})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// marked is the mark that a failure is of; ok is false if it is of none.
func (c *run) marked(f failure) (mark, bool) {
	i := slices.IndexFunc(c.marks, func(m mark) bool { return f.name == "" && f.file == m.file && f.words == m.words })
	if i < 0 {
		return mark{}, false
	}
	return c.marks[i], true
}

// perhaps reports whether what seems to be damage may be the owner's hand: bytes are gone, and
// nothing fails for it.
func (c *run) perhaps(f failure, r *sys.ContractReport) bool {
	m, ok := c.marked(f)
	return ok && (m.words == cutShort || m.words == emptied) && len(failures(r)) == 1
}

// marksIn tells which files of a tree are damaged, those that are faulty anyway excepted.
func (c *run) marksIn(tree fs.FS, _ sys.Path, r *sys.ContractReport) (out []sys.Diagnostic, err error) {
	for _, m := range c.marks {
		text, err := fs.ReadFile(tree, string(m.file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		known := slices.ContainsFunc(r.Faults, func(d sys.Diagnostic) bool { return d.File == m.file })
		if !known && bytes.Equal(text, m.bytes) {
			out = append(out, sys.Diagnostic{Severity: "error", File: m.file, Line: 1, Text: m.words})
		}
	}
	return out, nil
}
