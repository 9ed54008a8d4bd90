package matrixos_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// failureModes are those that doc/failures.md has to have a row for.
var failureModes = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 38, 39, 40, 41, 42, 43, 44, 45}

var (
	namedTests = regexp.MustCompile(`([a-z/]+): ((?:` + "`Test[A-Za-z0-9_]+`" + `(?:, )?)+)`)
	modeTest   = regexp.MustCompile(`^TestMode(\d\d)[A-Z]`)
)

// TestEveryFailureModeIsInjected: each mode of doc/failures.md says by which tests
// it is brought about, these exist, and no test of a mode is left out.
func TestEveryFailureModeIsInjected(t *testing.T) {
	text, err := os.ReadFile("doc/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]string{}
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		mode, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue
		}
		if len(cells) != 5 || rows[mode] != "" {
			t.Errorf("mode %d: %d cells, or there twice", mode, len(cells))
		}
		for _, c := range cells {
			if strings.TrimSpace(c) == "" {
				t.Errorf("mode %d has an empty cell", mode)
			}
		}
		rows[mode] = cells[len(cells)-1]
	}
	all := map[string][]string{} // the tests of each folder
	for _, mode := range failureModes {
		found := namedTests.FindAllStringSubmatch(rows[mode], -1)
		if len(found) == 0 {
			t.Errorf("mode %d names no test", mode)
		}
		for _, m := range found {
			folder := m[1]
			if all[folder] == nil {
				all[folder] = testsIn(t, folder)
			}
			for _, name := range strings.Split(strings.TrimSuffix(m[2], ", "), ", ") {
				if name = strings.Trim(name, "`"); !slices.Contains(all[folder], name) {
					t.Errorf("mode %d: %s has no %s", mode, folder, name)
				}
			}
		}
	}
	for folder, tests := range all {
		for _, name := range tests {
			if m := modeTest.FindStringSubmatch(name); m != nil {
				if mode, _ := strconv.Atoi(m[1]); !strings.Contains(rows[mode], "`"+name+"`") {
					t.Errorf("doc/failures.md does not name %s of %s at mode %d", name, folder, mode)
				}
			}
		}
	}
}

// testsIn lists the tests of a package by name.
func testsIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", folder, err)
	}
	for _, f := range files {
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
