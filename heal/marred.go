package heal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// mark is damage that a file of an app still has, whether or not a check fails for it.
type mark struct {
	file  sys.Path
	words string
	bytes []byte // of the file, as it is; nil if it is gone
	at    found  // where it came
}

// deleted is what a report says of a file that the app is another without.
const deleted = "it was deleted, and the app is another without it"

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
		at := found{list[i], list[i-1].ID, i == len(list)-1}
		if err := c.compare(view, before, after, at, seen); err != nil {
			return err
		}
		if err := h.missing(ctx, c, view, list[i:], before, seen); err != nil {
			return err
		}
	}
	if len(c.marks) > 0 {
		c.judge = stricter{c.judge, c.marksIn}
	}
	return nil
}

// compare adds the marks of what one landing did to files that are now as it left them.
func (c *run) compare(now, before, after *disk.View, at found, seen map[sys.Path]bool) error {
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
				c.marks = append(c.marks, mark{p, words, text, at})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// missing adds the marks of files that the first of some landings took away and did nothing
// else to the app, which are gone since, and without which the app is built to something
// else: what a tidy owner and a failing disk both do.
func (h *Healer) missing(ctx context.Context, c *run, now *disk.View, since []sys.LandingInfo, before *disk.View, seen map[sys.Path]bool) error {
	var views []*disk.View
	for _, l := range since {
		view, err := h.o.Disk.View(l.ID)
		if err != nil {
			return err
		}
		views = append(views, view)
	}
	if views[0].Hash(c.folder+"/"+app.ManifestName) == "" {
		return nil // all of the app was removed: this one is another
	}
	files, err := c.deletions(before, views[0])
	if err != nil || len(files) == 0 {
		return err
	}
	is, _, err := c.judge.Print(ctx, now, c.folder, "")
	if err != nil {
		return err
	}
	at := found{since[0], before.Landing(), len(since) == 1}
	for _, p := range files {
		there := slices.ContainsFunc(append(views, now), func(v *disk.View) bool { return v.Hash(p) != "" })
		if there || seen[p] || p == c.folder+"/"+contractName || p == c.folder+"/"+app.ManifestName {
			continue
		}
		seen[p] = true
		text, err := fs.ReadFile(before, string(p))
		if err != nil {
			return err
		}
		was, _, err := c.judge.Print(ctx, patched{now, map[string][]byte{string(p): text}}, c.folder, "")
		if err != nil {
			return err
		}
		if is == "" || was != is {
			c.marks = append(c.marks, mark{p, deleted, nil, at})
		}
	}
	return nil
}

// deletions are the files of an app that a landing deleted; none if it did anything else to it.
func (c *run) deletions(before, after *disk.View) (out []sys.Path, err error) {
	other := false
	for _, root := range c.roots {
		for _, tree := range []*disk.View{before, after} {
			err = fs.WalkDir(tree, root, func(name string, d fs.DirEntry, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				if err != nil || d.IsDir() {
					return err
				}
				was, is := before.Hash(sys.Path(name)), after.Hash(sys.Path(name))
				other = other || is != "" && was != is
				if is == "" {
					out = append(out, sys.Path(name))
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	if other {
		return nil, nil
	}
	return out, nil
}

// marked is the mark that a failure is of; ok is false if it is of none.
func (c *run) marked(f failure) (mark, bool) {
	i := slices.IndexFunc(c.marks, func(m mark) bool { return f.name == "" && f.file == m.file && f.words == m.words })
	if i < 0 {
		return mark{}, false
	}
	return c.marks[i], true
}

// ofDeletion reports whether a failure is that a file was deleted.
func (c *run) ofDeletion(f failure) bool {
	m, ok := c.marked(f)
	return ok && m.words == deleted
}

// perhaps reports whether what seems to be damage may be the owner's hand: a file or bytes of
// it are gone, and nothing fails for it.
func (c *run) perhaps(f failure, r *sys.ContractReport) bool {
	m, ok := c.marked(f)
	return ok && (m.words == deleted || (m.words == cutShort || m.words == emptied) && len(failures(r)) == 1)
}

// marksIn tells which files of a tree are damaged, those that are faulty anyway excepted.
func (c *run) marksIn(tree fs.FS, _ sys.Path, r *sys.ContractReport) (out []sys.Diagnostic, err error) {
	for _, m := range c.marks {
		text, err := fs.ReadFile(tree, string(m.file))
		if errors.Is(err, fs.ErrNotExist) {
			if m.bytes == nil && len(r.Faults) == 0 { // one that fails for it comes first
				out = append(out, sys.Diagnostic{Severity: "error", File: m.file, Text: m.words})
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		known := slices.ContainsFunc(r.Faults, func(d sys.Diagnostic) bool { return d.File == m.file })
		if !known && m.bytes != nil && bytes.Equal(text, m.bytes) {
			out = append(out, sys.Diagnostic{Severity: "error", File: m.file, Line: 1, Text: m.words})
		}
	}
	return out, nil
}
