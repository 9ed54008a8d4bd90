package syscalls

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"matrixos/kernel"
	"matrixos/sys"
)

// most is how many paths or lines one search returns.
const most = 400

type globIn struct {
	Pattern string `json:"pattern"`
	Path    string `json:"path"`
}

func glob() kernel.Syscall {
	return define("Glob", true, []string{"pattern"}, `
		"pattern":{"type":"string","description":"such as apps/**/*.tsx"},
		"path":{"type":"string","description":"the folder to look in; the home if absent"}`,
		func(in globIn) string { return "Listing " + code(in.Pattern) },
		func(ctx context.Context, c *kernel.Call, in globIn) (string, error) {
			tree, dir, err := folder(ctx, c, in.Path)
			if err != nil {
				return "", err
			}
			pattern := path.Join(dir, strings.TrimPrefix(in.Pattern, "~/"))
			if !doublestar.ValidatePattern(pattern) {
				return "", &sys.Error{Op: "list", Path: in.Pattern, Kind: sys.Invalid, Hint: "write a pattern such as apps/**/*.tsx"}
			}
			var found []string
			err = doublestar.GlobWalk(tree, pattern, func(p string, d fs.DirEntry) error {
				if !d.IsDir() && !hidden(p) {
					found = append(found, p)
				}
				return ctx.Err()
			})
			if err != nil {
				return "", err
			}
			c.Searched(under(globRoot(pattern)))
			slices.Sort(found)
			c.Shows(paths(found)...)
			if len(found) == 0 {
				return "No files.", nil
			}
			return listing(found), nil
		})
}

// hidden tells what searches pass over: the disk's own, and git's.
func hidden(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return first == sys.Store || first == ".git"
}

// folder resolves the folder argument of a search.
func folder(ctx context.Context, c *kernel.Call, dir string) (fs.FS, string, error) {
	tree, err := c.Tree(ctx)
	if err != nil {
		return nil, "", err
	}
	if dir == "" || dir == "." || dir == "~" || dir == "~/" {
		return tree, ".", nil
	}
	p, err := sys.ParsePath(dir)
	return tree, string(p), err
}

func paths(names []string) []sys.Path {
	out := make([]sys.Path, len(names))
	for i, n := range names {
		out[i] = sys.Path(n)
	}
	return out
}

// under names the home as the read set does.
func under(dir string) sys.Path {
	if dir == "." {
		return ""
	}
	return sys.Path(dir)
}

// globRoot is the folder in which everything that a pattern matches lies.
func globRoot(pattern string) string {
	root, _ := doublestar.SplitPattern(pattern)
	return root
}

func listing(lines []string) string {
	if len(lines) <= most {
		return strings.Join(lines, "\n")
	}
	return strings.Join(lines[:most], "\n") + fmt.Sprintf("\n(%d more; narrow the search)", len(lines)-most)
}

type grepIn struct {
	Pattern string `json:"pattern"`
	Path    string `json:"path"`
	Glob    string `json:"glob"`
	Mode    string `json:"output_mode"`
	Fold    bool   `json:"-i"`
	Numbers bool   `json:"-n"`
	After   int    `json:"-A"`
	Before  int    `json:"-B"`
	Around  int    `json:"-C"`
	Head    int    `json:"head_limit"`
}

func grep() kernel.Syscall {
	return define("Grep", true, []string{"pattern"}, `
		"pattern":{"type":"string","description":"a regular expression (RE2)"},
		"path":{"type":"string","description":"a file or folder; the home if absent"},
		"glob":{"type":"string","description":"only files that match, such as *.tsx"},
		"output_mode":{"type":"string","enum":["files_with_matches","content","count"]},
		"-i":{"type":"boolean","description":"ignore case"},
		"-n":{"type":"boolean","description":"line numbers"},
		"-A":{"type":"integer","minimum":0},"-B":{"type":"integer","minimum":0},"-C":{"type":"integer","minimum":0},
		"head_limit":{"type":"integer","minimum":1}`,
		func(in grepIn) string { return "Searching for " + code(in.Pattern) },
		func(ctx context.Context, c *kernel.Call, in grepIn) (string, error) {
			expr := "(?m)" + in.Pattern
			if in.Fold {
				expr = "(?i)" + expr
			}
			re, err := regexp.Compile(expr)
			if err != nil {
				return "", &sys.Error{Op: "search for", Path: in.Pattern, Kind: sys.Invalid, Err: err, Hint: "it is a regular expression; write \\( for a bracket"}
			}
			tree, dir, err := folder(ctx, c, in.Path)
			if err != nil {
				return "", err
			}
			out, matched, err := search(ctx, tree, dir, in, re)
			if err != nil {
				return "", err
			}
			c.Shows(matched...)
			c.Searched(under(dir))
			if in.Head > 0 && len(out) > in.Head {
				out = out[:in.Head]
			}
			if len(out) == 0 {
				return "No matches.", nil
			}
			return listing(out), nil
		})
}

// search walks the tree and returns the lines of the result, and the files that
// have some.
func search(ctx context.Context, tree fs.FS, dir string, in grepIn, re *regexp.Regexp) ([]string, []sys.Path, error) {
	var out []string
	var matched []sys.Path
	err := fs.WalkDir(tree, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && p == dir:
			return &sys.Error{Op: "search", Path: dir, Kind: sys.NotFound, Hint: near(tree, sys.Path(dir))}
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && hidden(p):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		if in.Glob != "" {
			if ok, err := doublestar.Match(in.Glob, path.Base(p)); err != nil || !ok {
				if ok, err = doublestar.Match(in.Glob, p); err != nil || !ok {
					return nil //nolint:nilerr // a bad pattern matches nothing
				}
			}
		}
		info, err := d.Info()
		if err != nil || info.Size() > maxFile {
			return err
		}
		text, err := fs.ReadFile(tree, p)
		if err != nil || !utf8.Valid(text) {
			return err
		}
		if lines := matches(p, text, in, re); len(lines) > 0 {
			out, matched = append(out, lines...), append(matched, sys.Path(p))
		}
		return nil
	})
	return out, matched, err
}

// matches is what one file adds to the result.
func matches(p string, text []byte, in grepIn, re *regexp.Regexp) []string {
	if !re.Match(text) {
		return nil
	}
	if in.Mode == "" || in.Mode == "files_with_matches" {
		return []string{p}
	}
	lines := strings.Split(string(bytes.TrimSuffix(text, []byte("\n"))), "\n")
	var hits []int
	for i, l := range lines {
		if re.MatchString(l) {
			hits = append(hits, i)
		}
	}
	if in.Mode == "count" {
		return []string{fmt.Sprintf("%s:%d", p, len(hits))}
	}
	before, after := cmp.Or(in.Before, in.Around), cmp.Or(in.After, in.Around)
	var out []string
	done := -1
	for _, h := range hits {
		for i := max(done+1, h-before); i <= min(h+after, len(lines)-1); i++ {
			mark := ":"
			if !re.MatchString(lines[i]) {
				mark = "-"
			}
			l := lines[i]
			if len(l) > maxLine {
				l = strings.ToValidUTF8(l[:maxLine], "") + "…"
			}
			if in.Numbers {
				out = append(out, fmt.Sprintf("%s%s%d%s%s", p, mark, i+1, mark, l))
			} else {
				out = append(out, p+mark+l)
			}
			done = i
		}
	}
	return out
}
