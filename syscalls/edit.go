package syscalls

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"matrixos/kernel"
	"matrixos/sys"
)

type editIn struct {
	File string `json:"file_path"`
	Old  string `json:"old_string"`
	New  string `json:"new_string"`
	All  bool   `json:"replace_all"`
}

func edit(o Options) kernel.Syscall {
	return define("Edit", false, []string{"file_path", "old_string", "new_string"}, `
		"file_path":{"type":"string"},
		"old_string":{"type":"string","minLength":1},
		"new_string":{"type":"string"},
		"replace_all":{"type":"boolean"}`,
		func(in editIn) string { return "Editing " + code(path.Base(in.File)) },
		func(ctx context.Context, c *kernel.Call, in editIn) (string, error) {
			p, root, err := target(ctx, c, in.File)
			if err != nil {
				return "", err
			}
			defer root.Close()
			text, err := load(root.FS(), p)
			if err != nil {
				return "", err
			}
			if !c.Fresh(p, text) {
				return "", stale("edit", p)
			}
			next, n, how, err := replace(string(text), in)
			if err != nil {
				return "", &sys.Error{Op: "edit", Path: string(p), Kind: sys.Invalid, Err: err}
			}
			if err := put(root, p, []byte(next)); err != nil {
				return "", err
			}
			c.Saw(p, []byte(next))
			return fmt.Sprintf("Replaced %s in %s%s.%s", count(n, "place"), p, how, findings(ctx, c, o, root, p)), nil
		})
}

// replace exchanges old for new in text: exactly, or, when old is not there to
// the letter, where only white space at the ends of lines and their indentation
// differs. Unless in.All, the place must be unique.
func replace(text string, in editIn) (next string, n int, how string, err error) {
	if in.Old == in.New {
		return "", 0, "", errors.New("old_string and new_string are the same")
	}
	once := strings.Index(text, in.Old) == strings.LastIndex(text, in.Old) // "aa" stands in "aaa" twice
	switch n = strings.Count(text, in.Old); {
	case n == 1 && once || n > 0 && in.All:
		return strings.ReplaceAll(text, in.Old, in.New), n, "", nil
	case n > 0 && !once:
		n = max(n, 2)
		return "", 0, "", fmt.Errorf("old_string stands in it %d times; give more of its surroundings, or replace_all", n)
	}
	from, to, n := loosely(text, in.Old)
	switch n {
	case 0:
		return "", 0, "", errors.New("old_string is not in it; Read it again")
	case 1:
		return text[:from] + in.New + text[to:], 1, " (white space differed)", nil
	}
	return "", 0, "", fmt.Errorf("old_string is not in it to the letter, and %d places differ only in white space; give more of its surroundings", n)
}

// loosely finds old in text by whole lines, white space at both ends ignored.
// It returns the first place and how many there are.
func loosely(text, old string) (from, to, n int) {
	want := strings.Split(strings.Trim(old, "\n"), "\n")
	if strings.TrimSpace(old) == "" {
		return 0, 0, 0
	}
	lines := strings.SplitAfter(text, "\n")
	offset := 0
	for i := range lines {
		if i+len(want) <= len(lines) && same(lines[i:i+len(want)], want) {
			if n++; n == 1 {
				from, to = offset, offset
				for _, l := range lines[i : i+len(want)] {
					to += len(l)
				}
				if !strings.HasSuffix(old, "\n") && strings.HasSuffix(text[from:to], "\n") {
					to--
				}
			}
		}
		offset += len(lines[i])
	}
	return from, to, n
}

func same(have, want []string) bool {
	for i := range want {
		if strings.TrimSpace(have[i]) != strings.TrimSpace(want[i]) {
			return false
		}
	}
	return true
}
