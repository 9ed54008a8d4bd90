package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/disk"
	"matrixos/sys"
)

// flaw is a store that can be made to fail or to damage.
type flaw struct {
	Store
	fail func(op, name string) error
	puts []string
}

func (f *flaw) Put(ctx context.Context, name string, b []byte) error {
	if f.fail != nil {
		if err := f.fail("put", name); err != nil {
			return err
		}
	}
	f.puts = append(f.puts, name)
	return f.Store.Put(ctx, name, b)
}

// begun is a new backup in a folder.
func begun(t testing.TB) (*Repo, *flaw, string) {
	t.Helper()
	ctx := context.Background()
	p := Place{Dest: filepath.Join(t.TempDir(), "backups")}
	s, err := OpenStore(p)
	if err != nil {
		t.Fatal(err)
	}
	key, err := Init(ctx, p, s, "")
	if err != nil {
		t.Fatal(err)
	}
	f := &flaw{Store: s}
	r, err := Open(ctx, f, key)
	if err != nil {
		t.Fatal(err)
	}
	return r, f, p.Dest
}

func run(t testing.TB, r *Repo, d *disk.Disk) Snapshot {
	t.Helper()
	s, err := r.Run(context.Background(), d, "test")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBackupRestore(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	r, _, dest := begun(t)
	put(t, d.Root(), "big.bin", noise(1<<20))
	first := run(t, r, d)
	was := picture(t, d.Root())
	if _, err := d.Write(ctx, disk.Write{Files: map[sys.Path][]byte{"note.md": []byte("later\n")}}); err != nil {
		t.Fatal(err)
	}
	second := run(t, r, d)
	if second.Added*8 > first.Added {
		t.Errorf("a small change uploads %d bytes after %d", second.Added, first.Added)
	}
	home := filepath.Join(t.TempDir(), "home")
	got, err := r.Restore(ctx, second, home, RestoreOptions{})
	if err != nil || got.Files != second.Files || got.Bytes != second.Bytes {
		t.Fatalf("%+v, %v", got, err)
	}
	equal(t, d.Root(), home, 200)
	old := filepath.Join(t.TempDir(), "home")
	if _, err := r.Restore(ctx, first, old, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range picture(t, old) {
		if was[name] != text {
			t.Errorf("the first snapshot has %s as %q, was %q", name, text, was[name])
		}
	}
	if _, err := r.Restore(ctx, first, old, RestoreOptions{}); sys.KindOf(err) != sys.Exists {
		t.Errorf("over a home: %v", err)
	}
	out, err := r.Drill(ctx, filepath.Join(t.TempDir(), "drill"))
	if err != nil || out.Snapshot.ID != second.ID || out.Files != second.Files {
		t.Errorf("drill: %+v, %v", out, err)
	}
	opaque(t, dest, "note.md", "later", "todo", "conversations", d.Root())
	if damage, err := r.Verify(ctx, false); err != nil || len(damage) != 0 {
		t.Errorf("%v, %v", damage, err)
	}
}

// opaque looks for words in names and contents of a store.
func opaque(t testing.TB, dest string, words ...string) {
	t.Helper()
	err := filepath.WalkDir(dest, func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		for _, w := range words {
			if strings.Contains(p[len(dest):], w) || bytes.Contains(b, []byte(w)) {
				t.Errorf("%s tells of %q", p, w)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeysOfBackups(t *testing.T) {
	ctx := context.Background()
	p := Place{Dest: filepath.Join(t.TempDir(), "b")}
	s, err := OpenStore(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, s, "x"); sys.KindOf(err) != sys.Unavailable {
		t.Errorf("no folder: %v", err)
	}
	key, err := Init(ctx, p, s, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(ctx, p, s, ""); sys.KindOf(err) != sys.Exists || sys.HintOf(err) == "" {
		t.Errorf("begun twice: %v", err)
	}
	if got, err := KeyFrom(ctx, s, "correct horse"); err != nil || got != key {
		t.Errorf("the key by passphrase: %v", err)
	}
	if _, err := KeyFrom(ctx, s, "wrong"); sys.KindOf(err) != sys.Unauthorized {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := Open(ctx, s, key+"\n"); err != nil {
		t.Errorf("the key with a line end: %v", err)
	}
	other, err := Init(ctx, Place{}, shelf{filepath.Join(t.TempDir(), "o")}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"", "AGE-SECRET-KEY-1", other} {
		if _, err := Open(ctx, s, k); sys.KindOf(err) != sys.Unauthorized {
			t.Errorf("key %.20q: %v", k, err)
		}
	}
	if _, err := KeyFrom(ctx, shelf{t.TempDir()}, "x"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("%v", err)
	}
	for _, dest := range []string{"relative/folder", "ftp://x/y", "s3://", "s3://bucket"} {
		if _, err := OpenStore(Place{Dest: dest}); sys.HintOf(err) == "" {
			t.Errorf("%s: %v", dest, err)
		}
	}
}

// Wherever a run is interrupted, there is no new snapshot, the old one is whole,
// the next run works, and prune removes what was left.
func TestInterruptedRun(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	r, f, _ := begun(t)
	first := run(t, r, d)
	for i, prefix := range []string{"packs/", "manifests/", "snapshots/"} {
		put(t, d.Root(), fmt.Sprintf("big%d", i), noise(1<<20+i))
		f.fail = func(_, name string) error {
			if strings.HasPrefix(name, prefix) {
				return &sys.Error{Op: "put", Kind: sys.Unavailable, Err: errors.New("cut")}
			}
			return nil
		}
		if _, err := r.Run(ctx, d, "x"); sys.KindOf(err) != sys.Unavailable {
			t.Fatalf("%s: %v", prefix, err)
		}
		f.fail = nil
		all, err := r.List(ctx)
		if err != nil || len(all) != 1 || all[0].ID != first.ID {
			t.Fatalf("%s: %v, %v", prefix, all, err)
		}
	}
	p, err := r.Prune(ctx, Keep{})
	if err != nil || p.Snapshots != 0 || p.Objects < 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if damage, err := r.Verify(ctx, false); err != nil || len(damage) != 0 {
		t.Errorf("%v, %v", damage, err)
	}
	s := run(t, r, d)
	if _, err := r.Restore(ctx, s, filepath.Join(t.TempDir(), "h"), RestoreOptions{}); err != nil {
		t.Error(err)
	}
}

func TestOneRunAtATime(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	r, f, _ := begun(t)
	within := func(fn func() error) (err error) {
		f.fail = func(_, name string) error {
			if strings.HasPrefix(name, packPrefix) {
				f.fail = nil
				err = fn()
			}
			return nil
		}
		run(t, r, d)
		return err
	}
	_, err := r.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = within(func() error { _, err := r.Prune(ctx, Keep{Last: 1}); return err })
	if sys.KindOf(err) != sys.Held {
		t.Errorf("a prune meanwhile: %v", err)
	}
	put(t, d.Root(), "more", strings.Repeat("more", 99))
	elsewhere := Repo{store: r.store, identity: r.identity, recipient: r.recipient, secrets: r.secrets, zip: r.zip, unzip: r.unzip, now: r.now, holder: "elsewhere"}
	err = within(func() error { _, err := elsewhere.Prune(ctx, Keep{Last: 1}); return err })
	if sys.KindOf(err) != sys.Held || sys.HintOf(err) == "" {
		t.Errorf("a prune on another machine: %v", err)
	}
	if left, err := r.store.List(ctx, "locks/"); err != nil || len(left) != 0 {
		t.Errorf("locks are left: %v, %v", left, err)
	}
	// Locks of a machine that died: our own goes at once, another's in time.
	for _, o := range []*Repo{r, &elsewhere} {
		if err := o.renew(ctx, "locks/dead"); err != nil {
			t.Fatal(err)
		}
		if o == &elsewhere {
			if _, err := r.Run(ctx, d, ""); sys.KindOf(err) != sys.Held {
				t.Errorf("another's fresh lock: %v", err)
			}
			r.now = func() time.Time { return time.Now().Add(leaseStale + time.Minute) }
		}
		run(t, r, d)
	}
}

// Damage is named, with what it affects, and the rest comes back when asked for.
func TestDamagedStore(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	r, _, dest := begun(t)
	s := run(t, r, d)
	put(t, d.Root(), "data/noise.bin", noise(300<<10))
	later := run(t, r, d)
	v, err := r.inventory(ctx, later)
	if err != nil {
		t.Fatal(err)
	}
	hit := ""
	for _, e := range v.Entries {
		if e.Path == "data/noise.bin" {
			hit = filepath.Join(dest, v.Packs[v.Chunks[e.Chunks[0]].Pack].Name)
		}
	}
	raw, err := os.ReadFile(hit)
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{"flipped": append(bytes.Clone(raw[:len(raw)-1]), raw[len(raw)-1]^1), "cut": raw[:len(raw)/2], "gone": nil} {
		if err := os.Remove(hit); err != nil {
			t.Fatal(err)
		}
		if b != nil {
			if err := os.WriteFile(hit, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		damage, err := r.Verify(ctx, false)
		if err != nil || len(damage) != 1 || !strings.HasSuffix(hit, damage[0].Object) || !slices.Contains(damage[0].Files, "data/noise.bin") || !slices.Equal(damage[0].Snapshots, []string{later.ID}) {
			t.Errorf("%s: %+v, %v", what, damage, err)
		}
		home := filepath.Join(t.TempDir(), "h")
		if _, err := r.Restore(ctx, later, home, RestoreOptions{}); sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "/") {
			t.Errorf("%s: restored: %v", what, err)
		}
		if _, err := os.Stat(home); !os.IsNotExist(err) {
			t.Errorf("%s: half a home is there", what)
		}
		got, err := r.Restore(ctx, later, home, RestoreOptions{Partial: true})
		if sys.KindOf(err) != sys.NotVerified || !slices.Contains(got.Lost, "data/noise.bin") {
			t.Errorf("%s: %+v, %v", what, got.Lost, err)
		}
		if b, err := os.ReadFile(filepath.Join(home, "secret.txt")); err != nil || string(b) != "mine" {
			t.Errorf("%s: the rest: %q, %v", what, b, err)
		}
		if _, err := r.Restore(ctx, s, filepath.Join(t.TempDir(), "h"), RestoreOptions{}); err != nil {
			t.Errorf("%s: the snapshot before: %v", what, err)
		}
		if b == nil {
			if err := os.WriteFile(hit, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := os.Stat(hit); err != nil { // the next run writes again what is missing
		run(t, r, d)
	}
	for _, name := range []string{later.Manifest, "snapshots/" + later.ID} {
		if err := os.WriteFile(filepath.Join(dest, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		damage, err := r.Verify(ctx, true)
		if err != nil || !slices.ContainsFunc(damage, func(x Damage) bool { return x.Object == name }) {
			t.Errorf("%s: %+v, %v", name, damage, err)
		}
		if _, err := r.Prune(ctx, Keep{Last: 9}); sys.KindOf(err) != sys.NotVerified {
			t.Errorf("%s: pruned: %v", name, err)
		}
		run(t, r, d)
	}
}

func TestKeep(t *testing.T) {
	day := func(n int) Snapshot {
		at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local).AddDate(0, 0, n)
		return Snapshot{ID: at.Format(time.DateOnly), Time: at}
	}
	var all []Snapshot
	for n := range 100 {
		all = append(all, day(n))
	}
	for _, c := range []struct {
		keep Keep
		want int
	}{{Keep{}, 100}, {Keep{Last: 3}, 3}, {Keep{Daily: 7}, 7}, {Keep{Weekly: 4}, 4}, {Keep{Monthly: 12}, 4}, {Keep{Last: 200}, 100}, {Keep{Daily: 7, Weekly: 4, Monthly: 12}, 11}} {
		got := c.keep.kept(all)
		if len(got) != c.want || !got[all[99].ID] {
			t.Errorf("%+v keeps %d, want %d", c.keep, len(got), c.want)
		}
	}
}

func TestPrune(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	r, _, _ := begun(t)
	at := time.Now()
	r.now = func() time.Time { return at }
	var all []Snapshot
	for i := range 4 {
		put(t, d.Root(), "changing", strings.Repeat(fmt.Sprint(i), 5000))
		all = append(all, run(t, r, d))
		at = at.Add(24 * time.Hour)
	}
	p, err := r.Prune(ctx, Keep{Daily: 2})
	if err != nil || p.Snapshots != 2 || p.Objects < 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, s := range all[2:] {
		if _, err := r.Restore(ctx, s, filepath.Join(t.TempDir(), "h"), RestoreOptions{}); err != nil {
			t.Errorf("%s after prune: %v", s.ID, err)
		}
	}
	if s, err := r.Find(ctx, all[2].Time.Local().Format(time.DateOnly)); err != nil || s.ID != all[2].ID {
		t.Errorf("by date: %v, %v", s.ID, err)
	}
	if s, err := r.Find(ctx, all[3].ID[:17]); err != nil || s.ID != all[3].ID {
		t.Errorf("by ID: %v, %v", s.ID, err)
	}
	if _, err := r.Find(ctx, "2001-01-01"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("%v", err)
	}
}

// Whatever is split is the same joined, and a change in the middle leaves most
// chunks as they were.
func TestSplit(t *testing.T) {
	s, err := deriveSecrets("key")
	if err != nil {
		t.Fatal(err)
	}
	ids := func(b []byte) (out []chunkID, joined []byte) {
		err := s.split(bytes.NewReader(b), func(c []byte) error {
			if len(c) == 0 || len(c) > largestChunk {
				t.Fatalf("a chunk of %d bytes", len(c))
			}
			out, joined = append(out, s.id(c)), append(joined, c...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out, joined
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, smallestChunk, smallestChunk + 1, largestChunk, 4*largestChunk + 7, 1 << 20}).Draw(rt, "n")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		b := []byte(noise(n))
		was, joined := ids(b)
		if !bytes.Equal(b, joined) {
			rt.Fatal("bytes are lost")
		}
		if n < 1<<20 {
			return
		}
		at := r.IntN(n)
		now, _ := ids(slices.Concat(b[:at], []byte("inserted"), b[at:]))
		fresh := 0
		for _, id := range now {
			if !slices.Contains(was, id) {
				fresh++
			}
		}
		if fresh > 6 {
			rt.Fatalf("%d of %d chunks changed", fresh, len(now))
		}
	})
	if err := s.split(io.MultiReader(strings.NewReader("x"), failing{}), func([]byte) error { return nil }); err == nil {
		t.Error("a reader's error is lost")
	}
}

// noise is content that does not compress.
func noise(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no") }
