package boot

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// A live file of an app that the owner replaces by a symbolic link is an edit by hand like
// any other: recorded under their name, undone as others are, and the app says what is wrong.
func TestALinkInPlaceOfAnAppsFileIsAnEditByHand(t *testing.T) {
	s := startStatic(t)
	for _, file := range []sys.Path{"apps/todo/src/App.tsx", "apps/calculator/matrix.json", "apps/clock/contract.json"} {
		at, elsewhere := filepath.Join(s.disk.Root(), string(file)), filepath.Join(t.TempDir(), file.Base())
		if err := errors.Join(os.Rename(at, elsewhere), os.Symlink(elsewhere, at)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.disk.Capture(t.Context()); err != nil { // unless it was seen by itself
			t.Fatal(err)
		}
		log, err := s.disk.Log(t.Context(), disk.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if log[0].Kind != sys.ByOwner || !strings.Contains(log[0].Title, string(file)) {
			t.Errorf("%s: the newest landing is %s by %s", file, log[0].Title, log[0].Kind)
		}
		faults := func() []sys.Diagnostic {
			view, err := s.disk.View(0)
			if err != nil {
				t.Fatal(err)
			}
			folder := strings.Join(strings.Split(string(file), "/")[:2], "/")
			trial, err := s.apps.runtime.Try(t.Context(), view, sys.Path(folder))
			if err != nil {
				t.Fatal(err)
			}
			if err := trial.Close(); err != nil {
				t.Error(err)
			}
			return trial.Faults
		}
		if found := faults(); len(found) == 0 || found[0].File != file || !strings.Contains(found[0].Text, "symbolic link") {
			t.Errorf("%s is a link: %+v", file, found)
		}
		if _, _, err := s.disk.Undo(t.Context(), log[0].ID, disk.UndoOptions{}); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(at); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s after the undo: %v, %v", file, info, err)
		}
		if found := faults(); len(found) > 0 {
			t.Errorf("%s after the undo: %+v", file, found)
		}
	}
}
