package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"matrixos/sys"
)

// ignoreFile holds the owner's own patterns, in the syntax of .gitignore.
const ignoreFile = ".matrixignore"

// notVersioned is what no history keeps: the store, databases (they are copied
// by other means), what the system writes all the time, and droppings of tools.
const notVersioned = `/data/**/*.sqlite*
/system/conversations/
/system/layout.json
/system/activity.log
node_modules/
.DS_Store
.*.sw?
.#*
4913
`

// ignorer decides which paths are not versioned.
type ignorer struct {
	text  string
	rules []ignoreRule
}

type ignoreRule struct {
	form    *regexp.Regexp
	keep    bool // a pattern that begins with "!"
	folders bool // only folders match
}

// newIgnorer reads patterns, later ones winning over earlier ones.
func newIgnorer(text string) *ignorer {
	ig := &ignorer{text: text}
	for line := range strings.Lines(text) {
		if r, ok := parseIgnore(strings.TrimRight(line, "\r\n")); ok {
			ig.rules = append(ig.rules, r)
		}
	}
	return ig
}

func parseIgnore(p string) (ignoreRule, bool) {
	var r ignoreRule
	for strings.HasSuffix(p, " ") && !strings.HasSuffix(p, `\ `) {
		p = strings.TrimSuffix(p, " ")
	}
	if p == "" || p[0] == '#' {
		return r, false
	}
	if p, r.keep = strings.CutPrefix(p, "!"); p == "" {
		return r, false
	}
	p, r.folders = strings.CutSuffix(p, "/")
	anchored := strings.Contains(p, "/")
	p = strings.TrimPrefix(p, "/")
	if p == "" {
		return r, false
	}
	var re strings.Builder
	re.WriteString(`\A`)
	if !anchored {
		re.WriteString(`(?:.*/)?`)
	}
	for i := 0; i < len(p); {
		i += globPart(&re, p, i)
	}
	form, err := regexp.Compile(re.String() + `\z`)
	r.form = form
	return r, err == nil
}

// globPart translates one element of a pattern at i and returns its length.
func globPart(re *strings.Builder, p string, i int) int {
	rest := p[i:]
	switch {
	case strings.HasPrefix(rest, "**/") && (i == 0 || p[i-1] == '/'):
		re.WriteString(`(?:.*/)?`)
		return 3
	case rest == "**" && i > 0 && p[i-1] == '/':
		re.WriteString(`.+`)
		return 2
	case rest[0] == '*':
		re.WriteString(`[^/]*`)
		return len(rest) - len(strings.TrimLeft(rest, "*"))
	case rest[0] == '?':
		re.WriteString(`[^/]`)
		return 1
	case rest[0] == '[':
		if end := strings.IndexByte(rest[1:], ']') + 1; end > 1 {
			class := strings.ReplaceAll(rest[1:end], `\`, `\\`)
			if not, ok := strings.CutPrefix(class, "!"); ok {
				class = "^/" + not
			}
			re.WriteString("[" + class + "]")
			return end + 1
		}
	case rest[0] == '\\' && len(rest) > 1:
		re.WriteString(regexp.QuoteMeta(rest[1:2]))
		return 2
	}
	re.WriteString(regexp.QuoteMeta(rest[:1]))
	return 1
}

// reserved reports whether path can never be a file of the home: it is, or is
// in, the store or a git repository.
func reserved(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	if strings.EqualFold(first, sys.Store) {
		return true
	}
	for name := range strings.SplitSeq(path, "/") {
		if strings.EqualFold(name, ".git") {
			return true
		}
	}
	return false
}

// match reports whether a path, or a folder above it, is ignored.
func (ig *ignorer) match(path string, folder bool) bool {
	if reserved(path) {
		return true
	}
	for i := range len(path) {
		if path[i] == '/' && ig.matchOne(path[:i], true) {
			return true
		}
	}
	return ig.matchOne(path, folder)
}

func (ig *ignorer) matchOne(path string, folder bool) bool {
	for _, v := range slices.Backward(ig.rules) {
		if r := v; (folder || !r.folders) && r.form.MatchString(path) {
			return !r.keep
		}
	}
	return false
}

// loadIgnore reads the owner's patterns from the live file and tells git.
func (d *Disk) loadIgnore() {
	own, err := os.ReadFile(filepath.Join(d.root, ignoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("cannot read the patterns of files to ignore", "file", ignoreFile, "error", err)
	}
	text := notVersioned + string(own)
	if old := d.ignore.Load(); old != nil && old.text == text {
		return
	}
	d.ignore.Store(newIgnorer(text))
	exclude := "# Written by Matrix OS: its own rules, then those of " + ignoreFile + ".\n/" + sys.Store + "/\n" + text
	path := filepath.Join(d.repo.Dir(), "info", "exclude")
	if have, err := os.ReadFile(path); err == nil && string(have) == exclude {
		return
	}
	if err := os.WriteFile(path, []byte(exclude), 0o644); err != nil {
		d.log.Warn("cannot tell git which files to ignore", "error", err)
	}
}
