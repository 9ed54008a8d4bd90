package disk

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/disk/rows"
	"matrixos/sys"
)

// withCopy makes a home with a database of some size and one kept copy of it.
func withCopy(t *testing.T) *home {
	h := withTasks(t)
	for i := range 40 {
		run(t, filepath.Join(h.root, tasks), fmt.Sprintf(`INSERT INTO task VALUES('n%d', hex(randomblob(700)), 0)`, i))
	}
	h.change("apps/tasks/x", "first")
	if list, err := h.Copies(context.Background(), "tasks"); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return h
}

// change lands a change to a file of an app, before which its databases are copied.
func (h *home) change(path sys.Path, text string) {
	h.t.Helper()
	if _, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{path: []byte(text)}}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) chunkPack() string {
	h.t.Helper()
	packs, err := filepath.Glob(h.store("data", "*.pack"))
	if err != nil || len(packs) == 0 {
		h.t.Fatal(packs, err)
	}
	return packs[0]
}

func (h *home) newestCopy() ([]byte, error) {
	h.t.Helper()
	list, err := h.copies(context.Background())
	if err != nil || len(list) == 0 {
		h.t.Fatal(list, err)
	}
	var b bytes.Buffer
	err = h.ReadCopy(context.Background(), list[0], &b)
	return b.Bytes(), err
}

// Damage anywhere in a pack of copies is found, and mended from the database where
// that still has the pages.
func TestScrubMendsCopies(t *testing.T) {
	h := withCopy(t)
	want, err := h.newestCopy()
	if err != nil {
		t.Fatal(err)
	}
	if r := h.scrubbed(); len(r.Problems) != 0 || r.Copies != 1 || r.Databases != 2 {
		t.Fatalf("whole, it reports %+v", r)
	}
	for at := int64(20); ; at += 3001 {
		name := h.chunkPack()
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at >= int64(len(raw))-500 { // from here on it is the table
			break
		}
		raw[at] ^= 4
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		r := h.scrubbed()
		if len(r.Problems) > 1 || r.Lost() != 0 {
			t.Fatalf("byte %d: %+v", at, r.Problems)
		}
		if got, err := h.newestCopy(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("byte %d: the copy reads otherwise, %v", at, err)
		}
	}
	if packs, err := filepath.Glob(h.store("data", "*.pack")); err != nil || len(packs) < 2 {
		t.Errorf("nothing was mended: this tests nothing: %v %v", packs, err)
	}
}

// A pack whose table is damaged is written anew from the database, and goes.
func TestScrubReplacesABrokenPack(t *testing.T) {
	h := withCopy(t)
	want, err := h.newestCopy()
	if err != nil {
		t.Fatal(err)
	}
	name := h.chunkPack()
	h.close()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-30] ^= 1
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	h = open(t, h.root)
	if r := h.scrubbed(); len(r.Problems) != 2 || r.Lost() != 0 {
		t.Fatalf("it reports %+v", r.Problems)
	}
	if got, err := h.newestCopy(); err != nil || !bytes.Equal(got, want) {
		t.Error(err)
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Error("the broken pack is still there:", err)
	}
	if r := h.scrubbed(); len(r.Problems) != 0 {
		t.Errorf("again: %+v", r.Problems)
	}
}

// A copy that cannot be mended is named with its date; the home goes on, and its
// next copy is whole.
func TestScrubNamesALostCopy(t *testing.T) {
	h := withCopy(t)
	run(t, filepath.Join(h.root, tasks), `UPDATE task SET title = hex(randomblob(700))`)
	h.rotAll(h.chunkPack())
	r := h.scrubbed()
	if len(r.Problems) != 1 || r.Lost() != 1 {
		t.Fatalf("it reports %+v", r.Problems)
	}
	p := r.Problems[0]
	if p.What != "copy" || string(p.Path) != tasks || p.Landing == 0 || !strings.Contains(p.How, time.Now().Format("2006")) {
		t.Errorf("it is named %+v", p)
	}
	h.change("apps/tasks/x", "second")
	h.readAll()
	if b, err := h.newestCopy(); err != nil || len(b) == 0 {
		t.Errorf("the next copy: %v", err)
	}
	if r := h.scrubbed(); r.Lost() != 1 || r.Copies != 2 {
		t.Errorf("then it reports %+v", r)
	}
}

// rotAll changes a byte in each block of a file, but for its end.
func (h *home) rotAll(name string) {
	h.t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		h.t.Fatal(err)
	}
	for at := 100; at < len(raw)-2000; at += 500 {
		raw[at] ^= 0x20
	}
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// breakPage makes the root page of a table no page at all, in the file.
func breakPage(t *testing.T, name, table string) (mend func()) {
	t.Helper()
	ctx := context.Background()
	db, err := rows.Open(ctx, name, rows.ToRead, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var page, size int64
	for query, to := range map[string]*int64{`SELECT rootpage FROM sqlite_schema WHERE name = '` + table + `'`: &page, `PRAGMA page_size`: &size} {
		if err := db.QueryRow(query).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	var busy, all, done int
	if err := db.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &all, &done); err != nil || busy != 0 {
		t.Fatal(busy, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(b byte) byte {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		was := []byte{0}
		if _, err := f.ReadAt(was, (page-1)*size); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{b}, (page-1)*size); err != nil {
			t.Fatal(err)
		}
		return was[0]
	}
	was := write(0x77)
	return func() { write(was) }
}

// A damaged database of an app is named, and what the report says brings it back.
func TestScrubFindsADamagedDatabase(t *testing.T) {
	h := withCopy(t)
	want := h.tasks()
	breakPage(t, filepath.Join(h.root, tasks), "task")
	r := h.scrubbed()
	if len(r.Problems) != 1 || r.Lost() != 1 || r.Problems[0].What != "database" || string(r.Problems[0].Path) != tasks {
		t.Fatalf("it reports %+v", r.Problems)
	}
	list, err := h.Copies(context.Background(), "tasks")
	if err != nil {
		t.Fatal(err)
	}
	if how := r.Problems[0].How; !strings.Contains(how, fmt.Sprintf("`matrixos restore %s --at %s`", tasks, list[0].Landing)) {
		t.Errorf("it says %q", how)
	}
	if _, err := h.Restore(context.Background(), tasks, list[0].Landing, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if h.tasks() != want {
		t.Error("the rows are not back")
	}
	if r := h.scrubbed(); len(r.Problems) != 0 {
		t.Errorf("then it reports %+v", r.Problems)
	}
}

func TestScrubFindsADamagedJournal(t *testing.T) {
	h := withCopy(t)
	run(t, h.store("kernel.db"), `CREATE TABLE unused(x)`)
	mend := breakPage(t, h.store("kernel.db"), "unused")
	r := h.scrubbed()
	mend()
	if len(r.Problems) != 1 || r.Problems[0].What != "journal" || r.Lost() != 1 {
		t.Errorf("it reports %+v", r.Problems)
	}
	if r := h.scrubbed(); len(r.Problems) != 0 {
		t.Errorf("whole again it reports %+v", r.Problems)
	}
}

// Where main points, HEAD and git's index are made anew.
func TestScrubMendsRefsAndIndex(t *testing.T) {
	h := busyHome(t, 3)
	h.git("fsck")
	if err := h.writeIndex(true); err != nil {
		t.Fatal(err)
	}
	main := h.git("rev-parse", "main")
	for _, c := range []struct{ path, what string }{{"refs/heads/main", "ref"}, {"HEAD", "ref"}, {"index", "index"}} {
		name := h.store("repo.git", c.path)
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, damaged := range [][]byte{append([]byte("x"), whole[1:]...), whole[:len(whole)/2], {}} {
			if err := os.WriteFile(name, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			r := h.scrubbed()
			if len(r.Problems) != 1 || r.Problems[0].What != c.what || r.Lost() != 0 {
				t.Errorf("%s, damage %d: %+v", c.path, i, r.Problems)
			}
			if got := h.git("rev-parse", "HEAD"); got != main {
				t.Errorf("%s, damage %d: HEAD is %s", c.path, i, got)
			}
			if got := h.git("status", "--porcelain"); got != "" {
				t.Errorf("%s, damage %d: git sees %s", c.path, i, got)
			}
		}
	}
	if _, err := h.Snapshot(context.Background(), "safe", 1); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.store("repo.git", snapshotRefs, "safe"), []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := h.scrubbed(); len(r.Problems) != 1 || r.Lost() != 1 || !strings.Contains(r.Problems[0].How, "matrixos snapshot safe") {
		t.Errorf("a damaged snapshot: %+v", r.Problems)
	}
	h.collect(true)
	h.git("fsck", "--strict", "--full")
}
