package matrixos_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// overwriters may land whole files with Disk.Write, whatever is in them by then, each with
// why nothing of the owner's is lost. Whoever changes a part of a file lands with Disk.Edit,
// which sees what was saved by hand a moment before, and anew if that changes meanwhile.
var overwriters = map[string]string{
	"boot/drivers.go":           "the pinned tools of a server are the system's own record, and nothing that is in it is kept",
	"boot/feed_profile.go":      "the form has the whole profile; what it replaces is captured",
	"boot/messages_block.go":    "a report is a file of its own, named by chance",
	"gateway/api_app_backup.go": "the owner has said that values become what they were; what they replace is captured",
	"gateway/api_bundles.go":    "the files of a copy, or of a bundle, are new",
	"gateway/api_files.go":      "the owner's editor says which version it has seen",
}

// TestWhoOverwritesFiles: settings are changed in one way.
func TestWhoOverwritesFiles(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if base := e.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "disk" || base == "web" || base == "test") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "disk.Write{") && !strings.Contains(string(text), "isk.Write(") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || of.Sel.Name != "Write" || len(call.Args) != 2 {
				return true
			}
			if on, ok := of.X.(*ast.SelectorExpr); ok && strings.EqualFold(on.Sel.Name, "disk") {
				found[filepath.ToSlash(name)] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range found {
		if overwriters[name] == "" {
			t.Errorf("%s lands whole files with Disk.Write: what the owner has saved in them a moment before would go. Use Disk.Edit", name)
		}
	}
	for name := range overwriters {
		if !found[name] {
			t.Errorf("%s writes no whole files any more: take it off the list", name)
		}
	}
}
