package disk

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Whoever hears of a landing can look at it, whatever kind it is: the head moves
// before the event goes out, however long the moment between them takes.
func TestNoEventBeforeItsLanding(t *testing.T) {
	ctx := context.Background()
	h := open(t, memory(t), func(o *Options) {
		o.Hook = func(point string) {
			if point == "committed" {
				time.Sleep(10 * time.Millisecond) // time for a reader to come too early
			}
		}
	})
	sub := h.Journal().Subscribe(h.Journal().Last())
	t.Cleanup(sub.Close)
	seen := make(chan sys.LandingID, 100)
	go func() {
		defer close(seen)
		for {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			for _, e := range events {
				if e.Kind == sys.EventLanding {
					seen <- lookAt(t, h.Disk, e)
				}
			}
		}
	}()
	large := make([]byte, 3<<20)
	if _, err := rand.New(rand.NewSource(1)).Read(large); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind string
		make func() (sys.LandingInfo, error)
	}{
		{"a transaction", func() (sys.LandingInfo, error) {
			tx := h.begin()
			put(t, filepath.Join(tx.Dir(), "apps/notes/src/App.tsx"), "1\n")
			return tx.Land(ctx, Landing{})
		}},
		{"a large file", func() (sys.LandingInfo, error) {
			tx := h.begin()
			put(t, filepath.Join(tx.Dir(), "photo.raw"), string(large))
			return tx.Land(ctx, Landing{})
		}},
		{"an edit by hand", func() (sys.LandingInfo, error) {
			h.put("system/soul.md", "by hand\n")
			return h.Capture(ctx)
		}},
		{"a write", func() (sys.LandingInfo, error) {
			return h.Write(ctx, Write{Files: map[sys.Path][]byte{"a": []byte("a"), "system/soul.md": nil}})
		}},
		{"an undo", func() (sys.LandingInfo, error) {
			info, _, err := h.Undo(ctx, 2, UndoOptions{})
			return info, err
		}},
	} {
		info, err := c.make()
		if err != nil || info.ID == 0 {
			t.Fatalf("%s: %v %v", c.kind, info, err)
		}
		if got := <-seen; got != info.ID {
			t.Errorf("%s: heard of %s, want %s", c.kind, got, info.ID)
		}
	}
}

// lookAt does at once what a reader may do on the event of a landing.
func lookAt(t *testing.T, d *Disk, e sys.Event) sys.LandingID {
	var l sys.LandingInfo
	if err := json.Unmarshal(e.Data, &l); err != nil {
		t.Error(err)
		return 0
	}
	if d.Head() < l.ID {
		t.Errorf("%s is announced while the head is %s", l.ID, d.Head())
	}
	if _, _, err := d.Show(context.Background(), l.ID); err != nil {
		t.Errorf("show %s: %v", l.ID, err)
	}
	for _, id := range []sys.LandingID{0, l.ID} {
		v, err := d.View(id)
		if err != nil {
			t.Errorf("view %s: %v", id, err)
			continue
		}
		for _, c := range l.Changes {
			if _, err := v.ReadFile(string(c.Path)); (err == nil) != (c.Op != sys.Deleted) || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s in view %s of %s: %v", c.Path, id, l.ID, err)
			}
		}
	}
	return l.ID
}

// If writing the end of the transaction fails, nobody knows whether the landing
// is in the file. The disk stops, keeps what would be needed, and says so; the
// next start finds out.
func TestUnknownEndOfALanding(t *testing.T) {
	for _, made := range []bool{false, true} {
		root := t.TempDir()
		var armed atomic.Bool
		h := open(t, root, func(o *Options) {
			o.fault = func(p string) error {
				if armed.Load() && (p == "decided" && made || p == "decide" && !made) {
					return errors.Join(errors.New("input/output error"), journal.ErrUnknown)
				}
				return nil
			}
		})
		tx := h.begin()
		put(t, filepath.Join(tx.Dir(), "small"), "x\n")
		large := make([]byte, 2<<20)
		rand.New(rand.NewSource(2)).Read(large)
		put(t, filepath.Join(tx.Dir(), "large"), string(large))
		armed.Store(true)
		if _, err := tx.Land(context.Background(), Landing{}); !errors.Is(err, journal.ErrUnknown) {
			t.Fatalf("landing says %v", err)
		}
		if _, err := h.Begin(context.Background(), "next"); sys.KindOf(err) != sys.Unavailable || sys.HintOf(err) == "" {
			t.Errorf("begin says %v", err)
		}
		_ = h.Close()
		h = open(t, root)
		if made {
			h.want("small", "x\n")
			h.want("large", string(large))
		} else {
			h.want("small", "<absent>")
			h.want("large", "<absent>")
		}
		for _, sub := range []string{"stage", "quarantine"} {
			if left, err := os.ReadDir(h.store(sub)); err != nil || len(left) > 0 {
				t.Errorf("left in %s: %v, %v", sub, left, err)
			}
		}
		h.git("fsck", "--strict")
	}
}
