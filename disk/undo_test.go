package disk

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"matrixos/sys"
)

// An undo that later changes stand in the way of names them, and can take back
// what they do not build on; what stays is said, before and after.
func TestPartialUndo(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	const app = "apps/notes/src/App.tsx"
	write := func(text string) sys.LandingInfo {
		info, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{app: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	guilty := write("one\nTWO\nthree\nfour\nfive\nSIX\nseven\n")
	later := write("one\nTWO AND MORE\nthree\nfour\nfive\nSIX\nseven\n")
	write("one\nTWO AND EVEN MORE\nthree\nfour\nfive\nSIX\nseven\n")

	// TWO itself still stands, so the whole can be taken back by tokens.
	if _, files, err := h.Undo(ctx, guilty.ID, UndoOptions{Preview: true}); err != nil || !strings.Contains(files[0].Patch, "+two AND EVEN MORE") {
		t.Fatalf("%+v %v", files, err)
	}
	write("one\nDOS\nthree\nfour\nfive\nSIX\nseven\n")
	_, _, err := h.Undo(ctx, guilty.ID, UndoOptions{})
	var c *ConflictError
	if !errors.As(err, &c) || len(c.Since) != 3 || c.Since[2] != later.ID || !strings.Contains(sys.HintOf(err), c.Since[0].String()) {
		t.Fatalf("%v: %+v", err, c)
	}
	for _, preview := range []bool{true, false} {
		info, files, err := h.Undo(ctx, guilty.ID, UndoOptions{Partial: true, Preview: preview})
		if err != nil || len(files) != 1 || !strings.Contains(files[0].Patch, "+six") || !strings.Contains(files[0].Left, "+TWO") || strings.Contains(files[0].Left, "SIX") {
			t.Fatalf("%+v %v", files, err)
		}
		if preview != (info.ID == 0) || !strings.HasPrefix(info.Title, "Part of: Undo") {
			t.Errorf("%+v", info)
		}
	}
	h.want(app, "one\nDOS\nthree\nfour\nfive\nsix\nseven\n")
	again, _, err := h.Undo(ctx, h.Head(), UndoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h.want(app, "one\nDOS\nthree\nfour\nfive\nSIX\nseven\n")
	if again.Provenance.Undoes == 0 {
		t.Error("an undo of an undo is one")
	}
}

// Keep decides what has to go: nothing more than that goes.
func TestUndoTakesTheLeastThatMends(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	const app = "apps/notes/src/App.tsx"
	write := func(text string) sys.LandingInfo {
		info, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{app: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	write("a 1\nb 1\nc 1\nd 1\ne 1\nf 1\ng 1\n")
	guilty := write("a 2\nb 1\nc BAD\nd 1\ne 2\nf 1\ng 2\n")
	write("a 3\nb 1\nc BAD\nd 1\ne 2\nf 1\ng 2\n")
	runs := 0
	keep := func(_ context.Context, tree fs.FS) error {
		runs++
		b, err := fs.ReadFile(tree, app)
		if err == nil && strings.Contains(string(b), "BAD") {
			err = &sys.Error{Op: "check", Kind: sys.NotVerified}
		}
		return err
	}
	if _, _, err := h.Undo(ctx, guilty.ID, UndoOptions{Keep: keep}); err != nil {
		t.Fatal(err)
	}
	h.want(app, "a 3\nb 1\nc 1\nd 1\ne 2\nf 1\ng 2\n")
	if runs == 0 || runs > 12 {
		t.Errorf("the check ran %d times", runs)
	}
	never := func(context.Context, fs.FS) error { return errors.New("no") }
	if _, _, err := h.Undo(ctx, guilty.ID-1, UndoOptions{Keep: never}); sys.KindOf(err) != sys.NotVerified || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}

// Bisect passes over what it cannot tell, and believes a failure that comes twice.
func TestBisectDoubts(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	for i := range 20 {
		if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{"system/n.md": {byte('a' + i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	const first = 12
	flaky := map[sys.LandingID]int{}
	test := func(unclear ...sys.LandingID) func(context.Context, *View) error {
		return func(_ context.Context, v *View) error {
			for _, id := range unclear {
				if v.Landing() == id {
					return &sys.Error{Op: "test", Kind: sys.Unavailable}
				}
			}
			if flaky[v.Landing()]++; v.Landing() < first && flaky[v.Landing()] == 1 {
				return errors.New("once")
			}
			if v.Landing() >= first {
				return errors.New("broken")
			}
			return nil
		}
	}
	var told int
	found, err := h.Bisect(ctx, BisectOptions{Test: test(), Progress: func(BisectStep) { told++ }})
	if err != nil || found.First != first || found.Of != 20 || found.Why != "broken" || told != len(found.Steps) || told > 2+5 {
		t.Fatalf("%+v %v", found, err)
	}
	found, err = h.Bisect(ctx, BisectOptions{Test: test(10, 11)})
	if err != nil || found.First != first || len(found.Suspects) != 2 || found.Suspects[0] != 10 {
		t.Fatalf("%+v %v", found, err)
	}
	if _, err := h.Bisect(ctx, BisectOptions{Bad: 5, Test: test()}); sys.KindOf(err) != sys.NotFound || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := h.Bisect(ctx, BisectOptions{Good: 15, Test: test()}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("%v", err)
	}
}
