package boot

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestAFolderWithAppsGetsNoneOfOurs: apps come with a home that begins empty, never
// to one that has its own.
func TestAFolderWithAppsGetsNoneOfOurs(t *testing.T) {
	count := func(root string) (apps, rest int) {
		tree := template(root)
		err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if filepath.Base(p) == "matrix.json" {
				apps++
			} else {
				rest++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return apps, rest
	}
	empty := t.TempDir()
	if apps, _ := count(empty); apps < 4 {
		t.Errorf("an empty folder gets %d apps", apps)
	}
	if err := os.MkdirAll(filepath.Join(empty, "apps", ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if apps, _ := count(empty); apps < 4 {
		t.Errorf("a folder without apps gets %d", apps)
	}
	if err := os.MkdirAll(filepath.Join(empty, "apps", "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if apps, rest := count(empty); apps != 0 || rest < 10 {
		t.Errorf("a folder with apps gets %d of ours, and %d other files", apps, rest)
	}
}
