package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// faults makes a disk fail at a named point with an error, once or for good, and
// notes which points there are.
type faults struct {
	mu     sync.Mutex
	passed map[string]bool
	point  string
	err    error
	times  int
}

func (f *faults) at(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed[point] = true
	if point != f.point || f.times == 0 {
		return nil
	}
	f.times--
	return &os.PathError{Op: "write", Path: point, Err: f.err}
}

func (f *faults) arm(point string, err error, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.point, f.err, f.times = point, err, times
}

// Every class of system call of a landing, of a capture, of the history and of a
// checkpoint fails once, with a full disk, a quota and a broken drive. What was
// acknowledged is there afterwards, what was refused is not, and it can be tried
// again.
func TestFaultAtEveryPoint(t *testing.T) {
	f := &faults{passed: map[string]bool{}}
	if err := faultRound(t, f, "", nil); err != nil {
		t.Fatal(err)
	}
	points := slices.Sorted(maps.Keys(f.passed))
	if len(points) < 6 {
		t.Fatalf("only these points: %v", points)
	}
	for _, point := range points {
		for _, errno := range []unix.Errno{unix.ENOSPC, unix.EIO, unix.EDQUOT} {
			if err := faultRound(t, &faults{passed: map[string]bool{}}, point, errno); err != nil {
				t.Errorf("%s at %s: %v", errno, point, err)
			}
		}
	}
}

func faultRound(t *testing.T, f *faults, point string, errno error) error {
	ctx := context.Background()
	root := memory(t)
	set := func(o *Options) { o.fault = f.at }
	h := open(t, root, set)
	tx := h.begin()
	put(t, tx.Dir()+"/system/soul.md", "new\n")
	put(t, tx.Dir()+"/large.bin", strings.Repeat("large", 1<<18))
	f.arm(point, errno, 1)
	_, err := tx.Land(ctx, Landing{Title: "first"})
	landed := err == nil
	if err != nil {
		if sys.KindOf(err) != sys.NoSpace && errno != unix.EIO || h.landed("system/soul.md") == "new\n" && point != "decided" {
			return fmt.Errorf("refused with %w (%s), and landed is %q", err, sys.KindOf(err), h.landed("system/soul.md"))
		}
		if _, err = tx.Land(ctx, Landing{Title: "again"}); err == nil {
			landed = true
		} else if point != "decided" {
			return fmt.Errorf("tried again: %w", err)
		}
	}
	h.put("agents/system-prompt.md", "by hand\n")
	if _, err := h.Capture(ctx); err != nil && point != "decided" && sys.KindOf(err) != sys.NoSpace {
		return fmt.Errorf("capture: %w", err)
	}
	for range 2 { // once it may fail
		err = errors.Join(h.publishHistory(), h.checkpoint(ctx))
	}
	if err != nil && point != "decided" {
		return fmt.Errorf("checkpoint: %w", err)
	}
	h.crash()
	h = open(t, root)
	defer h.close()
	h.capture()
	if landed {
		h.want("system/soul.md", "new\n")
		h.want("large.bin", strings.Repeat("large", 1<<18))
	}
	h.want("agents/system-prompt.md", "by hand\n")
	_, err = gitIn(root, "fsck", "--strict", "--no-dangling")
	return err
}

// A file system that is really full refuses landings with a way out and lands
// again once there is room.
func TestReallyFull(t *testing.T) {
	notRaced(t)
	d := newDevice(t)
	root := filepath.Join(d.mount, "home")
	h := open(t, root)
	var err error
	landed := []int{}
	for i := 0; err == nil && i < 200; i++ {
		err = landBytes(h.Disk, i, 2<<20)
		if err == nil {
			landed = append(landed, i)
		}
	}
	// The workspace may be full before the landing is: then that is what the writer sees.
	if !errors.Is(err, unix.ENOSPC) && (sys.KindOf(err) != sys.NoSpace || sys.HintOf(err) == "") {
		t.Fatalf("after %d landings: %v (%s)", len(landed), err, sys.KindOf(err))
	}
	check := func() {
		t.Helper()
		v, err := h.View(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range landed {
			if b, err := v.ReadFile(fmt.Sprintf("big/%d", i)); err != nil || len(b) != 2<<20 {
				t.Errorf("landing %d: %d bytes, %v", i, len(b), err)
			}
		}
	}
	check()
	h.crash() // and recovers on the full disk
	h = open(t, root)
	check()
	for i := range 5 { // more than the reserve
		if err := os.Remove(filepath.Join(root, fmt.Sprintf("big/%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	landed = landed[5:]
	for i := range 3 { // in the ext4 of a small device, room comes with the journal's commit
		if err = landBytes(h.Disk, 1000+i, 1<<10); err == nil {
			break
		}
		unix.Sync()
	}
	if err != nil {
		t.Errorf("with room again: %v", err)
	}
	check()
	h.close()
}

func landBytes(d *Disk, i, size int) (err error) {
	tx, err := d.Begin(context.Background(), "filler")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Drop()) }()
	b := make([]byte, size)
	for k := range b {
		b[k] = byte(k*k>>7 ^ i*131 ^ k>>11)
	}
	if err := write(filepath.Join(tx.Dir(), fmt.Sprintf("big/%d", i)), string(b)); err != nil {
		return err
	}
	_, err = tx.Land(context.Background(), Landing{Title: fmt.Sprint("filler ", i)})
	return err
}

// FuzzDamagedRows damages one value in kernel.db. Opening the home then says what
// is wrong, or works; it does not panic, changes none of the owner's files, and
// with the value repaired everything is there.
func FuzzDamagedRows(f *testing.F) {
	columns := []string{"disk_redo.record", "disk_redo.boot", "disk_head.commit_id", "disk_head.tree", "disk_landing.tree", "disk_landing.changes", "disk_landing.provenance", "disk_landing.commit_id"}
	for k := range columns {
		f.Add(k, []byte("damaged"))
		f.Add(k, []byte{})
	}
	f.Add(0, []byte("MXR1\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(2, []byte("0000000000000000000000000000000000000001"))
	f.Add(3, []byte("4b825dc642cb6eb9a060e54bf8d69288fbee4904"))
	f.Fuzz(func(t *testing.T, which int, value []byte) {
		table, column, _ := strings.Cut(columns[(which%len(columns)+len(columns))%len(columns)], ".")
		root := memory(t)
		h := open(t, root)
		tx := h.begin()
		put(t, tx.Dir()+"/system/soul.md", "new\n")
		h.land(tx, "one")
		h.crash()
		before := map[string]string{"system/soul.md": h.live("system/soul.md"), "agents/system-prompt.md": h.live("agents/system-prompt.md")}
		change := func(do func(db *sql.DB) error) {
			db, err := sql.Open("sqlite", h.store("kernel.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(do(db), db.Close()); err != nil {
				t.Fatal(err)
			}
		}
		good := []byte{}
		where := table + ` WHERE rowid = (SELECT max(rowid) FROM ` + table + `)`
		change(func(db *sql.DB) error {
			return errors.Join(db.QueryRow(`SELECT `+column+` FROM `+where).Scan(&good),
				execute(db, `UPDATE `+table+` SET `+column+` = ? WHERE rowid = (SELECT max(rowid) FROM `+table+`)`, value))
		})
		d, err := Open(context.Background(), root, Options{NoWatch: true})
		if err != nil && err.Error() == "" {
			t.Error("an empty error")
		}
		if err == nil {
			_, _ = d.Log(context.Background(), Query{})
			_, _, _ = d.Show(context.Background(), 0)
			d.crash()
		}
		for path, text := range before {
			if got := h.live(path); got != text {
				t.Errorf("%s is %q, was %q", path, got, text)
			}
		}
		if err == nil {
			return // it took it for what it was; captures may have followed
		}
		change(func(db *sql.DB) error {
			return execute(db, `UPDATE `+table+` SET `+column+` = ? WHERE rowid = (SELECT max(rowid) FROM `+table+`)`, asColumn(column, good))
		})
		h = open(t, root)
		h.want("system/soul.md", "new\n")
	})
}

// asColumn gives a value the type that the column has.
func asColumn(column string, v []byte) any {
	if column == "record" {
		return v
	}
	return string(v)
}

func execute(db *sql.DB, query string, args ...any) error {
	_, err := db.Exec(query, args...)
	return err
}
