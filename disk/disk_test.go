package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

var template = fstest.MapFS{
	"system/soul.md":          {Data: []byte("# Soul\n\nBe kind.\n")},
	"apps/notes/matrix.json":  {Data: []byte("{\n  \"name\": \"Notes\",\n  \"slug\": \"notes\"\n}\n")},
	"apps/notes/src/App.tsx":  {Data: []byte("one\ntwo\nthree\nfour\nfive\nsix\nseven\n")},
	"apps/notes/bin/run":      {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
	".matrixignore":           {Data: []byte("*.tmp\n/cache/\n")},
	"agents/system-prompt.md": {Data: []byte("You are.\n")},
}

// home is a disk under test; its verbs fail the test.
type home struct {
	*Disk
	t testing.TB
}

func open(t testing.TB, root string, change ...func(*Options)) *home {
	t.Helper()
	o := Options{Template: template, Owner: "Ada <ada@example.org>", NoWatch: true, Holder: "/proc/self/exe"}
	for _, c := range change {
		c(&o)
	}
	d, err := Open(context.Background(), root, o)
	if err != nil {
		t.Fatal(err)
	}
	h := &home{d, t}
	t.Cleanup(func() { h.close() })
	return h
}

func (h *home) close() {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *home) begin() *Txn {
	h.t.Helper()
	tx, err := h.Begin(context.Background(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := tx.Drop(); err != nil {
			h.t.Error(err)
		}
	})
	return tx
}

func (h *home) put(path, text string) { h.t.Helper(); put(h.t, filepath.Join(h.root, path), text) }

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (h *home) live(path string) string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return "<absent>"
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *home) landed(path string) string {
	h.t.Helper()
	v, err := h.View(0)
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := v.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "<absent>"
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *home) want(path, text string) {
	h.t.Helper()
	if got := h.live(path); got != text {
		h.t.Errorf("live %s is %q, want %q", path, got, text)
	}
	if got := h.landed(path); got != text {
		h.t.Errorf("landed %s is %q, want %q", path, got, text)
	}
}

func (h *home) land(tx *Txn, title string) sys.LandingInfo {
	h.t.Helper()
	info, err := tx.Land(context.Background(), Landing{Title: title, Provenance: sys.Provenance{Process: 7, Program: "builder"}})
	if err != nil {
		h.t.Fatal(err)
	}
	return info
}

func (h *home) capture() sys.LandingInfo {
	h.t.Helper()
	info, err := h.Capture(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return info
}

func (h *home) git(args ...string) string {
	h.t.Helper()
	if err := errors.Join(h.publishHistory(), h.writeIndex(true)); err != nil {
		h.t.Fatal(err)
	}
	out, err := gitIn(h.root, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// gitIn runs plain git in a folder.
func gitIn(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "safe.directory=*"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %v: %w\n%s", args, err, out)
	}
	return string(out), nil
}

func TestNewHomeHasTheTemplate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "home")
	put(t, root+"/system/soul.md", "mine\n")
	h := open(t, root)
	if h.Head() != 2 {
		t.Errorf("head is %s, want the template and the owner's file", h.Head())
	}
	h.want("system/soul.md", "mine\n")
	h.want("apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n")
	if st, err := os.Stat(root + "/apps/notes/bin/run"); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("run is not executable: %v %v", st, err)
	}
	h.close()
	h = open(t, root)
	if h.Head() != 2 {
		t.Errorf("opening again made %s", h.Head())
	}
}

func TestLandLogShowUndo(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	tx := h.begin()
	put(t, tx.Dir()+"/apps/notes/src/App.tsx", "one\n2\nthree\nfour\nfive\nsix\nseven\n")
	put(t, tx.Dir()+"/apps/todo/src/App.tsx", "todo\n")
	put(t, tx.Dir()+"/apps/todo/x.tmp", "ignored\n")
	if err := os.Remove(tx.Dir() + "/agents/system-prompt.md"); err != nil {
		t.Fatal(err)
	}
	var noted bool
	info, err := tx.Land(ctx, Landing{
		Title: "Number two\nand more", Provenance: sys.Provenance{Process: 3, Parent: 1, Program: "builder", Request: "r1", Conversation: "c1", Model: "offline", Cost: sys.Cost{Input: 5, USD: 0.01, Estimated: true}, Verified: "static"},
		Events: []sys.Event{sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: "with it"})},
		Update: func(tx *journal.Tx) error { noted = true; return nil },
	})
	if err != nil || !noted {
		t.Fatal(err, noted)
	}
	if info.ID != 2 || info.Title != "Number two and more" || len(info.Changes) != 3 || len(info.Apps) != 2 || len(info.Created) != 1 || info.Created[0] != "todo" {
		t.Errorf("landing is %+v", info)
	}
	h.want("apps/notes/src/App.tsx", "one\n2\nthree\nfour\nfive\nsix\nseven\n")
	h.want("apps/todo/src/App.tsx", "todo\n")
	h.want("agents/system-prompt.md", "<absent>")
	if _, err := os.Stat(filepath.Join(h.root, "apps/todo/x.tmp")); err == nil {
		t.Error("an ignored file landed")
	}
	events, err := h.Journal().Read(ctx, 0, 100)
	if err != nil || len(events) != 3 || events[1].Kind != sys.EventLanding || events[1].PID != 3 || events[2].Kind != sys.EventNotice {
		t.Errorf("events are %+v, %v", events, err)
	}
	log, err := h.Log(ctx, Query{})
	if err != nil || len(log) != 2 || fmt.Sprint(log[0]) != fmt.Sprint(info) {
		t.Errorf("log is %+v, %v\nwant %+v", log, err, info)
	}
	if log, err = h.Log(ctx, Query{Path: "apps/todo"}); err != nil || len(log) != 1 {
		t.Errorf("log of a folder is %+v, %v", log, err)
	}
	_, files, err := h.Show(ctx, 2)
	if err != nil || len(files) != 3 || files[1].Patch != "--- a/apps/notes/src/App.tsx\n+++ b/apps/notes/src/App.tsx\n@@ -1,5 +1,5 @@\n one\n-two\n+2\n three\n four\n five\n" {
		t.Errorf("show is %+v, %v", files, err)
	}
	message := h.git("log", "-1", "--format=%an|%s|%(trailers)")
	for _, want := range []string{"builder|Number two and more|", "Disk-Seq: 2\n", "Disk-Kind: agent\n", "Disk-Base: L1\n", "Process: 3\n", "Parent: 1\n", "Request: r1\n", "Conversation: c1\n", "Model: offline\n", "Cost: $0.01 input=5", "Verified: static\n"} {
		if !strings.Contains(message, want) {
			t.Errorf("git log misses %q in\n%s", want, message)
		}
	}
	h.put("apps/notes/src/App.tsx", "one\n2\nthree\nfour\nfive\nsix\nSEVEN\n")
	_, files, err = h.Undo(ctx, 2, UndoOptions{Preview: true})
	if err != nil || len(files) != 3 {
		t.Errorf("preview is %+v, %v", files, err)
	}
	undone, _, err := h.Undo(ctx, 2, UndoOptions{})
	if err != nil || undone.Kind != sys.ByUndo || undone.Provenance.Undoes != 2 {
		t.Fatal(undone, err)
	}
	h.want("apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n")
	h.want("apps/todo/src/App.tsx", "<absent>")
	h.want("agents/system-prompt.md", "You are.\n")
	if _, err := os.Stat(filepath.Join(h.root, "apps/todo")); err == nil {
		t.Error("the empty folder of the app is still there")
	}
	again, _, err := h.Undo(ctx, undone.ID, UndoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h.want("apps/notes/src/App.tsx", "one\n2\nthree\nfour\nfive\nsix\nSEVEN\n")
	h.want("apps/todo/src/App.tsx", "todo\n")
	log, err = h.Log(ctx, Query{})
	if err != nil || log[0].ID != again.ID || log[1].UndoneBy != again.ID || log[len(log)-2].UndoneBy != 0 {
		t.Errorf("log is %+v, %v", log, err)
	}
	h.git("fsck", "--strict")
}

func TestCaptureAndMerge(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	put(t, tx.Dir()+"/apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\n7\n")
	h.put("apps/notes/src/App.tsx", "1\ntwo\nthree\nfour\nfive\nsix\nseven\n")
	h.land(tx, "seven")
	h.want("apps/notes/src/App.tsx", "1\ntwo\nthree\nfour\nfive\nsix\n7\n")
	log, err := h.Log(context.Background(), Query{})
	if err != nil || len(log) != 3 || log[1].Kind != sys.ByOwner || log[1].Title != "Edited apps/notes/src/App.tsx" {
		t.Errorf("log is %+v, %v", log, err)
	}
	h.put("apps/notes/a.md", "a")
	h.put("apps/notes/b.md", "b")
	h.put("cache/x", "not versioned")
	if info := h.capture(); info.Title != "Added 2 files in apps/notes" || info.Kind != sys.ByOwner {
		t.Errorf("captured %+v", info)
	}
	if info := h.capture(); info.ID != 0 {
		t.Errorf("captured %+v though nothing changed", info)
	}
}

func TestConflictIsAValueAndCanBeAnswered(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a, b := h.begin(), h.begin()
	put(t, a.Dir()+"/system/soul.md", "# Soul\n\nBe brave.\n")
	put(t, b.Dir()+"/system/soul.md", "# Soul\n\nBe quick.\n")
	h.land(a, "a")
	_, err := b.Land(ctx, Landing{Title: "b"})
	var conflict *ConflictError
	if !errors.As(err, &conflict) || sys.KindOf(err) != sys.Conflict || sys.HintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
	f := conflict.Files[0]
	if f.Path != "system/soul.md" || string(f.Base) != "# Soul\n\nBe kind.\n" || string(f.Ours) != "# Soul\n\nBe brave.\n" || string(f.Theirs) != "# Soul\n\nBe quick.\n" {
		t.Errorf("conflict is %+v", f)
	}
	if _, err := b.Land(ctx, Landing{Title: "b again"}); !errors.Is(err, sys.Conflict) {
		t.Errorf("landing again without an edit: %v", err)
	}
	put(t, b.Dir()+"/system/soul.md", "# Soul\n\nBe brave and quick.\n")
	h.land(b, "both")
	h.want("system/soul.md", "# Soul\n\nBe brave and quick.\n")
}

func TestStaleReadsAreNamed(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	tx.NoteRead("system/soul.md")
	tx.NoteRead("agents/system-prompt.md")
	h.put("system/soul.md", "changed\n")
	h.capture()
	var stale []sys.Path
	h.SetChecks(func(_ context.Context, c Checked) error { stale = c.Stale; return nil })
	put(t, tx.Dir()+"/x", "x")
	h.land(tx, "built on what it has read")
	if len(stale) != 1 || stale[0] != "system/soul.md" {
		t.Errorf("the check saw %v", stale)
	}
	if got := h.git("log", "-1", "--format=%(trailers:key=Disk-Stale,valueonly)"); strings.TrimSpace(got) != "system/soul.md" {
		t.Errorf("the trailer says %q", got)
	}
}

func TestWatcherRecordsEdits(t *testing.T) {
	h := open(t, t.TempDir(), func(o *Options) { o.NoWatch = false })
	sub := h.Journal().Subscribe(h.Journal().Last())
	defer sub.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	h.put("apps/new/deep/er/file.txt", "x")
	start := time.Now()
	events, err := sub.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if len(events) != 1 || events[0].Kind != sys.EventLanding || !strings.Contains(string(events[0].Data), "Added apps/new/deep/er/file.txt") {
		t.Errorf("events are %+v", events)
	}
}
