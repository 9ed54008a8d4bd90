package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// smallDisk mounts a file system of its own, of some MB. It is in memory: those on
// a device are for the tests of power cuts.
func smallDisk(t *testing.T, size int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED HERE: a file system of its own needs root")
	}
	mount := filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("NOT TESTED HERE: no file system of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return mount
}

// fill takes all room but some.
func fill(t *testing.T, mount string, but int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(mount, "filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := int64(1 << 20); size >= 4096; {
		var fs unix.Statfs_t
		if err := unix.Statfs(mount, &fs); err != nil {
			t.Fatal(err)
		}
		if free := int64(fs.Bavail) * fs.Bsize; free-size < but {
			size /= 2
			continue
		}
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := f.Sync(); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

func empty(t *testing.T, mount string) {
	t.Helper()
	if err := os.Remove(filepath.Join(mount, "filler")); err != nil {
		t.Fatal(err)
	}
}

// noise does not compress.
func noise(size int) string {
	b := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(b)
	return string(b)
}

func (h *home) wantNoSpace(err error) {
	h.t.Helper()
	if sys.KindOf(err) != sys.NoSpace || !strings.Contains(sys.HintOf(err), "matrixos space") {
		h.t.Errorf("a full disk says %v (%s)", err, sys.KindOf(err))
	}
}

func (h *home) wantLive(path, want string) {
	h.t.Helper()
	if got := h.live(path); got != want {
		h.t.Errorf("%s has %d bytes that are not the %d wanted", path, len(got), len(want))
	}
}

// notices counts those whose title has some words.
func (h *home) notices(words string) (n int) {
	h.t.Helper()
	events, err := h.j.Read(context.Background(), 0, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == sys.EventNotice && strings.Contains(string(e.Data), words) {
			n++
		}
	}
	return n
}

// Below the reserve nothing new is taken: everything else goes on, and the state
// ends by itself.
func TestBelowTheReserve(t *testing.T) {
	mount := smallDisk(t, 48<<20)
	ctx := context.Background()
	h := open(t, filepath.Join(mount, "home"))
	put(t, h.root+"/large.bin", noise(3<<20))
	h.capture()
	tx := h.begin()
	put(t, tx.Dir()+"/new.txt", "new\n")
	fill(t, mount, 2<<20)
	_, err := tx.Land(ctx, Landing{Title: "new"})
	h.wantNoSpace(err)
	if !strings.Contains(sys.HintOf(err), "large.bin (3.1 MB)") {
		t.Errorf("what can be deleted is not named: %v", err)
	}
	_, err = h.Write(ctx, Write{Files: map[sys.Path][]byte{"x.txt": []byte("x")}})
	h.wantNoSpace(err)
	h.wantNoSpace(h.RoomForData(ctx, "notes"))
	for end := time.Now().Add(time.Minute); h.notices("no changes are taken") == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	s, err := h.Upkeep(ctx)
	if err != nil || !s.Storage.ReadOnly || s.Storage.Kind != sys.NoSpace || s.Storage.Free > s.Storage.Reserve || h.ReadOnly() != sys.NoSpace {
		t.Errorf("the state is %+v, %v", s.Storage, err)
	}
	if _, _, err := h.Show(ctx, 1); err != nil {
		t.Error(err)
	}
	if _, err := h.Space(ctx); err != nil {
		t.Error(err)
	}
	if _, err := h.GC(ctx, true); err != nil {
		t.Error(err)
	}
	reader := h.begin() // work that only reads
	if got, err := os.ReadFile(reader.Dir() + "/system/soul.md"); err != nil || len(got) == 0 {
		t.Error(err)
	}
	if _, err := h.Write(ctx, Write{Kind: sys.ByOwner, Files: map[sys.Path][]byte{"large.bin": nil}}); err != nil {
		t.Errorf("deleting to make room: %v", err)
	}
	empty(t, mount)
	h.land(tx, "with room")
	h.want("new.txt", "new\n")
	if h.ReadOnly() != "" || h.notices("no changes are taken") != 1 || h.notices("Changes are recorded again") != 1 {
		t.Errorf("after it: %q, %d and %d notices", h.ReadOnly(), h.notices("no changes are taken"), h.notices("Changes are recorded again"))
	}
}

// The disk is filled to the last block in the middle of a landing. Before the
// commit point nothing has happened; after it, it is finished.
func TestFullInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		point  string // from here on it is full
		size   int    // of the landing's file
		before bool   // the commit point
	}{
		{"checked", 3 << 20, true}, // an object for the quarantine
		{"objects", 900 << 10, true},
		{"staged", 900 << 10, true}, // the journal has to grow
		{"committed", 100 << 10, false},
		{"applied", 100 << 10, false},
	} {
		t.Run(c.point, func(t *testing.T) {
			mount := smallDisk(t, 48<<20)
			var hook hooked
			h := open(t, filepath.Join(mount, "home"), hook.option)
			tx := h.begin()
			put(t, tx.Dir()+"/new.bin", noise(c.size))
			head := h.Head()
			hook.once(c.point, func() { fill(t, mount, 0) })
			_, err := tx.Land(context.Background(), Landing{Title: "new"})
			if c.before {
				h.wantNoSpace(err)
				if h.Head() != head || h.ReadOnly() != sys.NoSpace {
					t.Errorf("head is %s, state %q", h.Head(), h.ReadOnly())
				}
				empty(t, mount)
				h.land(tx, "with room")
			} else if err != nil {
				t.Errorf("a decided landing says %v", err)
			}
			h.wantLive("new.bin", noise(c.size))
			h.git("fsck", "--strict")
			if !c.before {
				empty(t, mount)
			}
			if err := h.Room(context.Background(), "look"); err != nil {
				t.Error(err)
			}
		})
	}
}

// An edit by hand that cannot be recorded stays, and is recorded once there is
// room.
func TestEditOnAFullDisk(t *testing.T) {
	mount := smallDisk(t, 48<<20)
	path := filepath.Join(mount, "home")
	h := open(t, path)
	text := noise(1 << 20)
	put(t, h.root+"/edit.bin", text+noise(500<<10))
	fill(t, mount, 0)
	head := h.Head()
	_, err := h.Capture(context.Background())
	if sys.KindOf(err) != sys.NoSpace || h.Head() != head || h.ReadOnly() != sys.NoSpace {
		t.Errorf("capture says %v, head %s", err, h.Head())
	}
	h.wantLive("edit.bin", text+noise(500<<10))
	if err := h.Close(); err != nil {
		t.Logf("closing says %v", err)
	}
	h = open(t, path) // and it opens on a full disk
	if h.ReadOnly() != sys.NoSpace {
		t.Error("it opens on a full disk, and does not know")
	}
	h.wantLive("edit.bin", text+noise(500<<10))
	empty(t, mount)
	h.lookAtRoom(context.Background())
	if h.ReadOnly() != "" {
		t.Errorf("with room: %s", h.ReadOnly())
	}
	h.capture() // unless the ballast was enough for it
	v, err := h.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := v.ReadFile("edit.bin"); err != nil || h.Head() != head+1 || string(b) != text+noise(500<<10) {
		t.Errorf("it is not recorded: head is %s, was %s, %d bytes, %v", h.Head(), head, len(b), err)
	}
}

// A crash after the commit point, and then a full disk: the next start finishes
// the landing all the same.
func TestRecoveryOnAFullDisk(t *testing.T) {
	mount := smallDisk(t, 64<<20)
	var hook hooked
	h := open(t, filepath.Join(mount, "home"), hook.option)
	copied := filepath.Join(mount, "crashed")
	hook.once("committed", func() { root(t, "cp", "-a", h.root, copied) })
	tx := h.begin()
	put(t, tx.Dir()+"/new.bin", noise(400<<10))
	h.land(tx, "new")
	fill(t, mount, 0)
	after := open(t, copied)
	after.wantLive("new.bin", noise(400<<10))
	if after.Head() != h.Head() || after.ReadOnly() != sys.NoSpace {
		t.Errorf("head is %s, state %q", after.Head(), after.ReadOnly())
	}
	after.git("fsck", "--strict")
	empty(t, mount)
	if err := after.Room(context.Background(), "look"); err != nil {
		t.Error(err)
	}
	after.close()
}

// Rows of a landing whose database has no room left come later.
func TestRowsOnAFullDisk(t *testing.T) {
	mount := smallDisk(t, 48<<20)
	var hook hooked
	h := open(t, filepath.Join(mount, "home"), hook.option)
	if err := os.MkdirAll(h.root+"/data/notes", 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", h.root+"/data/notes/notes.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA journal_mode=WAL; CREATE TABLE n(id INTEGER PRIMARY KEY, x BLOB)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tx := h.begin()
	copied, err := tx.Data(context.Background(), "data/notes/notes.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	db, err = sql.Open("sqlite", copied)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO n(x) VALUES(?)`, []byte(noise(700<<10))); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	head := h.Head()
	hook.once("checked", func() { fill(t, mount, 0) })
	_, err = tx.Land(context.Background(), Landing{Title: "rows"})
	h.wantNoSpace(err)
	if h.Head() != head {
		t.Error("it has landed")
	}
	empty(t, mount)
	h.land(tx, "rows with room")
	db, err = sql.Open("sqlite", h.root+"/data/notes/notes.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM n`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}
