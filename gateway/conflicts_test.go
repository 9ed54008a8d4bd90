package gateway_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/disk"
	"matrixos/sys"
)

// trial finds an app broken whose page says so.
func trial(_ context.Context, slug sys.Slug, command string) (sys.Path, func(context.Context, *disk.View) error, error) {
	if command == "nothing" {
		return "", nil, &sys.Error{Op: "confine", Kind: sys.Unavailable, Hint: "install it"}
	}
	folder := "apps/" + string(slug)
	return sys.Path(folder), func(_ context.Context, v *disk.View) error {
		b, err := fs.ReadFile(v, folder+"/index.html")
		if err == nil && strings.Contains(string(b), "broken") {
			err = errors.New("the page is broken")
		}
		return err
	}, nil
}

// refuse has an agent refused that wanted "theirs" where the owner wrote "ours".
func (w *world) refuse(paths ...string) string {
	w.t.Helper()
	tx, err := w.disk.Begin(w.t.Context(), "t")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range paths {
		if err := os.WriteFile(filepath.Join(tx.Dir(), p), []byte("theirs\n"), 0o644); err != nil {
			w.t.Fatal(err)
		}
		w.edit(p, "ours\n")
	}
	_, err = tx.Land(w.t.Context(), disk.Landing{Kind: sys.ByAgent, Title: "t"})
	c, ok := errors.AsType[*disk.ConflictError](err)
	if !ok {
		w.t.Fatalf("no conflict: %v", err)
	}
	if err := tx.Drop(); err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// Refused work can be seen from both sides, decided file by file, and dropped.
func TestConflicts(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.edit("docs/b.md", "b\n")
	id := w.refuse("docs/readme.md", "docs/b.md")
	list, err := w.client.Conflicts(ctx, false)
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].State != sys.ConflictWaiting {
		t.Fatalf("%+v %v", list, err)
	}
	c, err := w.client.Conflict(ctx, id)
	if err != nil || len(c.Files) != 2 {
		t.Fatalf("%+v %v", c, err)
	}
	for _, f := range c.Files {
		if f.Ours.Text != "ours\n" || f.Theirs.Text != "theirs\n" || !strings.Contains(f.OursPatch, "+ours") || !strings.Contains(f.TheirsPatch, "+theirs") {
			t.Errorf("%+v", f)
		}
	}
	r, err := w.client.Resolve(ctx, id, client.Answer{Path: "docs/b.md", Choice: sys.ChooseFile, Content: []byte("mine\n")})
	if err != nil || r.Landing != nil {
		t.Fatalf("%+v %v", r, err)
	}
	if c, err = w.client.Conflict(ctx, id); err != nil || c.Files[0].Choice+c.Files[1].Choice != sys.ChooseFile {
		t.Errorf("%+v %v", c, err)
	}
	r, err = w.client.Resolve(ctx, id, client.Answer{Choice: sys.ChooseTheirs})
	if err != nil || r.Landing == nil || r.Conflict.State != sys.ConflictSettled || r.Conflict.Landing != r.Landing.ID {
		t.Fatalf("%+v %v", r, err)
	}
	for path, want := range map[string]string{"docs/b.md": "mine\n", "docs/readme.md": "theirs\n"} {
		if b, err := os.ReadFile(filepath.Join(w.home, path)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", path, b, err)
		}
	}
	id = w.refuse("docs/b.md")
	if err := w.client.DropConflict(ctx, id); err != nil {
		t.Error(err)
	}
	if list, err := w.client.Conflicts(ctx, false); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := w.client.Conflicts(ctx, true); err != nil || len(list) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := w.client.Conflict(ctx, "never"); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
}

// A search tells of every landing that it tests, and a failure under way still
// comes as one.
func TestBisect(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.edit("apps/notes/index.html", "well\n")
	broke := w.edit("apps/notes/index.html", "broken\n")
	w.edit("docs/readme.md", "elsewhere\n")
	bad := w.edit("apps/notes/index.html", "broken still\n")
	steps := 0
	found, err := w.client.Bisect(ctx, client.Search{App: "notes"}, func(s client.SearchStep) { steps++ })
	if err != nil || found.First != broke || found.Of != 3 || steps != len(found.Steps) || steps < 3 || found.Why != "the page is broken" {
		t.Errorf("%+v %d %v", found, steps, err)
	}
	none := func(client.SearchStep) {}
	if _, err := w.client.Bisect(ctx, client.Search{App: "notes", Good: broke.String()}, none); !errors.Is(err, sys.Invalid) || !strings.Contains(sys.HintOf(err), "--good") {
		t.Error(err)
	}
	if _, err := w.client.Bisect(ctx, client.Search{App: "notes", Good: bad.String()}, none); !errors.Is(err, sys.Invalid) {
		t.Error(err)
	}
	if _, err := w.client.Bisect(ctx, client.Search{App: "notes", Run: "nothing"}, none); !errors.Is(err, sys.Unavailable) {
		t.Error(err)
	}
}

// Where a whole landing cannot come back, a part of it can, and what stays is said.
func TestPartialUndo(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.edit("docs/list.md", "a\nb\nc\nd\ne\nf\n")
	id := w.edit("docs/list.md", "A\nb\nc\nd\ne\nF\n")
	w.edit("docs/list.md", "Z\nb\nc\nd\ne\nF\n")
	if _, err := w.client.Undo(ctx, id, client.UndoOptions{}); !errors.Is(err, sys.Conflict) || !strings.Contains(sys.HintOf(err), "--partial") {
		t.Fatal(err)
	}
	l, err := w.client.Undo(ctx, id, client.UndoOptions{Preview: true, Partial: true})
	if err != nil || l.Landing.ID != 0 || len(l.Files) != 1 || !strings.Contains(l.Files[0].Patch, "+f") || !strings.Contains(l.Files[0].Left, "+A") {
		t.Errorf("%+v %v", l, err)
	}
	if l, err = w.client.Undo(ctx, id, client.UndoOptions{Partial: true}); err != nil || l.Landing.ID == 0 {
		t.Errorf("%+v %v", l, err)
	}
	if b, err := os.ReadFile(filepath.Join(w.home, "docs/list.md")); err != nil || string(b) != "Z\nb\nc\nd\ne\nf\n" {
		t.Errorf("%q %v", b, err)
	}
}
