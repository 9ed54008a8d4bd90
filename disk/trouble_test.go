package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	held := open(t, filepath.Join(dir, "held"))
	newer := open(t, filepath.Join(dir, "newer"))
	newer.close()
	db, err := sql.Open("sqlite", newer.store("kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE migration SET steps = 99 WHERE owner = 'disk'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "file"), "x")
	for _, c := range []struct {
		root string
		kind sys.Kind
		says string
	}{
		{held.Root(), sys.Held, fmt.Sprintf("process %d has it open", os.Getpid())},
		{newer.Root(), sys.TooNew, "step 99"},
		{filepath.Join(dir, "file"), sys.Invalid, "not a folder"},
		{filepath.Join(dir, "file", "below"), sys.Invalid, ""},
		{"/proc/no/such", sys.Unavailable, ""},
	} {
		_, err := Open(ctx, c.root, Options{})
		if c.root == "/proc/no/such" && sys.KindOf(err) == sys.Internal {
			continue // some systems say ENOENT here
		}
		if sys.KindOf(err) != c.kind || sys.HintOf(err) == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("open %s: %v (%s)", c.root, err, sys.KindOf(err))
		}
	}
	held.close()
	open(t, held.Root()) // and now it is free
}

// Each step before the commit point may find the disk full: the home is as it
// was, in memory and after opening it again, and landing works once there is room.
func TestNoSpaceLeavesNoTrace(t *testing.T) {
	ctx := context.Background()
	for _, point := range []string{"objects", "files", "decide"} {
		t.Run(point, func(t *testing.T) {
			root := t.TempDir()
			var full atomic.Bool
			h := open(t, root, func(o *Options) {
				o.fault = func(p string) error {
					if full.Load() && p == point {
						return &fs.PathError{Op: "write", Path: p, Err: unix.ENOSPC}
					}
					return nil
				}
			})
			h.git("fsck")
			before := tree(t, root)
			tx := h.begin()
			put(t, tx.Dir()+"/system/soul.md", "new\n")
			put(t, tx.Dir()+"/apps/large/data.bin", strings.Repeat("large", 1<<18))
			full.Store(true)
			_, err := tx.Land(ctx, Landing{Events: []sys.Event{sys.NewEvent(sys.EventNotice, sys.NoticeData{})}})
			if sys.KindOf(err) != sys.NoSpace || sys.HintOf(err) == "" {
				t.Fatalf("landing says %v", err)
			}
			since, err := h.j.Read(ctx, 1, 10)
			since = slices.DeleteFunc(since, func(e sys.Event) bool { return strings.Contains(string(e.Data), "The disk is full") }) // of the watch over its room
			if h.Head() != 1 || len(since) > 0 || err != nil {
				t.Errorf("head is %s, events since %+v, %v", h.Head(), since, err)
			}
			full.Store(false)
			if after := tree(t, root); after != before {
				t.Errorf("it left a trace:\n%s\nwas\n%s", after, before)
			}
			h.land(tx, "with room")
			h.want("system/soul.md", "new\n")
			h.close()
			h = open(t, root)
			h.want("apps/large/data.bin", strings.Repeat("large", 1<<18))
			h.git("fsck", "--strict")
		})
	}
}

// tree lists all files except those that change by themselves.
func tree(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(path, root)
		if rel == "/.disk/ws" || rel == "/.disk/layers" || strings.HasPrefix(rel, "/.disk/gen-") && e.IsDir() {
			return fs.SkipDir
		}
		if strings.HasPrefix(rel, "/.disk/gen-") || strings.HasPrefix(rel, "/.disk/kernel.db") || err != nil {
			return err
		}
		if !e.IsDir() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			fmt.Fprintln(&b, rel, info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// After the commit point a full disk costs the ballast, and nothing else.
func TestNoSpaceAfterTheCommitPoint(t *testing.T) {
	for _, point := range []string{"publish", "apply"} {
		t.Run(point, func(t *testing.T) {
			root := t.TempDir()
			var full atomic.Bool
			ballast := filepath.Join(root, ".disk", "ballast")
			h := open(t, root, func(o *Options) {
				o.fault = func(p string) error {
					if _, err := os.Stat(ballast); full.Load() && p == point && err == nil {
						return unix.ENOSPC
					}
					return nil
				}
			})
			h.git("fsck")
			tx := h.begin()
			put(t, tx.Dir()+"/system/soul.md", "new\n")
			full.Store(true)
			h.land(tx, "decided")
			h.want("system/soul.md", "new\n")
			h.git("fsck", "--strict")
			if _, err := os.Stat(ballast); err == nil {
				t.Error("the ballast was not needed: this tests nothing")
			}
			full.Store(false)
			h.close()
			h = open(t, root)
			h.want("system/soul.md", "new\n")
			if _, err := os.Stat(ballast); err != nil || h.Head() != 2 {
				t.Errorf("head is %s; ballast: %v", h.Head(), err)
			}
		})
	}
}

func TestUnwritableFolderIsTriedAgain(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("as root, permissions do not bind: a file in the way stands for them")
	}
	var hook hooked
	h := open(t, t.TempDir(), hook.option)
	tx := h.begin()
	put(t, tx.Dir()+"/apps/new/x.txt", "x\n")
	hook.once("committed", func() { h.put("apps/new", "in the way\n") }) // the owner makes a file where a folder is needed, this instant
	h.land(tx, "new app")
	if got := h.live("apps/new"); got != "in the way\n" {
		t.Errorf("the owner's file is %q", got)
	}
	if len(h.pending) != 1 {
		t.Errorf("pending is %v", h.pending)
	}
	if err := os.Remove(filepath.Join(h.root, "apps/new")); err != nil {
		t.Fatal(err)
	}
	h.capture()
	h.want("apps/new/x.txt", "x\n")
	if len(h.pending) != 0 {
		t.Errorf("pending is %v", h.pending)
	}
}

func TestKernelDBLost(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	h := open(t, root)
	tx := h.begin()
	put(t, tx.Dir()+"/apps/todo/a.txt", "a\n")
	want, err := tx.Land(ctx, Landing{Title: "Todo: an app", Provenance: sys.Provenance{Process: 4, Program: "builder", Cost: sys.Cost{Input: 3, USD: 0.5}, Label: sys.Label{Integrity: sys.Untrusted}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Undo(ctx, 2, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	h.close()
	for _, f := range []string{"kernel.db", "kernel.db-wal", "kernel.db-shm"} {
		if err := os.Remove(h.store(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	h = open(t, root)
	log, err := h.Log(ctx, Query{})
	if err != nil || len(log) != 3 {
		t.Fatalf("log is %+v, %v", log, err)
	}
	got := log[1]
	want.UndoneBy, got.Time = 3, want.Time
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("rebuilt %+v\nwant    %+v", got, want)
	}
	h.land(func() *Txn { tx := h.begin(); put(t, tx.Dir()+"/x", "x"); return tx }(), "goes on")
	if h.Head() != 4 {
		t.Errorf("head is %s", h.Head())
	}
}

func TestPlainGitWorksInTheHome(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	for i := range 5 {
		tx := h.begin()
		put(t, tx.Dir()+"/system/soul.md", fmt.Sprintf("# Soul\n\nBe kind.\n%d\n", i))
		h.land(tx, fmt.Sprintf("version %d", i))
	}
	if got := h.git("log", "--format=%s", "--", "system/soul.md"); got != "version 4\nversion 3\nversion 2\nversion 1\nversion 0\nA new home\n" {
		t.Errorf("git log says\n%s", got)
	}
	if got := h.git("diff", "HEAD~1", "--", "system"); !strings.Contains(got, "-3\n+4\n") {
		t.Errorf("git diff says\n%s", got)
	}
	if got := h.git("blame", "system/soul.md"); !strings.Contains(got, "builder") || !strings.Contains(got, "Matrix OS") {
		t.Errorf("git blame says\n%s", got)
	}
	if got := h.git("status", "--porcelain"); got != "" {
		t.Errorf("git status says\n%s", got)
	}
	h.put("agents/system-prompt.md", "You were.\n")
	h.put("data/notes/x.sqlite-wal", "")
	if got := h.git("status", "--porcelain"); got != " M agents/system-prompt.md\n" {
		t.Errorf("git status says\n%s", got)
	}
	h.git("gc", "-q", "--prune=now")
	tx := h.begin()
	put(t, tx.Dir()+"/system/soul.md", "after gc\n")
	h.land(tx, "after gc")
	h.want("apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n")
	for id := sys.LandingID(1); id <= h.Head(); id++ {
		if _, _, err := h.Show(ctx, id); err != nil {
			t.Errorf("show %s: %v", id, err)
		}
	}
	h.git("gc", "-q", "--prune=now", "--aggressive")
	h.close()
	h = open(t, h.root)
	h.want("system/soul.md", "after gc\n")
	if _, files, err := h.Undo(ctx, 3, UndoOptions{Preview: true}); sys.KindOf(err) != sys.Conflict {
		t.Errorf("undo of an overwritten line: %v %v", files, err)
	}
}

func TestOwnerUsesGitByHand(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	put(t, tx.Dir()+"/a.txt", "a\n")
	h.land(tx, "a")
	h.put("a.txt", "mine\n")
	h.git("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", "by hand")
	byHand := strings.TrimSpace(h.git("rev-parse", "HEAD"))
	tx = h.begin()
	put(t, tx.Dir()+"/b.txt", "b\n")
	h.land(tx, "b")
	h.capture()
	h.want("a.txt", "mine\n")
	h.want("b.txt", "b\n")
	if got := strings.TrimSpace(h.git("rev-parse", "main")); got != h.at().commit.String() {
		t.Errorf("main is %s", got)
	}
	if got := h.git("for-each-ref", "--format=%(objectname)", "refs/owner"); strings.TrimSpace(got) != byHand {
		t.Errorf("the commit by hand is not kept: %q", got)
	}
}

func TestViewIsAFileSystem(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	for link, to := range map[string]string{"link": "system/soul.md", "folder": "apps/notes", "apps/up": "../system", "loop": "loop", "out": "../../etc/passwd", "abs": "/etc/passwd"} {
		if err := os.Symlink(to, filepath.Join(tx.Dir(), link)); err != nil {
			t.Fatal(err)
		}
	}
	h.land(tx, "links")
	v, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{"link": true, "folder/src/App.tsx": true, "apps/up/soul.md": true, "loop": false, "out": false, "abs": false, "apps/../x": false, "no": false} {
		if _, err := v.ReadFile(name); (err == nil) != ok {
			t.Errorf("read %s: %v", name, err)
		}
	}
	if v.Landing() != 2 || v.Hash("apps") == "" || v.Hash("none") != "" {
		t.Errorf("view of %s, hash %q", v.Landing(), v.Hash("apps"))
	}
	first, err := h.View(1)
	if err != nil {
		t.Fatal(err)
	}
	if first.Hash("apps/notes") != v.Hash("apps/notes") || first.Tree() == v.Tree() {
		t.Error("hashes do not follow the content")
	}
	if err := fstest.TestFS(first, "system/soul.md", "apps/notes/src/App.tsx", "apps/notes/bin/run"); err != nil {
		t.Error(err)
	}
	if _, err := h.View(99); sys.KindOf(err) != sys.NotFound {
		t.Errorf("view of L99: %v", err)
	}
}

func TestChecksSeeTheMergedTree(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	refusal := errors.New("does not compile")
	var seen []string
	h.SetChecks(func(_ context.Context, c Checked) error {
		b, err := fs.ReadFile(c.Tree, "apps/notes/src/App.tsx")
		if err != nil {
			return err
		}
		seen = append(seen, string(b))
		if strings.Contains(string(b), "broken") {
			return refusal
		}
		return nil
	})
	tx := h.begin()
	put(t, tx.Dir()+"/apps/notes/src/App.tsx", "one\nbroken\nthree\nfour\nfive\nsix\nseven\n")
	if _, err := tx.Land(ctx, Landing{}); !errors.Is(err, refusal) {
		t.Fatalf("a broken app lands: %v", err)
	}
	h.want("apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n")
	h.put("apps/notes/src/App.tsx", "one\ntwo\nthree\nfour\nfive\nsix\n7\n")
	put(t, tx.Dir()+"/apps/notes/src/App.tsx", "1\ntwo\nthree\nfour\nfive\nsix\nseven\n")
	h.land(tx, "repaired")
	if last := seen[len(seen)-1]; last != "1\ntwo\nthree\nfour\nfive\nsix\n7\n" {
		t.Errorf("the check saw %q", last)
	}
	h.put("apps/notes/src/App.tsx", "broken by hand\n")
	h.capture()
	h.want("apps/notes/src/App.tsx", "broken by hand\n")
	if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{"x": []byte("x")}}); !errors.Is(err, refusal) {
		t.Errorf("write past the check: %v", err)
	}
	if _, err := h.Write(ctx, Write{Kind: sys.ByOwner, Files: map[sys.Path][]byte{"x": []byte("x"), "system/soul.md": nil}}); err != nil {
		t.Errorf("the owner's write is refused: %v", err)
	}
	h.want("x", "x")
	h.want("system/soul.md", "<absent>")
	for _, p := range []sys.Path{"../x", ".disk/kernel.db", "a/.git/config", "system/layout.json"} {
		if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{p: {}}}); sys.KindOf(err) != sys.Invalid {
			t.Errorf("write %s: %v", p, err)
		}
	}
}

func TestFilesAndFoldersTradePlaces(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	if err := os.RemoveAll(tx.Dir() + "/apps/notes"); err != nil {
		t.Fatal(err)
	}
	put(t, tx.Dir()+"/apps/notes", "now a file\n")
	if err := os.Remove(tx.Dir() + "/system/soul.md"); err != nil {
		t.Fatal(err)
	}
	put(t, tx.Dir()+"/system/soul.md/deep", "now a folder\n")
	h.land(tx, "trade")
	h.want("apps/notes", "now a file\n")
	h.want("system/soul.md/deep", "now a folder\n")
	if info := h.capture(); info.ID != 0 {
		t.Errorf("live differs: %+v", info)
	}
	if _, _, err := h.Undo(context.Background(), 2, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	h.want("apps/notes/bin/run", "#!/bin/sh\n")
	h.want("system/soul.md", "# Soul\n\nBe kind.\n")
	h.git("fsck", "--strict")
}

func TestLinksNeverLeadALandingOutside(t *testing.T) {
	outside := t.TempDir()
	var hook hooked
	h := open(t, t.TempDir(), hook.option)
	tx := h.begin()
	put(t, tx.Dir()+"/apps/notes/src/evil.txt", "x\n")
	hook.once("committed", func() { // after all checks, this instant
		if err := os.Rename(filepath.Join(h.root, "apps/notes/src"), filepath.Join(outside, "moved")); err != nil {
			t.Error(err)
		}
		if err := os.Symlink(outside, filepath.Join(h.root, "apps/notes/src")); err != nil {
			t.Error(err)
		}
	})
	h.land(tx, "evil")
	if _, err := os.Stat(filepath.Join(outside, "evil.txt")); err == nil {
		t.Error("a landing wrote through a link")
	}
}

// After a power cut, what was never synced may be short or zeroed: objects, main
// and live files. Everything since the last checkpoint is made whole again, and
// an edit by hand is told from a torn file.
func TestPowerCut(t *testing.T) {
	root := t.TempDir()
	h := open(t, root)
	long := strings.Repeat("0123456789abcde\n", 1024)
	for i := range 3 {
		tx := h.begin()
		for _, f := range []string{"short", "zeroed", "empty", "edited", "whole"} {
			put(t, filepath.Join(tx.Dir(), f), fmt.Sprintf("%s%d\n", long, i))
		}
		h.land(tx, fmt.Sprint("landing ", i))
	}
	h.close()
	db, err := sql.Open("sqlite", h.store("kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE disk_redo SET boot = 'an earlier one'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	want := long + "2\n"
	h.put("short", want[:5000])
	h.put("zeroed", want[:4096]+strings.Repeat("\x00", 4096)+want[8192:])
	h.put("empty", "")
	h.put("edited", "by hand\n")
	loose, err := filepath.Glob(h.store("repo.git", "objects", "??", "*"))
	if err != nil || len(loose) < 10 {
		t.Fatal(loose, err)
	}
	for _, path := range append(loose, h.store("repo.git", "index")) {
		if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(h.store("repo.git", "refs", "heads", "main"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h = open(t, root)
	for _, f := range []string{"short", "zeroed", "empty", "whole"} {
		h.want(f, want)
	}
	h.want("edited", "by hand\n")
	h.git("fsck", "--strict")
	if got := h.git("status", "--porcelain"); got != "" {
		t.Errorf("git status says\n%s", got)
	}
}
