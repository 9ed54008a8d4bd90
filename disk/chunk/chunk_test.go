package chunk

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *Store, contents ...[]byte) (roots []Root, added int64) {
	t.Helper()
	w := s.Begin()
	defer w.Close()
	for _, c := range contents {
		r, n, err := w.Put(context.Background(), bytes.NewReader(c))
		if err != nil {
			t.Fatal(err)
		}
		roots, added = append(roots, r), added+n.Stored
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return roots, added
}

func get(t testing.TB, s *Store, r Root) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteTo(context.Background(), r, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever is put in comes out, also after the store was opened anew and swept of
// everything else.
func TestContentsComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		s := open(t, dir)
		kept := map[Root][]byte{}
		var last []byte
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				last = make([]byte, rapid.SampledFrom([]int{0, 1, Size - 1, Size, Size + 1, 5*Size + 9, 9 * Size, 20*Size + 3, fan*Size + 1, 2*fan*fan*Size + 77}).Draw(rt, "size"))
				rand.New(rand.NewSource(rapid.Int64().Draw(rt, "seed"))).Read(last)
			case 1:
				last = bytes.Clone(last)
				if len(last) > 0 {
					last[rapid.IntRange(0, len(last)-1).Draw(rt, "at")]++
				}
			case 2:
				for r := range kept {
					delete(kept, r)
					break
				}
				var roots []Root
				for r := range kept {
					roots = append(roots, r)
				}
				if _, err := s.Sweep(context.Background(), func(context.Context) ([]Root, error) { return roots, nil }); err != nil {
					rt.Fatal(err)
				}
				continue
			case 3:
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = open(t, dir)
				continue
			}
			roots, _ := put(t, s, last)
			kept[roots[0]] = last
		}
		for r, want := range kept {
			if got := get(t, s, r); !bytes.Equal(got, want) {
				rt.Errorf("%d bytes came back as %d others", len(want), len(got))
			}
		}
	})
}

func TestASmallChangeCostsLittle(t *testing.T) {
	s := open(t, t.TempDir())
	big := make([]byte, 8<<20)
	rand.New(rand.NewSource(1)).Read(big)
	put(t, s, big)
	big[5<<20]++
	if _, added := put(t, s, big); added > 2*Size+4*fan*32 {
		t.Errorf("one changed byte of %d costs %d", len(big), added)
	}
	if _, added := put(t, s, big); added != 0 {
		t.Errorf("the same again costs %d", added)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	data := make([]byte, 40<<10)
	rand.New(rand.NewSource(2)).Read(data)
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
	for at := range len(whole) {
		if at > 200 && at < len(whole)-400 && at%997 != 0 {
			continue
		}
		bad := bytes.Clone(whole)
		bad[at] ^= 0x40
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		if err := s.Verify(context.Background(), roots[0]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d of %d changed: %v", at, len(whole), err)
		}
		// It is stored again beside the damaged bytes only if those are not found.
		s.Close()
	}
}

// A sweep does not begin while a writer relies on what it found.
func TestAWriterHoldsTheSweepOff(t *testing.T) {
	s := open(t, t.TempDir())
	data := bytes.Repeat([]byte("page"), 9000)
	put(t, s, data)
	w := s.Begin()
	root, added, err := w.Put(context.Background(), bytes.NewReader(data))
	if err != nil || added != (Cost{}) {
		t.Fatal(added, err)
	}
	var recorded []Root
	done := make(chan error, 1)
	go func() {
		_, err := s.Sweep(context.Background(), func(context.Context) ([]Root, error) { return recorded, nil })
		done <- err
	}()
	recorded = append(recorded, root)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, root), data) {
		t.Error("gone")
	}
}

func TestUnfinishedPacksAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"+packSuffix+unfinished), []byte(packMagic), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func FuzzPack(f *testing.F) {
	h := hashOf(0, []byte("abc"))
	f.Add(appendTable([]byte(packMagic+"abc"), int64(len(packMagic)+3), []Hash{h}, map[Hash]place{h: {offset: int64(len(packMagic)), stored: 3, size: 3}}))
	f.Add([]byte(packMagic))
	f.Add(appendTable([]byte(packMagic), 1<<60, nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"+packSuffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		for h := range s.where {
			for level := range 2 {
				data, err := s.chunk(h, level)
				if err == nil && hashOf(level, data) != h || err != nil && !errors.Is(err, ErrDamaged) {
					t.Errorf("%v", err)
				}
			}
		}
	})
}
