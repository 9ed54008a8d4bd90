package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// The owner saves one file in a loop, in the manner of three kinds of editor,
// while an agent lands changes of the same file. No completed save is lost: unless
// the owner has overwritten it, it is in the history or in displaced/.
func TestOwnerRace(t *testing.T) {
	for _, style := range []string{"rename", "in place", "held open"} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			root := memory(t)
			h := open(t, root, func(o *Options) { o.NoWatch = false })
			h.put("x.txt", "base\n")
			h.capture()
			var landed atomic.Int64
			var wg sync.WaitGroup
			stop := make(chan struct{})
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := appendAndLand(h.Disk, fmt.Sprintf("agent %d\n", i)); err == nil {
						landed.Add(1)
					} else if !errors.Is(err, sys.Conflict) {
						t.Error(err)
						return
					}
				}
			})
			o := owner{t: t, path: filepath.Join(root, "x.txt"), random: rand.New(rand.NewSource(1)), overwritten: map[string]bool{}}
			enough := func() bool { return len(o.saves) >= 20 && landed.Load() >= 3 }
			for begun := time.Now(); time.Since(begun) < 2500*time.Millisecond || !enough() && time.Since(begun) < time.Minute; {
				o.save(style)
				time.Sleep(time.Duration(o.random.Intn(40)) * time.Millisecond)
			}
			close(stop)
			wg.Wait()
			h.capture()
			o.noneLost(h)
			t.Logf("%d saves (%d overwritten by the owner), %d landings, %d races given to the owner", len(o.saves), len(o.overwritten), landed.Load(), h.races.Load())
			if !enough() {
				t.Errorf("too little happened")
			}
		})
	}
}

func appendAndLand(d *Disk, text string) (err error) {
	tx, err := d.Begin(context.Background(), "agent")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Drop()) }()
	path := filepath.Join(tx.Dir(), "x.txt")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, text...), 0o644); err != nil {
		return err
	}
	_, err = tx.Land(context.Background(), Landing{})
	return err
}

// owner saves a file by hand and notes what they have overwritten.
type owner struct {
	t           *testing.T
	path        string
	random      *rand.Rand
	styles      []string
	saves       []string
	overwritten map[string]bool
}

func (o *owner) save(style string) {
	s := fmt.Sprintf("owner %d\n%s", len(o.saves), strings.Repeat("o\n", o.random.Intn(300)))
	// Not always the newest one: of two in the moment of a landing the older may be the one
	// that is put back in place.
	see := func(b []byte, err error) {
		if err == nil {
			o.overwritten[string(b)] = true
		}
	}
	var err error
	switch style {
	case "rename": // exchanged, so that what was overwritten can be looked at
		if err = os.WriteFile(o.path+".tmp", []byte(s), 0o644); err == nil {
			err = unix.Renameat2(unix.AT_FDCWD, o.path+".tmp", unix.AT_FDCWD, o.path, unix.RENAME_EXCHANGE)
			see(os.ReadFile(o.path + ".tmp"))
		}
	case "in place":
		err = o.saveOpen(s, 0, see)
	case "held open":
		err = o.saveOpen(s, time.Duration(o.random.Intn(15))*time.Millisecond, see)
	}
	if err != nil {
		o.t.Error(err)
	}
	o.saves = append(o.saves, s)
}

// saveOpen opens, thinks, and writes: the file may be another by then.
func (o *owner) saveOpen(s string, think time.Duration, see func([]byte, error)) error {
	f, err := os.OpenFile(o.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	time.Sleep(think)
	buf := make([]byte, 1<<16)
	n, err := f.ReadAt(buf, 0)
	if n > 0 {
		err = nil
	}
	see(buf[:n], err)
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte(s), 0); err != nil {
		return err
	}
	return f.Close()
}

// everything returns the contents in the history and in displaced/.
func (h *home) everything() map[git.Hash]bool {
	h.t.Helper()
	out := map[git.Hash]bool{}
	for line := range strings.Lines(h.git("rev-list", "--objects", "main")) {
		hash, err := git.ParseHash(strings.Fields(line)[0])
		if err != nil {
			h.t.Fatal(err)
		}
		out[hash] = true
	}
	aside, err := os.ReadDir(h.store("displaced"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range aside {
		b, err := os.ReadFile(h.store("displaced", e.Name()))
		if err != nil {
			h.t.Fatal(err)
		}
		out[git.Sum(git.Blob, b)] = true
	}
	return out
}

// An owner who saves again and again in the very moments of a landing keeps the
// newest save in place, and no older one is lost.
func TestNewestSaveStaysInPlace(t *testing.T) {
	for _, c := range []struct {
		style string
		most  int
	}{{"rename", 2}, {"rename", 4}, {"in place", 2}, {"in place", 4}} {
		t.Run(fmt.Sprintf("%s %d", c.style, c.most), func(t *testing.T) {
			var h *home
			var saves []string
			save := func() {
				s := fmt.Sprintf("save %d\n", len(saves))
				saves = append(saves, s)
				path := filepath.Join(h.root, "x.txt")
				err := os.WriteFile(path, []byte(s), 0o644)
				if c.style == "rename" {
					err = errors.Join(os.WriteFile(path+".tmp", []byte(s), 0o644), os.Rename(path+".tmp", path))
				}
				if err != nil {
					t.Error(err)
				}
			}
			var hook hooked
			h = open(t, memory(t), hook.option)
			h.put("x.txt", "base\n")
			h.capture()
			tx := h.begin()
			put(t, filepath.Join(tx.Dir(), "x.txt"), "agent\n")
			hook.set(func(point string) {
				if point == "exchange" || point == "exchanged" || point == "given-back" && len(saves) < c.most {
					save()
				}
			})
			h.land(tx, "agent")
			hook.set(nil)
			if got, want := h.live("x.txt"), saves[len(saves)-1]; got != want {
				t.Errorf("live is %q, the newest save is %q", got, want)
			}
			h.capture()
			kept := h.everything()
			// Of more, one is put back in place, and overwritten by the next by hand.
			if c.most == 2 && !kept[git.Sum(git.Blob, []byte(saves[0]))] {
				t.Errorf("%q is lost", saves[0])
			}
			if len(saves) != c.most || !kept[git.Sum(git.Blob, []byte("agent\n"))] {
				t.Errorf("%d saves; the agent's version is kept: %v", len(saves), kept[git.Sum(git.Blob, []byte("agent\n"))])
			}
		})
	}
}
