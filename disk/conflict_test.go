package disk

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk/git"
	"matrixos/sys"
)

// clash lands one side of a change of notes, and has the other refused.
func clash(h *home) (*Txn, *ConflictError) {
	h.t.Helper()
	a, b := h.begin(), h.begin()
	put(h.t, filepath.Join(a.Dir(), "apps/notes/src/App.tsx"), "one\nTWO\nthree\nfour\nfive\nsix\nseven\n")
	h.land(a, "a")
	put(h.t, filepath.Join(b.Dir(), "apps/notes/src/App.tsx"), "one\nzwei\nthree\nfour\nfive\nsix\nseven\n")
	put(h.t, filepath.Join(b.Dir(), "system/new.md"), "new\n")
	_, err := b.Land(context.Background(), Landing{Title: "b", Provenance: sys.Provenance{Process: 9, Program: "builder"}})
	var c *ConflictError
	if !errors.As(err, &c) || c.ID == "" {
		h.t.Fatalf("not a conflict that is kept: %v", err)
	}
	return b, c
}

func (h *home) conflicts() []sys.ConflictInfo {
	h.t.Helper()
	list, err := h.Conflicts(context.Background(), false)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// Refused work outlives its transaction and the process, and the owner decides.
func TestRefusedWorkIsKept(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	h := open(t, root)
	tx, c := clash(h)
	if list := h.conflicts(); len(list) != 1 || list[0].State != sys.ConflictRetrying || list[0].ID != c.ID || len(list[0].Changes) != 2 {
		t.Fatalf("%+v", list)
	}
	if _, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseOurs}); !errors.Is(err, sys.Held) {
		t.Fatalf("decided over the head of its process: %v", err)
	}
	if err := tx.Drop(); err != nil {
		t.Fatal(err)
	}
	if list := h.conflicts(); len(list) != 1 || list[0].State != sys.ConflictWaiting {
		t.Fatalf("%+v", list)
	}
	h.close()
	h = open(t, root)
	_, files, err := h.Conflict(ctx, c.ID)
	if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Theirs), "zwei") || !strings.Contains(string(files[0].Ours), "TWO") || !strings.Contains(string(files[0].Base), "two") {
		t.Fatalf("%+v %v", files, err)
	}
	if out := h.git("fsck", "--strict"); strings.Contains(out, "error") || strings.Contains(out, "missing") {
		t.Fatal(out)
	}
	if out := h.git("show", "--stat", "refs/tx/"+c.ID); !strings.Contains(out, "Disk-Refused: "+c.ID) || !strings.Contains(out, "system/new.md") {
		t.Fatal(out)
	}
	got, info, err := h.Resolve(ctx, c.ID, Answer{Path: "apps/notes/src/App.tsx", Choice: sys.ChooseTheirs})
	if err != nil || got.State != sys.ConflictSettled || got.Landing != info.ID || info.Provenance.Process != 9 {
		t.Fatalf("%+v %+v %v", got, info, err)
	}
	h.want("apps/notes/src/App.tsx", "one\nzwei\nthree\nfour\nfive\nsix\nseven\n")
	h.want("system/new.md", "new\n")
	if out := h.git("log", "-1", "--format=%B"); !strings.Contains(out, "Disk-Resolves: "+c.ID) {
		t.Fatal(out)
	}
	if _, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseOurs}); !errors.Is(err, sys.Exists) {
		t.Fatalf("resolved twice: %v", err)
	}
	if err := h.ForgetConflict(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.repo.Ref(refusedRefs + "/" + c.ID); !errors.Is(err, git.ErrNotFound) {
		t.Fatalf("its ref stays: %v", err)
	}
}

func TestResolveChoices(t *testing.T) {
	ctx := context.Background()
	const app = "apps/notes/src/App.tsx"
	for _, c := range []struct {
		answer       Answer
		app, another string
	}{
		{Answer{Choice: sys.ChooseOurs}, "TWO", "<absent>"},
		{Answer{Choice: sys.ChooseTheirs}, "zwei", "<absent>"},
		{Answer{Choice: sys.ChooseBoth}, "TWO", "one\nzwei\nthree\nfour\nfive\nsix\nseven\n"},
		{Answer{Path: app, Choice: sys.ChooseFile, Content: []byte("one\nTWO and zwei\nthree\nfour\nfive\nsix\nseven\n")}, "TWO and zwei", "<absent>"},
	} {
		t.Run(string(c.answer.Choice), func(t *testing.T) {
			h := open(t, t.TempDir())
			tx, conflict := clash(h)
			if err := tx.Drop(); err != nil {
				t.Fatal(err)
			}
			// The owner works on: elsewhere in the file.
			h.put(app, strings.Replace(h.live(app), "seven", "SEVEN", 1))
			h.capture()
			if _, _, err := h.Resolve(ctx, conflict.ID, c.answer); err != nil {
				t.Fatal(err)
			}
			if got := h.landed(app); !strings.Contains(got, c.app) || !strings.Contains(got, "SEVEN") {
				t.Errorf("%q", got)
			}
			if got := h.landed("apps/notes/src/App (2).tsx"); got != c.another {
				t.Errorf("the second file is %q", got)
			}
			if h.landed("system/new.md") != "new\n" {
				t.Error("the rest of the work did not land")
			}
		})
	}
}

// What changed again since is asked again, not overwritten.
func TestResolveAsksAgain(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	tx, c := clash(h)
	if err := tx.Drop(); err != nil {
		t.Fatal(err)
	}
	h.put("apps/notes/src/App.tsx", "one\nDEUX\nthree\nfour\nfive\nsix\nseven\n")
	_, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseTheirs})
	if !errors.Is(err, sys.Conflict) {
		t.Fatalf("the owner's newest edit is gone: %v", err)
	}
	_, files, err := h.Conflict(ctx, c.ID)
	if err != nil || !strings.Contains(string(files[0].Ours), "DEUX") {
		t.Fatalf("%v %+v", err, files)
	}
	if _, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseTheirs}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(h.landed("apps/notes/src/App.tsx"), "zwei") {
		t.Error("the choice did not land")
	}
}

// A try on a new base keeps what merges, of both, and settles its conflict.
func TestAgainLosesNothing(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a, b := h.begin(), h.begin()
	const app, soul = "apps/notes/src/App.tsx", "system/soul.md"
	put(t, filepath.Join(a.Dir(), app), "one\nTWO\nthree\nfour\nfive\nsix\nseven\n")
	put(t, filepath.Join(a.Dir(), soul), "# SOUL\n\nBe kind.\n")
	h.land(a, "a")
	put(t, filepath.Join(b.Dir(), app), "one\nzwei\nthree\nfour\nfive\nsix\nseven\n")
	put(t, filepath.Join(b.Dir(), soul), "# Soul\n\nBe good.\n")
	put(t, filepath.Join(b.Dir(), "apps/notes/bin/run"), "#!/bin/bash\n")
	if _, err := b.Land(ctx, Landing{}); !errors.Is(err, sys.Conflict) {
		t.Fatal(err)
	}
	fresh, files, err := b.Again(ctx)
	if err != nil || len(files) != 1 || files[0].Path != app || fresh.Tries() != 1 {
		t.Fatalf("%+v %v", files, err)
	}
	t.Cleanup(func() { _ = fresh.Drop() })
	put(t, filepath.Join(fresh.Dir(), app), "one\nTWO, zwei\nthree\nfour\nfive\nsix\nseven\n")
	info := h.land(fresh, "b")
	h.want(soul, "# SOUL\n\nBe good.\n")
	h.want(app, "one\nTWO, zwei\nthree\nfour\nfive\nsix\nseven\n")
	all, err := h.Conflicts(ctx, true)
	if err != nil || len(all) != 1 || all[0].State != sys.ConflictSettled || all[0].Landing != info.ID {
		t.Fatalf("%+v %v", all, err)
	}
	v, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := fs.Stat(v, "apps/notes/bin/run"); err != nil || st.Mode()&0o100 == 0 {
		t.Errorf("%v %v", st, err)
	}
}

// A process that died leaves its conflict to the owner.
func TestConflictOfADeadProcess(t *testing.T) {
	root := t.TempDir()
	h := open(t, root)
	clash(h)
	if err := h.orphaned(context.Background()); err != nil { // what Open does
		t.Fatal(err)
	}
	if list := h.conflicts(); len(list) != 1 || list[0].State != sys.ConflictWaiting {
		t.Fatalf("%+v", list)
	}
}

func TestStrictLandings(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	before, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	early := h.begin()
	put(t, filepath.Join(early.Dir(), "system/soul.md"), "# Other\n")
	h.land(early, "soul")

	write := func(tx *Txn) { put(t, filepath.Join(tx.Dir(), "system/mine.md"), "mine\n") }
	read := h.begin() // read before it began, in an older view
	read.NoteReadIn(before, "system/soul.md")
	write(read)
	_, err = read.Land(ctx, Landing{Strict: true})
	var c *ConflictError
	if !errors.As(err, &c) || len(c.Stale) != 1 || c.Stale[0] != "system/soul.md" || sys.HintOf(err) == "" {
		t.Fatalf("%v", err)
	}
	if len(h.conflicts()) != 0 {
		t.Error("stale reads are no conflict for the owner")
	}
	read.NoteRead("system/soul.md") // read again
	h.land(read, "after reading again")

	listed := h.begin() // a folder in which a file appears
	listed.NoteRead("apps")
	write2 := filepath.Join(listed.Dir(), "system/mine.md")
	put(t, write2, "mine too\n")
	h.put("apps/notes/other.md", "by hand\n") // not captured yet: a strict landing looks
	if _, err := listed.Land(ctx, Landing{Strict: true}); !errors.Is(err, sys.Conflict) {
		t.Fatalf("%v", err)
	}
	var seen Checked
	h.SetChecks(func(_ context.Context, c Checked) error { seen = c; return nil })
	if _, err := listed.Land(ctx, Landing{}); err != nil {
		t.Fatal(err)
	}
	if len(seen.Stale) != 1 || seen.Stale[0] != "apps" || len(seen.Others) != 1 || seen.Others[0].Path != "apps/notes/other.md" {
		t.Errorf("%+v", seen)
	}
}

func TestBinaryByChoice(t *testing.T) {
	for _, c := range []struct {
		choice      sys.ConflictChoice
		pic, second string
	}{{"", "", ""}, {sys.ChooseOurs, "\x00a", "<absent>"}, {sys.ChooseTheirs, "\x00b", "<absent>"}, {sys.ChooseBoth, "\x00a", "\x00b"}} {
		h := open(t, t.TempDir())
		h.put("pic.png", "\x00base")
		h.capture()
		a, b := h.begin(), h.begin()
		put(t, filepath.Join(a.Dir(), "pic.png"), "\x00a")
		h.land(a, "a")
		put(t, filepath.Join(b.Dir(), "pic.png"), "\x00b")
		_, err := b.Land(context.Background(), Landing{Binary: c.choice})
		if c.choice == "" {
			if list := h.conflicts(); !errors.Is(err, sys.Conflict) || !list[0].Files[0].Binary {
				t.Errorf("%v", err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.choice, err)
		}
		h.want("pic.png", c.pic)
		h.want("pic (2).png", c.second)
	}
}
