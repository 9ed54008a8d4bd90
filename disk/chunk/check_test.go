package chunk

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func randomData(size int) []byte {
	b := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(b)
	return b
}

// spoil changes a byte of a chunk where it is stored.
func spoil(t *testing.T, at place) {
	t.Helper()
	f, err := os.OpenFile(at.pack.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := []byte{0}
	if _, err := f.ReadAt(b, at.offset+int64(at.stored)/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 8
	if _, err := f.WriteAt(b, at.offset+int64(at.stored)/2); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) check(t *testing.T, roots ...Root) (bad []Hash, c *Check) {
	t.Helper()
	c = s.Check()
	for _, r := range roots {
		_, more, err := c.Content(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		bad = append(bad, more...)
	}
	return bad, c
}

// Every chunk of a content is damaged in its turn, found, and mended from the
// content itself; another copy of it in a second pack then does for the first.
func TestDamagedChunksAreMended(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	data := randomData(fan*Size + 5*Size + 7)
	roots, _ := put(t, s, data)
	other, _ := put(t, s, randomData(3*Size))
	if bad, _ := s.check(t, roots[0], other[0]); len(bad) != 0 {
		t.Fatalf("%d are damaged at the beginning", len(bad))
	}
	for h, at := range maps.Clone(s.where) {
		spoil(t, at)
		bad, c := s.check(t, other[0], roots[0])
		if !slices.Equal(bad, []Hash{h}) {
			t.Fatalf("%d are found, want one", len(bad))
		}
		left, err := c.Mend(ctx, bad, bytes.NewReader(randomData(9000)))
		if err != nil || len(left) != 1 {
			t.Fatalf("something else mends it: %v, %v", left, err)
		}
		before := s.Bytes()
		for _, content := range [][]byte{data, randomData(3 * Size)} { // it is in one of them
			if left, err = c.Mend(ctx, left, bytes.NewReader(content)); err != nil {
				t.Fatal(err)
			}
		}
		if len(left) != 0 {
			t.Fatalf("left are %v", left)
		}
		if added := s.Bytes() - before; added > 2*Size {
			t.Errorf("%d bytes were written for one chunk", added)
		}
		if bad, _ := s.check(t, roots[0], other[0]); len(bad) != 0 {
			t.Fatalf("%d are damaged afterwards", len(bad))
		}
	}
	s.Close()
	s = open(t, dir) // the damaged ones may be found first now
	if !bytes.Equal(get(t, s, roots[0]), data) {
		t.Error("it reads otherwise")
	}
	for range 2 { // the sweep keeps the good ones, wherever they are
		if _, err := s.Sweep(ctx, func(context.Context) ([]Root, error) { return []Root{roots[0], other[0]}, nil }); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = open(t, dir)
		if bad, _ := s.check(t, roots[0], other[0]); len(bad) != 0 {
			t.Errorf("after a sweep %d are damaged", len(bad))
		}
	}
}

// A writer stores anew what is known to be damaged; what is not known yet it cannot.
func TestAWriterReplacesWhatIsDamaged(t *testing.T) {
	s := open(t, t.TempDir())
	data := randomData(3 * Size)
	roots, _ := put(t, s, data)
	for _, at := range s.where {
		spoil(t, at)
	}
	if err := s.Verify(context.Background(), roots[0]); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	bad, _ := s.check(t, roots[0])
	if len(bad) != 1 { // the node hides the rest
		t.Errorf("%d are found", len(bad))
	}
	for i := 0; i < 5 && s.Verify(context.Background(), roots[0]) != nil; i++ {
		put(t, s, data)
		s.check(t, roots[0])
	}
	if !bytes.Equal(get(t, s, roots[0]), data) {
		t.Error("it is not mended")
	}
}

func TestBrokenPacksAreNamedAndDropped(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	data := randomData(2 * Size)
	roots, _ := put(t, s, data)
	s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*"+packSuffix))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)-20] ^= 1 // in the table
	if err := os.WriteFile(files[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got := s.Broken(); !slices.Equal(got, files) {
		t.Errorf("broken are %q", got)
	}
	if bad, _ := s.check(t, roots[0]); len(bad) != 1 {
		t.Errorf("%d are missing", len(bad))
	}
	put(t, s, data)
	if err := s.DropBroken(); err != nil || len(s.Broken()) != 0 || !bytes.Equal(get(t, s, roots[0]), data) {
		t.Error(err)
	}
	if _, err := os.Stat(files[0]); !errors.Is(err, os.ErrNotExist) {
		t.Error("it is still there:", err)
	}
}
