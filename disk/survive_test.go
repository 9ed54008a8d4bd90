package disk

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"matrixos/sys"
)

// lines is a file of n numbered lines.
func numbered(n int, change map[int]string) string {
	var b strings.Builder
	for i := range n {
		if s, ok := change[i]; ok {
			b.WriteString(s + "\n")
			continue
		}
		b.WriteString("line " + string(rune('a'+i)) + "\n")
	}
	return b.String()
}

const sheet = "apps/notes/src/Sheet.tsx"

func (h *home) save(title string, files map[sys.Path]string) sys.LandingID {
	h.t.Helper()
	w := Write{Files: map[sys.Path][]byte{}, Title: title}
	for p, text := range files {
		w.Files[p] = []byte(text)
	}
	info, err := h.Write(context.Background(), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return info.ID
}

// without refuses a home in which a file has a word.
func without(path, word string) func(context.Context, fs.FS) error {
	return func(_ context.Context, tree fs.FS) error {
		text, err := fs.ReadFile(tree, path)
		if err == nil && strings.Contains(string(text), word) {
			err = errors.New("it has " + word)
		}
		return err
	}
}

// TestTheSmallestPartIsTakenBack: of a landing with a good and a bad change only the bad
// one goes, although the whole could, and what came later is all there.
func TestTheSmallestPartIsTakenBack(t *testing.T) {
	h := open(t, t.TempDir())
	ctx := context.Background()
	h.save("a sheet", map[sys.Path]string{sheet: numbered(20, nil)})
	guilty := h.save("good and bad", map[sys.Path]string{sheet: numbered(20, map[int]string{2: "good", 9: "bad"})})
	later := h.save("later", map[sys.Path]string{sheet: numbered(20, map[int]string{2: "good", 9: "bad", 15: "later"})})
	before, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	info, _, err := h.Undo(ctx, guilty, UndoOptions{Smallest: true, Keep: without(sheet, "bad"), Kind: sys.ByHealer, Title: "Healed notes"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.live(sheet), numbered(20, map[int]string{2: "good", 15: "later"}); got != want {
		t.Errorf("%q", got)
	}
	if info.Kind != sys.ByHealer || info.Title != "Healed notes" || info.Provenance.Undoes != guilty {
		t.Errorf("%+v", info)
	}
	after, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if lost, err := h.Lost(ctx, before, after, guilty-1, "apps/notes", guilty); err != nil || len(lost) > 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
	if lost, err := h.Lost(ctx, before, after, guilty-1, "apps/notes"); err != nil || !slices.Equal(lost, []sys.LandingID{guilty}) {
		t.Errorf("the guilty one has lost something: %v, %v", lost, err)
	}
	h.save("the sheet of old", map[sys.Path]string{sheet: numbered(20, map[int]string{2: "good"})})
	if after, err = h.View(0); err != nil {
		t.Fatal(err)
	}
	if lost, err := h.Lost(ctx, before, after, guilty-1, "apps/notes", guilty); err != nil || !slices.Equal(lost, []sys.LandingID{later}) {
		t.Errorf("lost %v, %v", lost, err)
	}
}

// TestReplayLeavesOutWhatDoesNotHold: from the last good state on, each later landing
// comes back that merges and holds.
func TestReplayLeavesOutWhatDoesNotHold(t *testing.T) {
	h := open(t, t.TempDir())
	ctx := context.Background()
	good := h.save("a sheet", map[sys.Path]string{sheet: numbered(20, nil)})
	guilty := h.save("bad", map[sys.Path]string{sheet: numbered(20, map[int]string{9: "bad"})})
	onTop := h.save("on top of it", map[sys.Path]string{sheet: numbered(20, map[int]string{9: "badder"})})
	h.save("later", map[sys.Path]string{sheet: numbered(20, map[int]string{9: "badder", 15: "later"}), "apps/notes/more.txt": "more\n"})
	other := h.save("another", map[sys.Path]string{sheet: numbered(20, map[int]string{9: "badder", 15: "later", 1: "bad too"})})
	o := ReplayOptions{Path: "apps/notes", Good: good, Without: []sys.LandingID{guilty}, Keep: without(sheet, "bad"), Kind: sys.ByHealer, Preview: true}
	r, err := h.Replay(ctx, o)
	if err != nil || r.Landing.ID != 0 || len(r.Files) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	o.Preview = false
	if r, err = h.Replay(ctx, o); err != nil || !slices.Equal(r.Skipped, []sys.LandingID{onTop, other}) || r.Landing.Kind != sys.ByHealer {
		t.Fatalf("%+v, %v", r, err)
	}
	if got, want := h.live(sheet), numbered(20, map[int]string{15: "later"}); got != want {
		t.Errorf("%q", got)
	}
	if got := h.live("apps/notes/more.txt"); got != "more\n" {
		t.Errorf("%q", got)
	}
	o.Keep = func(context.Context, fs.FS) error { return errors.New("never") }
	if _, err := h.Replay(ctx, o); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("%v", err)
	}
}
