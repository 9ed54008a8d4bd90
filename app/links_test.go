package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

// A file of an app that is replaced by a symbolic link is named, wherever the link leads:
// neither the app nor what it promises is gone without a word.
func TestALinkInPlaceOfAFileIsNamed(t *testing.T) {
	r := newRuntime(t)
	for _, name := range []string{"matrix.json", "contract.json", "src/App.tsx"} {
		home := t.TempDir()
		for file, text := range map[string]string{
			"matrix.json":   `{"name":"Tea","slug":"tea","version":"1.0.0","runtime":"vite"}`,
			"contract.json": `{"version":1,"scenarios":[{"name":"one","steps":[{"see":"tea"}]}]}`,
			"src/App.tsx":   `export default () => <p>tea</p>;`,
		} {
			at := filepath.Join(home, "apps/tea", file)
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		try := func() []sys.Diagnostic {
			apps, err := Find(os.DirFS(home))
			if err != nil || len(apps) != 1 || apps[0].Manifest.Slug != "tea" {
				t.Fatalf("%s: the app is gone: %+v, %v", name, apps, err)
			}
			trial, err := r.Try(t.Context(), os.DirFS(home), apps[0].Folder)
			if err != nil {
				t.Fatal(err)
			}
			if err := trial.Close(); err != nil {
				t.Error(err)
			}
			if trial.None {
				t.Errorf("%s: there is no contract", name)
			}
			return trial.Faults
		}
		if faults := try(); len(faults) > 0 {
			t.Fatalf("as it was: %+v", faults)
		}
		at := filepath.Join(home, "apps/tea", name)
		if err := os.Rename(at, filepath.Join(home, "elsewhere")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(home, "elsewhere"), at); err != nil {
			t.Fatal(err)
		}
		faults := try()
		if len(faults) == 0 || faults[0].File != sys.Path("apps/tea/"+name) || !strings.Contains(faults[0].Text, "symbolic link") {
			t.Errorf("%s is a link: %+v", name, faults)
		}
	}
}
