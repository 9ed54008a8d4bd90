package matrixos_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "matrixos/"

// layout is the architecture: every top-level package and what it may import,
// lowest first, so that imports only point up this list. Subpackages may import
// what their parent may, and the parent. A parent imports only those of its
// subpackages that are its parts; the others are adapters of its contract, which
// only boot, cmd, dev and test join to it. Don't edit it to make a build pass.
var layout = []struct{ pkg, may, parts string }{
	{"sys", "", ""},
	{"journal", "sys", ""},
	{"ipc", "sys journal", ""},
	{"keyring", "sys", ""},
	{"policy", "sys", ""},
	{"egress", "sys keyring", ""},
	{"model", "sys", ""},
	{"engine", "sys model", ""},
	{"disk", "sys journal", "chunk git merge rows workspace"},
	{"sandbox", "sys", ""},
	{"driver", "sys keyring egress sandbox", ""},
	{"kernel", "sys journal ipc policy model engine disk driver", ""},
	{"audit", "sys policy disk kernel", ""},
	{"matrix", "sys journal keyring", ""},
	{"device", "sys journal keyring", ""},
	{"app", "sys policy disk sandbox", "bundle contract npm room server"},
	{"heal", "sys journal disk app kernel", ""},
	{"syscalls", "sys ipc policy egress disk sandbox driver kernel audit app matrix", ""},
	{"gateway", "sys journal ipc policy disk kernel audit app matrix heal", ""},
	{"client", "sys", ""},
	{"home", "", ""},
	{"web", "", ""},
	{"boot", "*", ""},
	{"cmd", "sys client boot", ""},
	{"dev", "*", ""},
	{"test", "*", ""},
}

// lineBudget is the longest that a file may get: beyond it, nobody split it.
const lineBudget = 500

func TestLayout(t *testing.T) {
	may, parts := rules(t)
	documented := map[string]bool{}
	eachFile(t, func(dir string, imports []string, doc bool) {
		documented[dir] = documented[dir] || doc
		top, _, _ := strings.Cut(dir, "/")
		if may[top] == nil {
			t.Errorf("%s is not in layout", dir)
		}
		for _, dep := range imports {
			if !allowed(may[top], parts[top], dir, dep) {
				t.Errorf("%s must not import %s", dir, dep)
			}
		}
	})
	if len(documented) == 0 {
		t.Fatal("no packages found") // a fence that sees nothing must not pass
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// rules makes the table ready to use, and checks that it points upward.
func rules(t *testing.T) (may, parts map[string][]string) {
	t.Helper()
	may, parts = map[string][]string{}, map[string][]string{}
	for _, l := range layout {
		for dep := range strings.FieldsSeq(l.may) {
			if may[dep] == nil && dep != "*" {
				t.Errorf("layout: %s may import %s, which is not above it", l.pkg, dep)
			}
		}
		may[l.pkg] = append([]string{l.pkg}, strings.Fields(l.may)...)
		parts[l.pkg] = strings.Fields(l.parts)
	}
	return may, parts
}

// allowed reports whether package dir, whose top-level package may import
// what may lists and has the given parts, may import dep.
func allowed(may, parts []string, dir, dep string) bool {
	top, sub, nested := strings.Cut(dep, "/")
	switch {
	case slices.Contains(may, "*"):
		return true
	case !nested:
		return slices.Contains(may, top)
	case dir == top:
		return strings.HasPrefix(sub, "internal/") || slices.Contains(parts, sub)
	default:
		return strings.HasPrefix(dir, top+"/")
	}
}

// The fence itself is tried against faults.
func TestLayoutBites(t *testing.T) {
	may, parts := rules(t)
	for _, c := range []struct {
		dir, dep string
		ok       bool
	}{
		{"kernel", "sys", true},
		{"kernel", "app", false},
		{"kernel", "gateway", false},
		{"sys", "journal", false},
		{"gateway", "boot", false},
		{"gateway", "model", false},
		{"gateway", "keyring", false},
		{"boot", "keyring", true},
		{"boot", "model/anthropic", true},
		{"cmd/matrixos", "boot", true},
		{"cmd/matrixos", "gateway", false},
		{"cmd/matrixos", "kernel", false},
		{"model/anthropic", "model", true},
		{"model/anthropic", "model/internal/http", true},
		{"model/anthropic", "engine", false},
		{"model", "model/anthropic", false},
		{"model", "model/internal/http", true},
		{"engine", "engine/native", false},
		{"kernel", "engine/native", false},
		{"disk", "disk/git", true},
		{"disk", "disk/disktest", false},
		{"kernel", "disk/git", false},
		{"app", "web/runtime", false},
	} {
		top, _, _ := strings.Cut(c.dir, "/")
		if got := allowed(may[top], parts[top], c.dir, c.dep); got != c.ok {
			t.Errorf("%s importing %s: allowed is %v", c.dir, c.dep, got)
		}
	}
}

// eachFile calls fn for every non-test Go file below the root. It reads the
// files itself: the result of a test that runs "go list" is wrongly cached.
func eachFile(t *testing.T, fn func(dir string, imports []string, doc bool)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"testdata", "node_modules", "dist", "bin", ".git"}, d.Name()) || p == "tools"):
			return fs.SkipDir
		case path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if n := bytes.Count(text, []byte{'\n'}); n > lineBudget {
			t.Errorf("%s has %d lines, more than %d", p, n, lineBudget)
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		var ours []string
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if dep, ok := strings.CutPrefix(imp, module); ok {
				ours = append(ours, dep)
			}
		}
		fn(filepath.ToSlash(filepath.Dir(p)), ours, f.Doc != nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
