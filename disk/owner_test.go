package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

// until waits for the watcher to have recorded what a test expects.
func (h *home) until(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	h.t.Fatalf("not recorded within five seconds: %s", what)
}

// Whatever an owner does by hand is recorded by itself.
func TestWatcherSeesEverythingByHand(t *testing.T) {
	h := open(t, memory(t), func(o *Options) { o.NoWatch = false })
	at := func(p string) string { return filepath.Join(h.root, p) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.put("apps/many/f0", "0") // then a folder of many at once
	for i := range 300 {
		h.put(fmt.Sprintf("apps/many/d%d/f%d", i%7, i), fmt.Sprint(i))
	}
	h.until("300 files", func() bool { return h.landed("apps/many/d5/f299") == "299" && h.landed("apps/many/d0/f7") == "7" })
	must(os.Rename(at("apps/many"), at("apps/moved")))
	h.until("a renamed folder", func() bool {
		return h.landed("apps/moved/d5/f299") == "299" && h.landed("apps/many/d5/f299") == "<absent>"
	})
	h.put("apps/moved/d5/f299", "edited where it was moved to")
	h.until("an edit in a renamed folder", func() bool { return h.landed("apps/moved/d5/f299") == "edited where it was moved to" })
	must(os.RemoveAll(at("apps/moved/d0")))
	h.until("a deleted folder", func() bool { return h.landed("apps/moved/d0/f7") == "<absent>" })
	must(os.Symlink("f1", at("apps/moved/d1/link")))
	must(os.Chmod(at("system/soul.md"), 0o755))
	h.until("a link and a mode", func() bool {
		v, err := h.View(0)
		must(err)
		to, err := v.ReadLink("apps/moved/d1/link")
		st, statErr := v.Stat("system/soul.md")
		return err == nil && to == "f1" && statErr == nil && st.Mode().Perm() == 0o755
	})
	must(os.Remove(at("system/soul.md")))
	h.put("system/soul.md/now/a/folder", "x")
	h.until("a folder in place of a file", func() bool { return h.landed("system/soul.md/now/a/folder") == "x" })
	if info := h.capture(); info.ID != 0 {
		t.Errorf("the watcher has missed %+v", info)
	}
	log, err := h.Log(context.Background(), Query{})
	must(err)
	for _, l := range log[:len(log)-1] {
		if l.Kind != sys.ByOwner {
			t.Errorf("%s is by %s", l.ID, l.Kind)
		}
	}
}

// Very much at once is recorded in parts.
func TestMuchAtOnceIsRecordedInParts(t *testing.T) {
	notRaced(t)
	h := open(t, memory(t))
	random := rand.New(rand.NewSource(1))
	part := make([]byte, 9<<20)
	for i := range 9 {
		random.Read(part)
		h.put(fmt.Sprintf("photos/%d.raw", i), string(part))
	}
	h.put("photos/giant.raw", strings.Repeat("giant", largest/4))
	info := h.capture()
	if info.ID != 4 || h.landed("photos/8.raw") != string(part) || h.landed("photos/giant.raw") != "<absent>" {
		t.Errorf("recorded up to %s", info.ID)
	}
	if info = h.capture(); info.ID != 0 {
		t.Errorf("recorded again: %+v", info)
	}
	h.git("fsck")
}

// A file that is still being written is recorded when it is whole.
func TestHalfWrittenFileIsWaitedFor(t *testing.T) {
	h := open(t, memory(t), func(o *Options) { o.NoWatch = false })
	before := h.Head()
	f, err := os.Create(filepath.Join(h.root, "slow.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := f.WriteString("part\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(80 * time.Millisecond)
	}
	if h.Head() != before {
		t.Errorf("half a file was recorded: %q", h.landed("slow.txt"))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h.until("the whole file", func() bool { return h.landed("slow.txt") == "part\npart\npart\npart\npart\npart\n" })
	if h.Head() != before+1 {
		t.Errorf("it took %d landings", h.Head()-before)
	}
}

// Ten processes append to one file, a hundred edits each: none is lost.
func TestTenProcessesOneFile(t *testing.T) {
	const processes = 10
	edits := 100
	if testing.Short() || raced {
		edits = 10
	}
	h := open(t, memory(t))
	lines := ""
	for p := range processes {
		lines += fmt.Sprintf("process %d\nend %d\n", p, p)
	}
	h.put("shared.txt", lines)
	h.capture()
	done := make(chan error, processes)
	for p := range processes {
		go func() {
			for e := range edits {
				if err := insertAndLand(h.Disk, fmt.Sprintf("process %d\n", p), fmt.Sprintf("p%d e%d\n", p, e)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range processes {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	want := ""
	for p := range processes {
		want += fmt.Sprintf("process %d\n", p)
		for e := edits - 1; e >= 0; e-- {
			want += fmt.Sprintf("p%d e%d\n", p, e)
		}
		want += fmt.Sprintf("end %d\n", p)
	}
	h.want("shared.txt", want)
}

// Sixteen processes that each write files of their own, in shared folders, never
// meet: no landing is refused, and none has to be merged.
func TestSixteenProcessesOnDisjointFiles(t *testing.T) {
	const processes, rounds = 16, 6
	h := open(t, memory(t))
	done := make(chan error, processes)
	file := func(p int) string { return fmt.Sprintf("data/shared/p%d.txt", p) }
	for p := range processes {
		go func() {
			for r := range rounds {
				tx, err := h.Begin(context.Background(), "writer")
				if err == nil {
					err = write(filepath.Join(tx.Dir(), file(p)), fmt.Sprintf("p%d r%d\n", p, r))
				}
				if err == nil {
					_, err = tx.Land(context.Background(), Landing{Title: "disjoint"})
				}
				if tx != nil {
					err = errors.Join(err, tx.Drop())
				}
				if err != nil {
					done <- fmt.Errorf("process %d, round %d: %w", p, r, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range processes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for p := range processes {
		h.want(file(p), fmt.Sprintf("p%d r%d\n", p, rounds-1))
	}
	if merged := h.git("log", "--grep", "Disk-Merged", "--oneline"); merged != "" {
		t.Errorf("merged: %s", merged)
	}
}

// insertAndLand puts text after a line of the shared file.
func insertAndLand(d *Disk, after, text string) (err error) {
	tx, err := d.Begin(context.Background(), "inserter")
	if err != nil {
		return err
	}
	path := filepath.Join(tx.Dir(), "shared.txt")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, tail, ok := strings.Cut(string(b), after)
	if !ok {
		return fmt.Errorf("%q is gone", after)
	}
	if err := os.WriteFile(path, []byte(head+after+text+tail), 0o644); err != nil {
		return err
	}
	if _, err := tx.Land(context.Background(), Landing{}); err != nil {
		return err
	}
	return tx.Drop()
}

// An owner who puts a file back as it was before the last landing, or deletes what
// it has added, is not overruled by the recovery after a crash.
func TestRecoveryDoesNotRepeatALanding(t *testing.T) {
	root := memory(t)
	h := open(t, root)
	tx := h.begin()
	put(t, tx.Dir()+"/system/soul.md", "changed\n")
	put(t, tx.Dir()+"/added.txt", "added\n")
	h.land(tx, "the last")
	h.put("system/soul.md", "# Soul\n\nBe kind.\n")
	if err := os.Remove(filepath.Join(root, "added.txt")); err != nil {
		t.Fatal(err)
	}
	h.Disk.crash()
	h = open(t, root)
	h.want("system/soul.md", "# Soul\n\nBe kind.\n")
	h.want("added.txt", "<absent>")
}

// crash lets go of the disk as a death does: nothing more is written.
func (d *Disk) crash() {
	d.closed.Store(true)
	d.stop()
	d.background.Wait()
	if err := d.release(); err != nil {
		panic(err)
	}
}
