package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk/git"
	"matrixos/disk/workspace"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == HelperName {
		os.Exit(Help(os.Args))
	}
	if os.Args[0] == workspace.HolderName {
		os.Exit(workspace.Hold(os.Args))
	}
	os.Exit(m.Run())
}

// A folder that is a mount of another namespace is seen like any other, and
// nothing else of that namespace is.
func TestFolderInAnotherNamespace(t *testing.T) {
	s := found(t)
	for name, user := range map[string]bool{"mounts": false, "user": true} {
		t.Run(name, func(t *testing.T) {
			store := t.TempDir()
			ws, err := workspace.Open(t.Context(), workspace.Options{
				Dir: store, Source: git.Open(t.TempDir()), Only: workspace.Overlay, Holder: "/proc/self/exe", User: user,
			}, git.Hash{})
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			f, err := ws.Begin(t.Context(), git.Hash{}, nil)
			if err != nil {
				t.Skip("NOT TESTED: ", err)
			}
			defer f.Drop()
			p := f.Place()
			if len(p.Enter) == 0 {
				t.Fatal("there is nothing to enter")
			}
			out, err := s.Run(t.Context(), Command{Script: `pwd; echo hello > a.txt; cat ` + store + `/kernel.db; ls -d ` + store, Folder: p.Dir, Enter: p.Enter, Mount: "/home/you"})
			if got := string(out.Output); err != nil || !strings.HasPrefix(got, "/home/you\n") || out.Status == 0 || strings.Contains(got, "\n"+store) {
				t.Errorf("status %d, %v: %s", out.Status, err, got)
			}
			if got, err := os.ReadFile(filepath.Join(f.Dir(), "a.txt")); err != nil || string(got) != "hello\n" {
				t.Errorf("the file is %q, %v", got, err)
			}
			out, err = s.Run(t.Context(), Command{Script: "sleep 60 & sleep 60", Folder: p.Dir, Enter: p.Enter, Mount: "/home/you", Limit: 300e6})
			if err != nil || out.Over != ByTime {
				t.Errorf("the time limit: %+v, %v", out, err)
			}
			gone := append([]string{}, p.Enter...)
			gone[2] = "999999999"
			out, err = s.Run(t.Context(), Command{Script: "touch /tmp/owned", Folder: p.Dir, Enter: gone, Mount: "/home/you"})
			if err == nil && out.Status == 0 {
				t.Error("it ran though its namespace is gone")
			}
		})
	}
}
