package disk

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

// heard is a line of a child, and the device's clock when it came.
type heard struct {
	line string
	at   int
}

// workOn runs a child on a device until it has done its steps or is killed, and
// returns what it said. The home is in place and durable before.
func workOn(t *testing.T, d *device, seed int64, steps int, env ...string) []heard {
	t.Helper()
	home := filepath.Join(d.mount, "home")
	prepared(t, home)
	h := open(t, home, func(o *Options) { o.Template, o.boot = nil, "before the cut" })
	h.close()
	root(t, "sync", "-f", home)
	said := []heard{{"R", d.clock()}}
	runChild(t, home, seed, death{steps: steps, env: append(env, childBoot+"=before the cut")}, func(line string) bool {
		said = append(said, heard{line, d.clock()})
		return !strings.HasPrefix(line, "E ")
	})
	return said
}

// afterCut builds what a power cut at a random instant leaves, opens the home on
// it as the next boot would, and says what is wrong, if anything is.
func afterCut(t *testing.T, d *device, said []heard, random *rand.Rand, fsck bool) (wrong string) {
	t.Helper()
	from, to := said[0].at, d.clock()
	at := from + random.Intn(to-from)
	r := newRecord()
	for _, s := range said {
		// Asked for is what was asked for before the cut; the log's clock runs on
		// while a line is read, so that is taken generously.
		if s.at <= at || strings.HasPrefix(s.line, "B ") {
			if !strings.HasPrefix(s.line, "O ") { // a save by hand promises nothing until it is recorded
				r.hear(s.line)
			}
		}
	}
	with(t, d.cut(at, random), func(mount string) {
		mute := &told{TB: t}
		func() {
			defer func() {
				if p := recover(); p != nil && p != any(mute) {
					panic(p)
				}
			}()
			checkAfterCut(mute, filepath.Join(mount, "home"), r, fsck)
		}()
		wrong = mute.b.String()
	})
	if wrong != "" {
		wrong = fmt.Sprintf("cut at %d of %d..%d: %s", at, from, to, wrong)
	}
	return wrong
}

func checkAfterCut(t testing.TB, path string, r *record, fsck bool) {
	d, err := Open(context.Background(), path, Options{NoWatch: true, boot: "after the cut"})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	h := &home{d, t}
	defer h.close()
	checkGroups(h)
	if v, err := h.View(0); err != nil {
		t.Errorf("view: %v", err)
	} else if _, err := v.ReadDir("apps"); err != nil {
		t.Errorf("view: %v", err)
	}
	checkHistory(h, r)
	for id := sys.LandingID(1); id <= h.Head(); id++ {
		if _, _, err := h.Show(context.Background(), id); err != nil {
			t.Errorf("show %s: %v", id, err)
		}
	}
	if fsck {
		if err := h.publishHistory(); err != nil {
			t.Errorf("history: %v", err)
		}
		cmd := exec.Command("git", "-c", "safe.directory=*", "fsck", "--strict", "--no-dangling")
		cmd.Dir = path
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("git fsck: %v %s", err, out)
		}
	}
}

// told takes what a check says, instead of the test that runs it.
type told struct {
	testing.TB
	b bytes.Buffer
}

func (t *told) Helper()                   {}
func (t *told) Error(a ...any)            { fmt.Fprintln(&t.b, a...) }
func (t *told) Errorf(f string, a ...any) { fmt.Fprintf(&t.b, f+"\n", a...) }
func (t *told) Fatal(a ...any)            { t.Error(a...); panic(t) }
func (t *told) Fatalf(f string, a ...any) { t.Errorf(f, a...); panic(t) }

// TestPowerLoss cuts the power at random instants of a child's work, with writes
// that no flush had made durable lost or out of order, block by block.
func TestPowerLoss(t *testing.T) {
	random := seeded(t)
	images := soak(t, 24, 160)
	d := newDevice(t)
	said := workOn(t, d, random.Int63(), soak(t, 60, 200))
	for i := range images {
		if wrong := afterCut(t, d, said, random, i%5 == 0); wrong != "" {
			t.Errorf("image %d, %s", i, wrong)
			return
		}
	}
	t.Logf("%d images of %d writes and flushes, %d acknowledged landings", images, d.clock()-said[0].at, acknowledged(said))
}

func acknowledged(said []heard) (n int) {
	for _, s := range said {
		if strings.HasPrefix(s.line, "A ") {
			n++
		}
	}
	return n
}

// The rig finds what it is there to find: without the sync of a checkpoint, some
// image must be bad.
func TestPowerLossBites(t *testing.T) {
	random := seeded(t)
	found := false
	for life := 0; life < 5 && !found; life++ { // some have few checkpoints, and their cuts miss them
		t.Run(fmt.Sprint("life ", life), func(t *testing.T) {
			d := newDevice(t)
			said := workOn(t, d, random.Int63(), 60, childUnsyn+"=checkpoint")
			for i := 0; i < 40 && !found; i++ {
				if wrong := afterCut(t, d, said, random, true); wrong != "" {
					first, _, _ := strings.Cut(wrong, "\n")
					t.Logf("found with image %d: %s", i, first)
					found = true
				}
			}
		})
	}
	if !found {
		t.Error("a checkpoint that syncs nothing was not noticed")
	}
}

// TestDeviceFails lets every write fail from some instant on, as a dying drive
// does. Nothing is acknowledged any more, the error says so, and the next start
// on what the drive still has finds all that was acknowledged.
func TestDeviceFails(t *testing.T) {
	d := newDevice(t)
	path := filepath.Join(d.mount, "home")
	prepared(t, path)
	h := open(t, path, func(o *Options) { o.Template, o.boot = nil, "before" })
	ctx := context.Background()
	if err := h.Journal().Migrate(ctx, "test", `CREATE TABLE mail(landing INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	w := &work{Disk: h.Disk, root: path, random: rand.New(rand.NewSource(1)), i: 1}
	land := func() error {
		w.i++
		r.begun[w.i] = true
		tx, err := h.Begin(ctx, "x")
		if err != nil {
			return err
		}
		for k := range perGroup {
			if err := write(filepath.Join(tx.Dir(), groupFile(0, k)), groupText(w.i, 0, k)); err != nil {
				return err
			}
		}
		_, err = tx.Land(ctx, Landing{Title: fmt.Sprintf("landing %d", w.i), Update: companion(w.i)})
		if err == nil {
			r.landed[w.i] = true
		}
		return err
	}
	for range 5 {
		if err := land(); err != nil {
			t.Fatal(err)
		}
	}
	d.fail(true)
	var failed error
	for end := time.Now().Add(time.Minute); failed == nil && time.Now().Before(end); {
		failed = land()
	}
	if failed == nil {
		t.Fatal("a drive that fails every write was not noticed")
	}
	landed := maps.Clone(r.landed)
	if err := land(); err == nil {
		t.Error("a landing is acknowledged after the drive has failed")
	}
	t.Logf("after the drive failed: %v", failed)
	_ = h.Close() // it cannot end well
	d.mu.Lock()
	image := append([]byte(nil), d.now...)
	d.mu.Unlock()
	r.landed = landed
	with(t, image, func(mount string) { checkAfterCut(t, filepath.Join(mount, "home"), r, true) })
}
