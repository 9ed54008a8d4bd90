package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// says checks how a command ended and what it said.
func (r Result) says(t *testing.T, status int, words ...string) {
	t.Helper()
	if r.Status != status {
		t.Errorf("status %d, want %d", r.Status, status)
	}
	for _, w := range words {
		if !strings.Contains(r.Stdout+r.Stderr, w) {
			t.Errorf("does not say %q:\n%s%s", w, r.Stdout, r.Stderr)
		}
	}
}

func TestTheHomeIsHeld(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	if err := os.Remove(filepath.Join(w.Home, ".disk/run/daemon.json")); err != nil {
		t.Fatal(err)
	}
	w.Run("status").says(t, 1, "has it open", "--home")
}

func TestThePortIsInUse(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	other := NewWorld(t)
	other.Run("up", "--listen", strings.TrimPrefix(w.Addr, "http://")).says(t, 1, "in use", "--listen")
	if _, err := os.Stat(other.Home); err == nil {
		t.Error("a home was made although it could not be served")
	}
}

func TestTheHomeIsFromANewerVersion(t *testing.T) {
	w := NewWorld(t)
	w.Do("status")
	db := filepath.Join(w.Home, ".disk", "kernel.db")
	sqlite(t, db, "PRAGMA user_version=99")
	w.Run("status").says(t, 1, "newer")
}

func TestUsage(t *testing.T) {
	w := NewWorld(t)
	w.Run("frobnicate").says(t, 2, "frobnicate")
	w.Run("ask").says(t, 2)
	w.Run("show", "seven").says(t, 1, "L12", "snapshot")
	w.Run("show", "L99").says(t, 1, "L99")
	w.Run("undo").says(t, 1, "undo")
	w.Run("open", "nothing").says(t, 1)
}

func TestBrokenSourceKeepsTheLastGoodApp(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	file := filepath.Join(w.Home, "apps/expenses/src/App.tsx")
	good := w.Read("apps/expenses/src/App.tsx")
	if err := os.WriteFile(file, []byte(good+"\n<<<"), 0o644); err != nil {
		t.Fatal(err)
	}
	Eventually(t, patience, "the error is shown with its place", func() bool {
		a, there := w.App("expenses")
		return there && !a.OK && len(a.Diagnostics) > 0 && a.Diagnostics[0].Line > 0
	})
	if err := os.WriteFile(file, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	Eventually(t, patience, "the app is well again", func() bool {
		a, _ := w.App("expenses")
		return a.OK
	})
}

func TestAFullDiskLosesNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	w := NewWorld(t)
	w.untried = true
	small := filepath.Dir(w.Home) + "/small"
	mountSmall(t, small, "24m")
	w.Home = filepath.Join(small, "home")
	w.Do("ask", "a reading list")
	filler := filepath.Join(small, "filler")
	fill(t, filler)
	w.Run("ask", request).says(t, 1, "full", "room")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.Up() // and now while it runs
	before := w.Do("log", "--json").Stdout
	fill(t, filler)
	w.Run("ask", request).says(t, 1, "full", "room")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if after := w.Do("log", "--json").Stdout; after != before {
		t.Errorf("the history changed:\n%s\n%s", before, after)
	}
	w.Do("ask", request)
}
