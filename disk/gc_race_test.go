package disk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// A save by hand that comes between, and is followed by another one, is not kept a
// second time where the history has its content. It has to stay there although
// nothing leads to it: also if it was garbage for long, and while garbage is
// being collected.
func TestGCLeavesWhatASaveReliesOn(t *testing.T) {
	long := time.Now().Add(-100 * 24 * time.Hour)
	for name, c := range map[string]struct {
		packed bool
		during string // the point of the collection at which the owner saves; none: before it
	}{"loose": {}, "loose, collecting": {during: "unneeded"}, "packed": {packed: true}, "packed, collecting": {packed: true, during: "packed"}} {
		t.Run(name, func(t *testing.T) {
			var h *home
			saves, collecting := map[string]string{}, ""
			save := func(point string) {
				text, ok := saves[point]
				if !ok {
					return
				}
				delete(saves, point)
				put(t, h.root+"/cache/new", text) // ignored
				if err := os.Rename(h.root+"/cache/new", h.root+"/f.txt"); err != nil {
					t.Error(err)
				}
			}
			race := func() {
				saves = map[string]string{"exchange": "saved first", "exchanged": "saved second"}
				if _, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{"f.txt": []byte("written")}}); err != nil {
					t.Error(err)
				}
			}
			h = open(t, memory(t), func(o *Options) {
				o.Hook = func(point string) {
					if point == collecting {
						collecting = ""
						race()
					}
					save(point)
				}
			})
			h.put("f.txt", "as it was")
			h.put("x", "saved first")
			hash := strings.TrimSpace(h.git("hash-object", "-w", "x"))
			if err := os.Remove(h.root + "/x"); err != nil {
				t.Fatal(err)
			}
			h.capture()
			h.git("fsck") // waits for the history
			if c.packed {
				h.git("repack", "-adkq") // with what nothing leads to
			}
			old, err := filepath.Glob(h.store("repo.git", "objects", "pack", "*"))
			if err != nil || c.packed != (len(old) > 0) {
				t.Fatal(old, err)
			}
			if !c.packed {
				old = []string{h.store("repo.git", "objects", hash[:2], hash[2:])}
			}
			for _, name := range old {
				if err := os.Chtimes(name, long, long); err != nil {
					t.Fatal(err)
				}
			}
			if c.packed { // one more, or there is nothing to merge
				h.put("y", "more")
				h.capture()
				h.git("fsck")
			}
			if collecting = c.during; c.during == "" {
				race()
			}
			h.collect(true)
			if len(saves) > 0 || h.live("f.txt") != "saved second" {
				t.Fatalf("the saves did not come between: %v are left, live is %q", saves, h.live("f.txt"))
			}
			id, err := git.ParseHash(hash)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadDir(h.store("displaced"))
			if err != nil {
				t.Fatal(err)
			}
			if o, err := h.repo.Read(id); len(kept) == 0 && (err != nil || string(o.Data) != "saved first") {
				t.Errorf("what was saved first is nowhere: %v", err)
			}
		})
	}
}

// What a landing finds in a pack that a git command has removed is written again.
func TestALandingAfterTheOwnersRepack(t *testing.T) {
	h := open(t, memory(t))
	h.put("x", "known once")
	hash := strings.TrimSpace(h.git("hash-object", "-w", "x"))
	if err := os.Remove(h.root + "/x"); err != nil {
		t.Fatal(err)
	}
	h.git("fsck")
	h.git("repack", "-adkq")
	if id, err := git.ParseHash(hash); err != nil || !h.repo.Has(id) {
		t.Fatal("it was not packed", err)
	}
	h.git("gc", "-q", "--prune=now")
	h.put("y", "known once")
	h.capture()
	h.git("fsck", "--strict", "--full")
	h.close()
	h = open(t, h.root)
	h.want("y", "known once")
	h.git("fsck", "--strict", "--full")
}
