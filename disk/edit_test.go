package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

const jotted = "system/jotted.txt"

// adding is an edit that adds a line to a file.
func adding(line string, before func(try int)) func(*View) (Write, error) {
	try := 0
	return func(home *View) (Write, error) {
		text, err := home.ReadFile(jotted)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Write{}, err
		}
		if try++; before != nil {
			before(try)
		}
		return Write{Files: map[sys.Path][]byte{jotted: append(text, line+"\n"...)}, Kind: sys.ByOwner, Title: "Added " + line}, nil
	}
}

// TestAnEditKeepsWhatIsSavedByHand: a save a moment before it, and one while it is being
// made, are in what lands, and under the owner's name in the history. Nothing watches here:
// only the edit itself can have seen them.
func TestAnEditKeepsWhatIsSavedByHand(t *testing.T) {
	h := open(t, t.TempDir())
	file := filepath.Join(h.Root(), jotted)
	save := func(line string) {
		t.Helper()
		was, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(was, line+"\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("by hand before")
	tries := 0
	info, err := h.Edit(t.Context(), []sys.Path{jotted}, adding("by the system", func(try int) {
		if tries = try; try == 1 {
			save("by hand meanwhile")
		}
	}))
	if err != nil || info.ID == 0 || tries != 2 {
		t.Fatalf("%+v, %v, after %d tries", info, err, tries)
	}
	const want = "by hand before\nby hand meanwhile\nby the system\n"
	if now, err := os.ReadFile(file); err != nil || string(now) != want {
		t.Errorf("%q, %v", now, err)
	}
	list, err := h.Log(t.Context(), Query{Path: jotted})
	if err != nil || len(list) != 3 {
		t.Errorf("its history: %+v, %v", list, err)
	}
}

// TestAnEditThatFindsNoRest lands nothing, loses nothing and says why.
func TestAnEditThatFindsNoRest(t *testing.T) {
	h := open(t, t.TempDir())
	file := filepath.Join(h.Root(), jotted)
	last := ""
	_, err := h.Edit(t.Context(), []sys.Path{jotted}, adding("by the system", func(try int) {
		last = fmt.Sprintf("save %d\n", try)
		if err := os.WriteFile(file, []byte(last), 0o644); err != nil {
			t.Fatal(err)
		}
	}))
	var conflict *ConflictError
	if !errors.As(err, &conflict) || len(conflict.Stale) != 1 || conflict.Stale[0] != jotted || !strings.Contains(err.Error(), "changed") {
		t.Fatalf("%v", err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != last {
		t.Errorf("%q, %v", now, err)
	}
}

// TestEditsOfOneFileAddUp: of two that are made at once both are there.
func TestEditsOfOneFileAddUp(t *testing.T) {
	h := open(t, t.TempDir())
	const n = 4
	done := make(chan error, n)
	for i := range n {
		go func() {
			_, err := h.Edit(t.Context(), []sys.Path{jotted}, adding(fmt.Sprint("line ", i), nil))
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	now, err := os.ReadFile(filepath.Join(h.Root(), jotted))
	if err != nil || strings.Count(string(now), "\n") != n {
		t.Errorf("%q, %v", now, err)
	}
}

// TestAnEditOfNothing lands nothing, and what refuses it comes back as it is.
func TestAnEditOfNothing(t *testing.T) {
	h := open(t, t.TempDir())
	head := h.Head()
	info, err := h.Edit(t.Context(), []sys.Path{jotted}, func(*View) (Write, error) { return Write{}, nil })
	if err != nil || info.ID != 0 || h.Head() != head {
		t.Errorf("%+v, %v", info, err)
	}
	no := errors.New("no")
	if _, err := h.Edit(t.Context(), nil, func(*View) (Write, error) { return Write{}, no }); err != no {
		t.Errorf("%v", err)
	}
}
