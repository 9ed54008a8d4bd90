package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

func TestDiff(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	long := strings.Repeat("a line\n", 3) + "b\nc\nd\n"
	a := h.write("One", map[sys.Path]string{"d/x": "x\n", "d/old.txt": long, "p.png": "\x00"})
	h.write("Two", map[sys.Path]string{"d/x": "x\ny\n", "d/old.txt": gone, "d/new.txt": long + "e\n", "p.png": "\x00\x01"})
	h.put("d/hand", "by hand\n")
	c, err := h.Diff(ctx, a, 0, DiffOptions{Path: "d"})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range c.Files {
		got += fmt.Sprintf("%s %s %s +%d -%d\n", f.Op, f.Path, f.From, f.AddedLines, f.DeletedLines)
	}
	if want := "added d/hand  +1 -0\nrenamed d/new.txt d/old.txt +1 -0\nmodified d/x  +1 -0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if p := c.Files[1].Patch; !strings.Contains(p, "--- a/d/old.txt\n+++ b/d/new.txt\n") || !strings.Contains(p, "\n+e\n") {
		t.Errorf("patch %q", p)
	}
	if c.To != h.Head() {
		t.Errorf("compared with %s", c.To)
	}
	back, err := h.Diff(ctx, c.To, a, DiffOptions{Stat: true})
	if err != nil || len(back.Files) != 4 || back.Files[3].Path != "p.png" || !back.Files[3].Binary || back.Files[0].Patch != "" {
		t.Errorf("%+v %v", back.Files, err)
	}
	if _, err := h.Diff(ctx, a, 0, DiffOptions{Path: "nowhere"}); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
	if _, err := h.Diff(ctx, 99, 0, DiffOptions{}); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
}

// A file and a folder come back as they were; what was there is in the history,
// edits by hand too, and the restore can be undone.
func TestRestore(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a := h.write("One", map[sys.Path]string{"d/x": "x\n", "d/y": "y\n"})
	h.write("Two", map[sys.Path]string{"d/x": "xx\n", "d/y": gone, "d/z": "z\n"})
	h.put("d/x", "by hand\n")
	p, err := h.Restore(ctx, "d", a, RestoreOptions{Preview: true})
	if err != nil || p.Landing.ID != 0 || len(p.Files) != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	h.want("d/x", "by hand\n")
	r, err := h.Restore(ctx, "d", a, RestoreOptions{})
	if err != nil || r.Landing.Title != "Restored d as of "+a.String() || r.Landing.Kind != sys.ByOwner || r.Landing.Provenance.Restores != a {
		t.Fatalf("%+v %v", r, err)
	}
	h.want("d/x", "x\n")
	h.want("d/y", "y\n")
	h.want("d/z", gone)
	if out, err := exec.Command("git", "-C", h.root, "log", "-1", "--format=%B").Output(); err == nil && h.publishHistory() == nil && strings.Contains(string(out), "Disk-Seq: "+fmt.Sprint(int(r.Landing.ID))) && !strings.Contains(string(out), "Restores: "+a.String()) {
		t.Errorf("the commit says\n%s", out)
	}
	if _, _, err := h.Undo(ctx, r.Landing.ID, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	h.want("d/x", "by hand\n")
	h.want("d/z", "z\n")
	if _, err := h.Restore(ctx, "d/x", a, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	h.want("d/x", "x\n")
	for _, c := range []struct {
		path sys.Path
		at   sys.LandingID
		want sys.Kind
	}{{"d/x", a, sys.Exists}, {"d/z", a, sys.NotFound}, {"d", 99, sys.NotFound}, {"a.tmp", a, sys.Invalid}} {
		if _, err := h.Restore(ctx, c.path, c.at, RestoreOptions{}); !errors.Is(err, c.want) || sys.HintOf(err) == "" {
			t.Errorf("%s at %s: %v", c.path, c.at, err)
		}
	}
}

// Bytes that are not versioned any more are not overwritten.
func TestRestoreLeavesIgnoredFiles(t *testing.T) {
	h := open(t, t.TempDir())
	a := h.write("One", map[sys.Path]string{"d/x.log": "old\n", "d/y": "y\n"})
	h.write("Two", map[sys.Path]string{"d/y": "yy\n"})
	h.put(".matrixignore", "*.log\n")
	h.put("d/x.log", "precious\n")
	h.write("Three", map[sys.Path]string{"e": "e"})
	r, err := h.Restore(context.Background(), "d", a, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if h.live("d/x.log") != "precious\n" || h.live("d/y") != "y\n" {
		t.Errorf("%q %q, skipped %v", h.live("d/x.log"), h.live("d/y"), r.Skipped)
	}
}

func TestSnapshots(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	h := open(t, root)
	a := h.write("One", map[sys.Path]string{"x": "1"})
	h.write("Two", map[sys.Path]string{"x": "2"})
	if _, err := h.Snapshot(ctx, "before-the-move", a); err != nil {
		t.Fatal(err)
	}
	h.put("x", "by hand")
	s, err := h.Snapshot(ctx, "Übung.1", 0)
	if err != nil || s.Landing != h.Head() || s.Title != "Edited x" {
		t.Fatalf("%+v %v", s, err)
	}
	if _, err := h.Snapshot(ctx, "before-the-move", 0); !errors.Is(err, sys.Exists) {
		t.Error(err)
	}
	h.close()
	h = open(t, root)
	list, err := h.Snapshots(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "Übung.1" || list[1].Landing != a {
		t.Errorf("%+v %v", list, err)
	}
	if out, err := exec.Command("git", "-C", root, "show", "snapshots/before-the-move:x").CombinedOutput(); err != nil || string(out) != "1" {
		t.Errorf("git says %q %v", out, err)
	}
	if id, err := h.Moment(ctx, "before-the-move", time.Now()); id != a || err != nil {
		t.Errorf("%s %v", id, err)
	}
	if err := h.DeleteSnapshot("before-the-move"); err != nil {
		t.Error(err)
	}
	if err := h.DeleteSnapshot("before-the-move"); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
	for _, name := range []string{"", "L12", "12", "now", "yesterday", "2026-11-20", "14:00", "a b", "../../HEAD", "a..b", "x.lock", "-x", ".x", "a/b", "x\x00", strings.Repeat("x", 65)} {
		if _, err := h.Snapshot(ctx, name, a); !errors.Is(err, sys.Invalid) || sys.HintOf(err) == "" {
			t.Errorf("%q: %v", name, err)
		}
		if err := h.DeleteSnapshot(name); err == nil {
			t.Errorf("deleted %q", name)
		}
	}
}

// A past landing is a read-only folder, shared, not part of the home, and gone
// when it was not asked for in a while.
func TestCheckout(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a := h.write("One", map[sys.Path]string{"d/x": "1"})
	h.write("Two", map[sys.Path]string{"d/x": "2"})
	dir, err := h.Checkout(ctx, a, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "d/x"))
	st, err2 := os.Stat(filepath.Join(dir, "d/x"))
	folder, err3 := os.Stat(filepath.Join(dir, "d"))
	run, err4 := os.Stat(filepath.Join(dir, "apps/notes/bin/run"))
	if err := errors.Join(err, err2, err3, err4); err != nil || string(b) != "1" || st.Mode().Perm() != 0o444 || folder.Mode().Perm() != 0o555 || run.Mode().Perm() != 0o555 {
		t.Errorf("%q %v %v %v %v", b, st.Mode(), folder.Mode(), run.Mode(), err)
	}
	if again, err := h.Checkout(ctx, a, ""); again != dir || err != nil {
		t.Errorf("%s %v", again, err)
	}
	if info, err := h.Capture(ctx); info.ID != 0 || err != nil {
		t.Errorf("the view was recorded: %+v %v", info, err)
	}
	own := filepath.Join(t.TempDir(), "past")
	if got, err := h.Checkout(ctx, a, own); err != nil || got != own {
		t.Errorf("%s %v", got, err)
	}
	t.Cleanup(func() { _ = removeReadOnly(own) })
	if _, err := h.Checkout(ctx, a, own); !errors.Is(err, sys.Exists) {
		t.Error(err)
	}
	if _, err := h.Checkout(ctx, a, filepath.Join(h.root, "past")); !errors.Is(err, sys.Invalid) {
		t.Error(err)
	}
	if _, err := h.Checkout(ctx, 99, ""); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
	old := time.Now().Add(-2 * pastLife)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	if err := h.makeRoom(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old view is still there: %v", err)
	}
}

func TestMoment(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a := h.write("One", map[sys.Path]string{"x": "1"})
	b := h.write("Two", map[sys.Path]string{"x": "2"})
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for id, at := range map[sys.LandingID]time.Time{1: now.Add(-72 * time.Hour), a: now.Add(-20 * time.Hour), b: now.Add(-time.Hour)} {
		err := h.j.Update(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE disk_landing SET time = ? WHERE landing = ?`, at.UnixNano(), id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]sys.LandingID{
		"now": b, "L1": 1, "l2": a, " 2 ": a, "yesterday": a, "yesterday 15:00": 1, "yesterday 16:00": a, "today": b, "11:00": b, "10:59": a,
		"2 hours ago": a, "30 min ago": b, "1 day ago": 1, "2026-11-23": 1, "2026-11-24": a, "2026-11-25 11:30": b, "2026-11-25T10:00:00Z": a, "2026-11-25t12:30:00+02:00": a,
	} {
		if got, err := h.Moment(ctx, text, now); got != want || err != nil {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "L99", "0", "soon", "2026-13-01", "25:00", "4 weeks ago", "2020-01-01"} {
		if got, err := h.Moment(ctx, text, now); err == nil || sys.HintOf(err) == "" {
			t.Errorf("%q is %s: %v", text, got, err)
		}
	}
	list, err := h.Log(ctx, Query{By: "builder", Text: "tw"})
	if err != nil || len(list) != 1 || list[0].ID != b {
		t.Errorf("%+v %v", list, err)
	}
	since, err := Since("2026-11-25", now)
	if err != nil {
		t.Fatal(err)
	}
	if list, err = h.Log(ctx, Query{Since: since}); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	if list, err = h.Log(ctx, Query{By: "owner"}); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	if list, err = h.Log(ctx, Query{Text: "100%"}); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"yesterday 14:00", "2026-11-20", "3 days ago", "14:00", "99999 weeks ago", "today", "2026-11-25T10:00:00Z", "  "} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		_, ok := parseTime(s, now)
		if _, err := Since(s, now); (err == nil) != ok && strings.TrimSpace(s) == s {
			t.Errorf("%q: %v %v", s, ok, err)
		}
		if ok && ValidSnapshot(s) == nil {
			t.Errorf("%q is a time and may be a snapshot", s)
		}
	})
}

// BenchmarkWhy explains a file of 300 lines that a thousand landings changed: the
// first time, and again after one more landing.
func BenchmarkWhy(b *testing.B) {
	h := open(b, b.TempDir())
	lines := strings.SplitAfter(strings.Repeat("a line of text\n", 300), "\n")
	for i := range 1000 {
		lines[i*7%300] = fmt.Sprintf("line written in round %d\n", i)
		h.write("edit", map[sys.Path]string{"f": strings.Join(lines, "")})
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			h.blames.mu.Lock()
			h.blames.known = nil
			h.blames.mu.Unlock()
			b.StartTimer()
			h.whys("f", WhyOptions{})
		}
	})
	b.Run("one line", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			h.blames.mu.Lock()
			h.blames.known = nil
			h.blames.mu.Unlock()
			b.StartTimer()
			h.whys("f", WhyOptions{Line: 150})
		}
	})
	b.Run("after one more", func(b *testing.B) {
		h.whys("f", WhyOptions{})
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			lines[i%300] = fmt.Sprintf("more %d\n", i)
			h.write("edit", map[sys.Path]string{"f": strings.Join(lines, "")})
			b.StartTimer()
			h.whys("f", WhyOptions{})
		}
	})
}
