package disk

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// While Hold runs nothing lands, and the repository has all that the View shows.
func TestHold(t *testing.T) {
	ctx := context.Background()
	d, err := Open(ctx, t.TempDir(), Options{NoWatch: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.WriteFile(filepath.Join(d.Root(), "note"), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	landed := make(chan error, 1)
	err = d.Hold(ctx, func(at sys.LandingInfo, v *View) error {
		if b, err := fs.ReadFile(v, "note"); err != nil || string(b) != "by hand" {
			t.Errorf("an edit by hand is not in the view: %q, %v", b, err)
		}
		main, err := git.Open(d.repo.Dir()).Ref(mainRef)
		if err != nil || main.String() != at.Commit || at.ID != d.Head() || v.Landing() != at.ID {
			t.Errorf("main is %s, the landing %s %s: %v", main, at.ID, at.Commit, err)
		}
		go func() {
			_, err := d.Write(ctx, Write{Files: map[sys.Path][]byte{"other": []byte("x")}})
			landed <- err
		}()
		select {
		case <-landed:
			t.Error("something landed meanwhile")
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-landed; err != nil || d.Head() != 3 {
		t.Errorf("afterwards: %v, head %s", err, d.Head())
	}
	for name, want := range map[sys.Path]bool{"a": true, "data/x/x.sqlite": false, ".disk/x": false, "p/node_modules/x": false} {
		if d.Versionable(name, 1) != want {
			t.Errorf("%s: versionable is %v", name, !want)
		}
	}
	if d.Versionable("a", largest+1) {
		t.Error("a giant is versionable")
	}
}
