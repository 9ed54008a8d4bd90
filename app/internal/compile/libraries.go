package compile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"matrixos/sys"
)

// Libraries is the built web runtime: what apps may import, the loader of their
// documents, and the icon table.
type Libraries struct {
	Hash   string
	Loader string
	// What runs in the window of an app on trial, and the page around it; empty in an
	// older build.
	TrialFrame, TrialPage string
	files                 fs.FS
	raw                   []byte
	modules               map[string]module // by specifier
	byName                map[string]module // by what an app imports
	icons                 func() (*iconTable, error)
}

type module struct {
	Specifier string   `json:"specifier"`
	File      string   `json:"file"`
	Name      string   `json:"name"`
	Imports   []string `json:"imports"`
	Exports   []string `json:"exports"`
}

type iconTable struct {
	Names map[string]string          `json:"names"` // Trash2 to trash
	Alias map[string]string          `json:"alias"` // trash-2 to trash
	Data  map[string]json.RawMessage `json:"data"`  // trash to its drawing
}

// Load reads the built runtime. One that was never built is sys.Unavailable, with
// the command that builds it.
func Load(files fs.FS) (*Libraries, error) {
	fail := func(name string, err error) error {
		e := &sys.Error{Op: "load the web runtime", Path: name, Kind: sys.Internal, Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Kind, e.Hint = sys.Unavailable, "build it: `npm ci && npm run build` in web/runtime, then build the binary again"
		}
		return e
	}
	raw, err := fs.ReadFile(files, "manifest.json")
	if err != nil {
		return nil, fail("manifest.json", err)
	}
	var manifest struct {
		Hash    string   `json:"hash"`
		Modules []module `json:"modules"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, fail("manifest.json", err)
	}
	loader, err := fs.ReadFile(files, "loader.js")
	if err != nil {
		return nil, fail("loader.js", err)
	}
	trial := map[string]string{}
	for _, name := range []string{"trial-frame.js", "trial-page.js"} {
		raw, err := fs.ReadFile(files, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // without them apps are not tried in a browser
			return nil, fail(name, err)
		}
		trial[name] = string(raw)
	}
	l := &Libraries{
		Hash: manifest.Hash, Loader: string(loader), TrialFrame: trial["trial-frame.js"], TrialPage: trial["trial-page.js"], files: files, raw: raw,
		modules: map[string]module{}, byName: map[string]module{},
	}
	for _, m := range manifest.Modules {
		l.modules[m.Specifier] = m
		if m.Name != "" {
			l.byName[m.Name] = m
		}
	}
	l.icons = sync.OnceValues(func() (*iconTable, error) {
		raw, err := fs.ReadFile(files, "icons.json")
		if err != nil {
			return nil, fail("icons.json", err)
		}
		var t iconTable
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fail("icons.json", err)
		}
		return &t, nil
	})
	return l, nil
}

// Manifest is the manifest as the shell reads it.
func (l *Libraries) Manifest() []byte { return l.raw }

// File reads one module by its path below the runtime's hash.
func (l *Libraries) File(name string) ([]byte, error) {
	for _, m := range l.modules {
		if m.File == name {
			return fs.ReadFile(l.files, name)
		}
	}
	return nil, fmt.Errorf("runtime file %s: %w", name, fs.ErrNotExist)
}

// available lists what apps may import, for error messages.
func (l *Libraries) available() string {
	names := []string{lucide}
	for name := range l.byName {
		switch {
		case strings.Contains(name, "/jsx-"), name == tailwind: // the compiler's own
			continue
		case strings.HasPrefix(name, "@radix-ui/"):
			name = "@radix-ui/react-*"
		case strings.HasPrefix(name, "dayjs/plugin/"):
			name = "dayjs/plugin/*"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// closure lists the specifiers that the named modules need, in a fixed order. It is empty,
// not nil, where they need none: the loader is told so.
func (l *Libraries) closure(specifiers []string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(s string) {
		if m, ok := l.modules[s]; ok && !seen[s] {
			seen[s] = true
			for _, i := range m.Imports {
				visit(i)
			}
		}
	}
	for _, s := range specifiers {
		visit(s)
	}
	out := slices.AppendSeq(make([]string, 0, len(seen)), maps.Keys(seen))
	slices.Sort(out)
	return out
}

// manyExports is from where on a library's facade is cut to what a file names:
// linking hundreds of unused names costs milliseconds.
const manyExports = 60

// facade is the source of a module that passes on what a library exports, by name:
// so the compiler knows the names, and an unknown one is an error in the file that
// asks for it.
func facade(m module, importer []byte) string {
	names := m.Exports
	if len(names) > manyExports {
		if used, whole := imported(m.Name, importer); !whole {
			names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !used[n] })
		}
	}
	return fmt.Sprintf("export {%s} from %q;\n", strings.Join(names, ", "), m.Specifier)
}

// split takes the path of a library module apart: which library, and for the large
// ones which file of the app it was made for.
func split(p string) (name, importer string) {
	name, importer, _ = strings.Cut(p, "|")
	return name, importer
}

// find resolves an icon's name, in PascalCase or kebab-case, to its drawing.
func (t *iconTable) find(name string) (id string, node json.RawMessage) {
	id = name
	if to, ok := t.Names[name]; ok {
		id = to
	}
	if to, ok := t.Alias[id]; ok {
		id = to
	}
	return id, t.Data[id]
}

// mentioned collects the drawings of all icons whose kebab name stands in code as
// a string. A name that means something else costs a few bytes.
func (t *iconTable) mentioned(code []byte) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	for i := 0; i < len(code); i++ {
		q := code[i]
		if q != '"' && q != '\'' && q != '`' {
			continue
		}
		j := i + 1
		for j < len(code) && j-i < 40 && isKebab(code[j]) {
			j++
		}
		if j < len(code) && code[j] == q && j > i+1 {
			name := string(code[i+1 : j])
			if _, node := t.find(name); node != nil {
				found[name] = node
			}
			i = j - 1
		}
	}
	return found
}

func isKebab(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' }

// Nearest is the name in names that is closest to name, or "" if none is close.
func Nearest(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	low := strings.ToLower(name)
	for _, n := range names {
		l := strings.ToLower(n)
		d := distance(low, l, least+1)
		if best == "" && len(low) >= 4 && d >= least && (strings.HasPrefix(l, low) || strings.HasSuffix(l, low)) {
			d = least - 1
		}
		if d < least || d == least && best != "" && apart(n, name) < apart(best, name) {
			best, least = n, d
		}
	}
	return best
}

func apart(a, b string) int { return max(len(a)-len(b), len(b)-len(a)) }

// distance is the number of edits between a and b, or limit if it is more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return min(row[len(b)], limit)
}

var (
	// import X, { a, b as c } from "library", and export { a } from "library".
	clauses    = regexp.MustCompile(`(?:import|export)\s*([^;"'()]*?)\s*\bfrom\s*["']([^"']+)["']`)
	identifier = regexp.MustCompile(`^[A-Za-z_$][\w$]*`)
)

// imported finds the names that source imports from a library. whole says that it
// asks for all of it, by * or as a default, or in a way that is not understood.
func imported(library string, source []byte) (names map[string]bool, whole bool) {
	names = map[string]bool{}
	seen := false
	for _, m := range clauses.FindAllSubmatch(source, -1) {
		if string(m[2]) != library {
			continue
		}
		seen = true
		before, list, braces := strings.Cut(string(m[1]), "{")
		before = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(before), ","))
		if !braces || before != "" && before != "type" {
			return nil, true
		}
		for item := range strings.SplitSeq(strings.TrimSuffix(list, "}"), ",") {
			names[identifier.FindString(strings.TrimPrefix(strings.TrimSpace(item), "type "))] = true
		}
	}
	return names, !seen
}

// module is the source of lucide-react as the file with the source importer sees
// it: the icons it names, or all of them if it asks for the whole.
func (t *iconTable) module(importer []byte) string {
	names, whole := imported(lucide, importer)
	var b strings.Builder
	fmt.Fprintf(&b, "export { default as createLucideIcon } from %q;\n", iconMaker)
	if whole {
		fmt.Fprintf(&b, "import make from %q;\n", iconMaker)
		for _, n := range slices.Sorted(maps.Keys(t.Names)) {
			id, node := t.find(n)
			fmt.Fprintf(&b, "export const %s = /* @__PURE__ */ make(%q, %s);\n", n, id, node)
		}
		return b.String()
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if t.Names[n] != "" {
			fmt.Fprintf(&b, "export { default as %s } from %q;\n", n, iconPrefix+n)
		}
	}
	return b.String()
}

const (
	iconPrefix = "matrixos-icon:"
	iconMaker  = "matrixos-icon-maker"
)

const iconMakerSource = `import { createElement, forwardRef } from "react";
export default (name, node) => forwardRef(({ size = 24, color = "currentColor", strokeWidth = 2, absoluteStrokeWidth, className = "", children, ...rest }, ref) =>
  createElement("svg", { ref, xmlns: "http://www.w3.org/2000/svg", width: size, height: size, viewBox: "0 0 24 24", fill: "none", stroke: color,
    strokeWidth: absoluteStrokeWidth ? (Number(strokeWidth) * 24) / Number(size) : strokeWidth, strokeLinecap: "round", strokeLinejoin: "round",
    className: ("lucide lucide-" + name + " " + className).trim(), "aria-hidden": rest["aria-label"] || rest.role || children ? undefined : true, ...rest },
    node.map(([tag, attributes], i) => createElement(tag, { ...attributes, key: i })), children));
`

func iconSource(id string, node json.RawMessage) string {
	return fmt.Sprintf("import make from %q;\nexport default /* @__PURE__ */ make(%q, %s);\n", iconMaker, id, node)
}

// shortPath is p without the folder it lies in, for the messages.
func shortPath(p, folder string) string {
	if rest, ok := strings.CutPrefix(p, folder+"/"); ok {
		return rest
	}
	return path.Clean(p)
}
