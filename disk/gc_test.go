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

// busyHome makes a home with a history of many versions.
func busyHome(t testing.TB, landings int, change ...func(*Options)) *home {
	t.Helper()
	h := open(t, memory(t), change...)
	random := rand.New(rand.NewSource(2))
	lines := make([]string, 200)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d of a file that grows over time: %x", i, random.Int63())
	}
	for i := range landings {
		lines[random.Intn(len(lines))] = fmt.Sprintf("changed in step %d: %x", i, random.Int63())
		info, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{
			"apps/notes/src/App.tsx":                       []byte(strings.Join(lines, "\n")),
			sys.Path(fmt.Sprintf("notes/%d/a.txt", i%7)):   fmt.Appendf(nil, "note %d\n", i),
			sys.Path(fmt.Sprintf("notes/new/%d/b.txt", i)): fmt.Appendf(nil, "new %d\n", i),
		}, Title: fmt.Sprint("step ", i)})
		if err != nil || info.ID == 0 {
			t.Fatal(info, err)
		}
	}
	return h
}

// readAll reads every file of every landing.
func (h *home) readAll() {
	h.t.Helper()
	for id := sys.LandingID(1); id <= h.Head(); id++ {
		if _, _, err := h.Show(context.Background(), id); err != nil {
			h.t.Errorf("show %s: %v", id, err)
		}
	}
}

func (h *home) collect(all bool) sys.GCReport {
	h.t.Helper()
	r, err := h.GC(context.Background(), all)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *home) loose() int {
	h.t.Helper()
	list, err := filepath.Glob(h.store("repo.git", "objects", "??", "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return len(list)
}

func TestGCPacksTheHistory(t *testing.T) {
	h := busyHome(t, 40)
	h.git("fsck", "--strict")
	loose := h.loose()
	if r := h.collect(false); r.Packed != 0 || h.loose() < loose {
		t.Errorf("it packs what is not worth it: %+v", r)
	}
	r := h.collect(true)
	if r.Packed < 150 || h.loose() != 0 || r.Packs != 1 {
		t.Errorf("collected %+v, %d are loose", r, h.loose())
	}
	if freed := r.Before - r.After; freed < int64(loose)*3000 { // a block each
		t.Errorf("the store shrank from %d to %d only", r.Before, r.After)
	}
	packs, err := h.repo.Packs()
	if err != nil {
		t.Fatal(err)
	}
	ours := packs[0].Size
	h.git("fsck", "--strict", "--full")
	h.readAll()
	for i := range 3 {
		tx := h.begin()
		put(t, tx.Dir()+"/system/soul.md", fmt.Sprintf("after %d\n", i))
		h.land(tx, "after")
		h.collect(true)
	}
	if r := h.collect(true); r.Packs != 1 {
		t.Errorf("%d packs are left", r.Packs)
	}
	h.git("fsck", "--strict", "--full")
	h.git("gc", "-q", "--prune=now") // git's own packs are read and merged as well
	tx := h.begin()
	put(t, tx.Dir()+"/system/soul.md", "after git\n")
	h.land(tx, "after git")
	h.collect(true)
	h.close()
	h = open(t, h.root)
	h.readAll()
	h.want("system/soul.md", "after git\n")
	h.git("fsck", "--strict", "--full")
	h.git("repack", "-adfq")
	if packs, err = h.repo.Packs(); err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	t.Logf("the store of 40 landings: %d KB before, %d KB after; our pack %d KB, git's %d KB", r.Before>>10, r.After>>10, ours>>10, packs[0].Size>>10)
	if ours > 3*packs[0].Size {
		t.Errorf("our pack has %d bytes, git's %d", ours, packs[0].Size)
	}
}

// Stopped anywhere, a collection leaves a home that reads whole.
func TestGCStopsAnywhere(t *testing.T) {
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(context.Background())
		var hook hooked
		h := busyHome(t, 4, hook.option)
		h.collect(true)
		if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{"x": []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		n := 0
		hook.set(func(p string) {
			if p == "gc" || p == "packed" { // only the collection passes these
				if n++; n == stop {
					cancel()
				}
			}
		})
		_, err := h.GC(ctx, true)
		cancel()
		hook.set(nil)
		h.git("fsck", "--strict", "--full")
		h.close()
		h = open(t, h.root)
		h.readAll()
		h.collect(true)
		h.git("fsck", "--strict", "--full")
		if n < stop {
			if err != nil {
				t.Errorf("in the end: %v", err)
			}
			break
		}
	}
}

func TestGCForgetsWhatIsOld(t *testing.T) {
	h := busyHome(t, 3)
	long := time.Now().Add(-100 * 24 * time.Hour)
	var hashes [2]string
	for i, name := range []string{"old", "young"} {
		h.put(name+".txt", name)
		hashes[i] = strings.TrimSpace(h.git("hash-object", "-w", name+".txt"))
		commit := strings.TrimSpace(h.git("-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", name, "HEAD^{tree}"))
		h.git("update-ref", "refs/tx/"+name, commit)
		h.git("update-ref", "refs/owner/"+name, commit)
		put(t, h.store("displaced", fmt.Sprintf("%d-%s", time.Now().Add(-time.Duration(1-i)*31*24*time.Hour).UnixNano(), name)), "x")
	}
	if err := errors.Join(os.Remove(filepath.Join(h.root, "old.txt")), os.Remove(filepath.Join(h.root, "young.txt"))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"objects/" + hashes[0][:2] + "/" + hashes[0][2:], "refs/tx/old", "refs/owner/old"} {
		if err := os.Chtimes(h.store("repo.git", path), long, long); err != nil {
			t.Fatal(err)
		}
	}
	r := h.collect(true)
	if r.Refs != 2 || r.Displaced != 1 || r.Unreachable != 1 {
		t.Errorf("collected %+v", r)
	}
	if got := h.git("for-each-ref", "--format=%(refname)", "refs/tx", "refs/owner"); got != "refs/owner/young\nrefs/tx/young\n" {
		t.Errorf("left are %s", got)
	}
	if got := h.git("cat-file", "-p", hashes[1]); got != "young" {
		t.Errorf("what is young is %q", got)
	}
	h.readAll()
}

// Landings and readers go on while objects are packed and packs merged.
func TestGCBesideLandings(t *testing.T) {
	h := busyHome(t, 5)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() {
		var err error
		for i := 0; i < 40 && err == nil; i++ {
			_, err = h.Write(context.Background(), Write{Files: map[sys.Path][]byte{"beside": fmt.Append(nil, i)}})
		}
		ended <- err
	}()
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			_, _, err = h.Show(context.Background(), 5)
			time.Sleep(time.Millisecond)
		}
		ended <- err
	}()
	for range 3 {
		h.collect(true)
	}
	stop()
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Error(err)
	}
	h.readAll()
	h.git("fsck", "--strict", "--full")
}
