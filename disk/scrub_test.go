package disk

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// flip changes one byte of a file the way a failing disk does: the file's state
// stays as it was. Where the times cannot be kept, the disk is told so.
func (h *home) flip(path string, random *rand.Rand) {
	h.t.Helper()
	full := filepath.Join(h.root, path)
	b, err := os.ReadFile(full)
	if err != nil || len(b) == 0 {
		h.t.Fatal(path, err)
	}
	b[random.Intn(len(b))] ^= byte(1 + random.Intn(255))
	h.rot(full, b)
}

func (h *home) rot(full string, b []byte) {
	h.t.Helper()
	if err := os.Chmod(full, 0o644); err != nil {
		h.t.Fatal(err)
	}
	f, err := os.OpenFile(full, os.O_WRONLY, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		h.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// rotLive changes a live file and has the disk know the new state as the old
// one: what a failing disk does to a file without touching it.
func (h *home) rotLive(path string) {
	h.t.Helper()
	b := []byte(h.live(path))
	b[len(b)/2] ^= 0x10
	h.rot(filepath.Join(h.root, path), b)
	h.mu.Lock()
	defer h.mu.Unlock()
	st, _, err := look(h.rootFD, path)
	if err != nil {
		h.t.Fatal(err)
	}
	k := h.stats[path]
	if k.node.IsZero() {
		h.t.Fatalf("nothing is known of %s", path)
	}
	k.stat, k.seen = st, max(st.mtime, st.ctime)+int64(2*racy)
	h.stats[path] = k
}

func (h *home) scrubbed() sys.ScrubReport {
	h.t.Helper()
	r, err := h.Scrub(context.Background(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestScrubFindsNothingWhereNothingIs(t *testing.T) {
	h := busyHome(t, 6)
	h.git("fsck")
	h.put("system/soul.md", "edited by hand, not recorded\n")
	h.put("new.txt", "new\n")
	f, err := os.OpenFile(filepath.Join(h.root, "agents/system-prompt.md"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("still writing"); err != nil {
		t.Fatal(err)
	}
	for _, packed := range []bool{false, true} {
		if packed {
			h.collect(true)
		}
		if r := h.scrubbed(); len(r.Problems) != 0 || r.Objects < 30 || r.Files < 8 || r.Landings != int(h.Head()) || r.Finished.IsZero() {
			t.Errorf("packed %v: %+v", packed, r)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	state, err := h.Upkeep(context.Background())
	if err != nil || state.Scrub == nil || state.GC == nil {
		t.Errorf("upkeep is %+v, %v", state, err)
	}
	if got := h.live("system/soul.md"); got != "edited by hand, not recorded\n" {
		t.Errorf("the owner's edit is %q", got)
	}
}

// Bytes are changed anywhere in the history; each is found, or does no harm, and
// what has a second copy is restored.
func TestScrubFindsRotInTheHistory(t *testing.T) {
	for _, packed := range []bool{false, true} {
		t.Run(fmt.Sprint("packed ", packed), func(t *testing.T) {
			random := rand.New(rand.NewSource(3))
			h := busyHome(t, 5)
			h.git("fsck")
			if err := h.checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
			if packed {
				h.collect(true)
			}
			pattern := h.store("repo.git", "objects", "??", "*")
			if packed {
				pattern = h.store("repo.git", "objects", "pack", "pack-*")
			}
			for round := range 12 {
				files, err := filepath.Glob(pattern)
				if err != nil || len(files) < 2 {
					t.Fatal(files, err)
				}
				path := files[random.Intn(len(files))]
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				rel := strings.TrimPrefix(path, h.root+"/")
				h.flip(rel, random)
				h.repo.Relist()
				r := h.scrubbed()
				harmless := true
				if packed {
					harmless = false
				} else if hash, err := git.ParseHash(filepath.Base(filepath.Dir(path)) + filepath.Base(path)); err == nil {
					_, err = h.repo.CheckLoose(hash)
					harmless = err == nil
				}
				if len(r.Problems) == 0 && !harmless {
					t.Errorf("round %d: a changed byte of %s was not found", round, rel)
				}
				for _, p := range r.Problems {
					if !p.Fixed && p.Landing == 0 && p.What != "pack" {
						t.Errorf("round %d: lost without a name: %+v", round, p)
					}
				}
				if r.Lost() > 0 || harmless { // as it was, for the next round
					if err := os.WriteFile(path, whole, 0o644); err != nil {
						t.Fatal(err)
					}
					h.repo.Relist()
				}
			}
			if r := h.scrubbed(); len(r.Problems) != 0 {
				t.Errorf("whole again, it reports %+v", r.Problems)
			}
			h.git("fsck", "--strict", "--full")
			h.readAll()
		})
	}
}

func TestScrubRestoresLiveFiles(t *testing.T) {
	h := busyHome(t, 3)
	path := "apps/notes/src/App.tsx"
	want := h.landed(path)
	before := h.Head()
	h.rotLive(path)
	if h.live(path) == want {
		t.Fatal("nothing is damaged: this tests nothing")
	}
	r := h.scrubbed()
	if len(r.Problems) != 1 || !r.Problems[0].Fixed || string(r.Problems[0].Path) != path {
		t.Fatalf("found %+v", r.Problems)
	}
	h.want(path, want)
	info, files, err := h.Show(context.Background(), 0)
	if err != nil || h.Head() != before+1 || info.Kind != sys.BySystem || !strings.Contains(info.Title, path) || len(files) != 0 {
		t.Errorf("the landing is %+v %v, %v", info, files, err)
	}
	kept, err := os.ReadDir(h.store("displaced"))
	if err != nil || len(kept) != 1 {
		t.Errorf("displaced has %v, %v", kept, err)
	}
	if info := h.capture(); info.ID != 0 {
		t.Errorf("afterwards it captures %+v", info)
	}
	if r := h.scrubbed(); len(r.Problems) != 0 {
		t.Errorf("again it reports %+v", r.Problems)
	}
	h.git("fsck", "--strict")
}

// Damage between two runs is told from an edit by what the last scrub has compared.
func TestDamageWhileNothingRanIsNoEdit(t *testing.T) {
	h := busyHome(t, 2)
	path := "apps/notes/src/App.tsx"
	want := h.landed(path)
	unix.Sync()
	h.mu.Lock()
	for p, k := range h.stats { // as if all had been looked at long after they were written
		k.seen += int64(2 * racy)
		h.stats[p] = k
	}
	h.mu.Unlock()
	if r := h.scrubbed(); len(r.Problems) != 0 {
		t.Fatal(r.Problems)
	}
	b := []byte(h.live(path))
	b[3] ^= 1
	h.rot(filepath.Join(h.root, path), b)
	st, _, err := look(h.rootFD, path)
	if err != nil {
		t.Fatal(err)
	}
	k := known{stat: st, node: h.stats[path].node}
	if err := h.rememberVerified(context.Background(), map[string]known{path: k}); err != nil {
		t.Fatal(err)
	}
	h.put("system/soul.md", "a real edit\n")
	h.close()
	time.Sleep(4 * racy) // until its times say that it is not being written
	h = open(t, h.root)
	h.want("system/soul.md", "a real edit\n")
	if got := h.landed(path); got != want {
		t.Error("the damage was taken for an edit")
	}
	if h.live(path) != want {
		t.Error("it was not restored")
	}
}

func TestScrubGoesOn(t *testing.T) {
	h := busyHome(t, 3)
	h.git("fsck")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Scrub(ctx, 0); err == nil {
		t.Fatal("a cancelled scrub ends well")
	}
	s := progress{Report: sys.ScrubReport{Started: time.Now(), Problems: []sys.ScrubProblem{}, Objects: 7}, Phase: 1}
	if err := h.keepReport(context.Background(), "scrubbing", s); err != nil {
		t.Fatal(err)
	}
	if r := h.scrubbed(); r.Objects != 7 || r.Files == 0 {
		t.Errorf("it begins anew: %+v", r)
	}
	if r := h.scrubbed(); r.Objects == 7 {
		t.Errorf("the next one does not: %+v", r)
	}
}
