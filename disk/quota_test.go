package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

func (h *home) limit(q Quota) {
	h.SetQuota(func() (Quota, error) { return q, nil })
}

func (h *home) overBudget(err error, words ...string) {
	h.t.Helper()
	if sys.KindOf(err) != sys.OverBudget {
		h.t.Errorf("it is %v, of kind %s", err, sys.KindOf(err))
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			h.t.Errorf("%q does not say %q", err, w)
		}
	}
}

// A landing that takes an app over its limit is refused, and what the refusal says
// helps. Others go on.
func TestQuotaOfAnApp(t *testing.T) {
	h := open(t, memory(t))
	ctx := context.Background()
	h.limit(Quota{Apps: map[sys.Slug]int64{"notes": 1 << 20}})
	put(t, h.root+"/data/notes/old.sqlite", noise(800_000))
	tx := h.begin()
	put(t, tx.Dir()+"/apps/notes/new.bin", noise(400_000))
	_, err := tx.Land(ctx, Landing{})
	h.overBudget(err, "the app notes", "of the 1.0 MB", "data/notes/old.sqlite (803 KB)", "quota.apps.notes")
	h.overBudget(h.RoomForData(ctx, "notes", 500_000), "data/notes/old.sqlite")
	if err := h.RoomForData(ctx, "notes", 1000); err != nil {
		t.Error(err)
	}
	if err := h.RoomForData(ctx, "draw", 500_000); err != nil {
		t.Error(err)
	}
	if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{"apps/draw/x": []byte(noise(500_000))}}); err != nil {
		t.Error("another app is refused:", err)
	}
	if h.live("apps/notes/new.bin") != "<absent>" {
		t.Error("it landed all the same")
	}
	// As the hint says.
	if err := os.Remove(h.root + "/data/notes/old.sqlite"); err != nil {
		t.Fatal(err)
	}
	h.land(tx, "again")
	h.wantLive("apps/notes/new.bin", noise(400_000))
}

// The home's limit counts the past as well. What makes it smaller always lands, and
// so does what the owner does.
func TestQuotaOfTheHome(t *testing.T) {
	h := open(t, memory(t))
	ctx := context.Background()
	big := h.Head()
	h.put("big.bin", noise(2<<20))
	h.capture()
	h.limit(Quota{Home: 3 << 20, Each: 1 << 30})
	write := func(kind sys.LandingKind, path sys.Path, content []byte) error {
		_, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{path: content}, Kind: kind})
		return err
	}
	h.overBudget(write(sys.ByAgent, "more.bin", []byte(noise(1<<20))), "the home", "big.bin (2.1 MB)", "quota.home", "matrixos space")
	if err := errors.Join(write(sys.ByOwner, "mine.bin", []byte(noise(1<<20))), write(sys.ByAgent, "mine.bin", nil)); err != nil {
		t.Error(err)
	}
	h.put("hand.bin", noise(1<<20))
	if info := h.capture(); info.ID == 0 || h.landed("hand.bin") != noise(1<<20) {
		t.Error("an edit by hand is refused")
	}
	if _, _, err := h.Undo(ctx, h.Head(), UndoOptions{}); err != nil {
		t.Error("an undo is refused:", err)
	}
	if _, _, err := h.Undo(ctx, h.Head(), UndoOptions{}); err != nil {
		t.Error("an undo that needs room is refused:", err)
	}
	if err := os.Remove(filepath.Join(h.root, "big.bin")); err != nil {
		t.Fatal(err)
	}
	h.capture()
	_, err := h.Restore(ctx, "big.bin", big+1, RestoreOptions{})
	h.overBudget(err, "restore", "the home")
}

// Two that would fit alone, and not together, do not both land.
func TestQuotaIsLookedAtWhenItLands(t *testing.T) {
	var h *home
	first := true
	h = open(t, memory(t), func(o *Options) {
		o.Hook = func(point string) {
			if point == "merged" && h != nil && first { // the lander is held, the first look is over
				first = false
				put(t, h.root+"/data/notes/x.sqlite", noise(700_000))
				h.sizes.touch("data/notes")
			}
		}
	})
	h.sizes.blind.Store(false)
	h.limit(Quota{Each: 1 << 20})
	_, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{"apps/notes/x": []byte(noise(600_000))}})
	h.overBudget(err, "data/notes/x.sqlite")
	if h.live("apps/notes/x") != "<absent>" {
		t.Error("it landed")
	}
}

func TestTheOwnerIsToldOnceOfAQuota(t *testing.T) {
	h := open(t, memory(t))
	ctx := context.Background()
	look := func(size int, near, full int) {
		t.Helper()
		h.put("data/notes/x.sqlite", noise(size))
		h.sizes.touch("data/notes")
		h.sizes.blind.Store(false)
		for range 2 {
			if err := h.lookAtQuota(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := h.notices("The app notes is nearly full"), h.notices("The app notes is full"); a != near || b != full {
			t.Errorf("with %d bytes: told %d times that it is nearly full, %d times that it is full", size, a, b)
		}
	}
	h.limit(Quota{Each: 1_000_000})
	look(100_000, 0, 0)
	look(850_000, 1, 0)
	look(780_000, 1, 0)
	look(850_000, 1, 0)
	look(1_100_000, 1, 1)
	look(960_000, 1, 1)
	look(1_100_000, 1, 1)
	h.close()
	h = open(t, h.root)
	h.limit(Quota{Each: 1_000_000})
	look(1_100_000, 1, 1) // known from the last run
	look(100_000, 1, 1)
	look(850_000, 2, 1)
	h.SetQuota(func() (Quota, error) { return Quota{}, errors.New("quota.home is odd") })
	look(850_000, 2, 1)
	if h.notices("quota.home is odd") != 1 {
		t.Error("a limit that cannot be read is not told of once")
	}
	if used, problem, err := h.Quotas(ctx, true); err != nil || problem == "" || len(used) != 1 || used[0].Limit != 1_000_000 {
		t.Errorf("the last limits do not hold: %v %q %v", used, problem, err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "123": 123, "2 GB": 2e9, "500MB": 5e8, "1.5 tb": 15e11, " 7 kb": -1, "1 KiB": 1024, "2gib": 2 << 30,
		"": -1, "GB": -1, "-1 GB": -1, "1.2.3 GB": -1, "2 gigs": -1, "99999999999999 TB": -1, "1e3": -1, "1 000": -1, "NaN": -1, ".": -1,
	} {
		got, err := ParseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("2 GB")
	f.Add("1.5tib")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseSize(text); err == nil && n < 0 {
			t.Errorf("%q is %d", text, n)
		}
	})
}
