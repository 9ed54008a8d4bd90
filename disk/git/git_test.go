package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func run(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func repo(t testing.TB) *Repo {
	t.Helper()
	r := Open(filepath.Join(t.TempDir(), "repo.git"))
	if err := r.Init("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"); err != nil {
		t.Fatal(err)
	}
	return r
}

// fill writes n commits that change one large file a little, so that packing
// makes deltas, and returns them.
func fill(t testing.TB, r *Repo, n int) []Object {
	t.Helper()
	var commits []Object
	var parent Hash
	for i := range n {
		text := strings.Repeat("a line that stays as it is\n", 200) + fmt.Sprintf("version %d\n", i)
		blob := NewObject(Blob, []byte(text))
		tree := EncodeTree([]Entry{{"b", Node{File, blob.Hash}}, {"a.txt", Node{Executable, blob.Hash}}})
		at := time.Unix(1_700_000_000+int64(i), 0).UTC()
		commit := EncodeCommit(History{Tree: tree.Hash, Parent: parent, Subject: fmt.Sprintf("version %d", i), Author: Person{"A <B>", "a@b", at}, Committer: Person{"", "", at}, Trailers: []Trailer{{"Key", "a\nb"}}})
		parent = commit.Hash
		r.Hold([]Object{blob, tree, commit})
		commits = append(commits, commit)
	}
	if err := r.Flush(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if err := r.SetRef("refs/heads/main", parent); err != nil {
		t.Fatal(err)
	}
	return commits
}

func TestGitReadsWhatWeWrite(t *testing.T) {
	r := repo(t)
	fill(t, r, 3)
	run(t, r.Dir(), "fsck", "--strict")
	if got := run(t, r.Dir(), "log", "--format=%s|%an|%cn|%(trailers:key=Key,valueonly)", "-1"); got != "version 2|A B|unknown|a b\n\n" {
		t.Errorf("git log says %q", got)
	}
	if got := run(t, r.Dir(), "ls-tree", "--name-only", "main"); got != "a.txt\nb\n" {
		t.Errorf("git ls-tree says %q", got)
	}
}

func TestWeReadWhatGitPacks(t *testing.T) {
	for _, how := range [][]string{{"gc", "-q", "--prune=now"}, {"-c", "pack.indexVersion=2", "repack", "-adfq", "--depth=50", "--window=50"}, {"-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"}} {
		r := repo(t)
		commits := fill(t, r, 30)
		run(t, r.Dir(), how...)
		run(t, r.Dir(), "prune-packed")
		run(t, r.Dir(), "pack-refs", "--all")
		r = Open(r.Dir())
		if loose, err := filepath.Glob(filepath.Join(r.Dir(), "objects", "[0-9a-f][0-9a-f]", "*")); err != nil || len(loose) > 0 {
			t.Fatalf("still loose: %v, %v", loose, err)
		}
		at, err := r.Ref("refs/heads/main")
		if err != nil {
			t.Fatal(err)
		}
		for i := range slices.Backward(commits) {
			h, err := r.History(at)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := r.Tree(h.Tree)
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.Content(Find(entries, "b").Hash)
			if err != nil || !strings.HasSuffix(string(b), fmt.Sprintf("version %d\n", i)) || len(b) < 5000 {
				t.Fatalf("version %d: %v", i, err)
			}
			if !r.Has(at) {
				t.Error("a packed object is not there")
			}
			at = h.Parent
		}
		if _, err := r.Read(Hash{1}); !errors.Is(err, ErrNotFound) {
			t.Errorf("an object that nobody has: %v", err)
		}
	}
}

func TestDamageIsNoticed(t *testing.T) {
	r := repo(t)
	commits := fill(t, r, 1)
	path := r.ObjectPath(commits[0].Hash)
	other, err := EncodeLoose(NewObject(Commit, append([]byte(nil), append(commits[0].Data, 'x')...)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, raw[:len(raw)/2], other, []byte("x\x9c")} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(commits[0].Hash); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d damaged bytes: %v", len(b), err)
		}
	}
}

func TestRefLock(t *testing.T) {
	r := repo(t)
	l, err := r.LockRef("refs/heads/main", Hash{1})
	if err != nil || !l.Old.IsZero() {
		t.Fatal(l, err)
	}
	if _, err := r.LockRef("refs/heads/main", Hash{2}); !errors.Is(err, os.ErrExist) {
		t.Errorf("locked twice: %v", err)
	}
	if err := l.Publish(); err != nil {
		t.Fatal(err)
	}
	if l, err = r.LockRef("refs/heads/main", Hash{2}); err != nil || l.Old != (Hash{1}) {
		t.Fatal(l, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if h, err := r.Ref("refs/heads/main"); err != nil || h != (Hash{1}) {
		t.Errorf("main is %s, %v", h, err)
	}
}

func TestTreeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c.\-]{1,4}`), 0, 12, rapid.ID).Draw(t, "names")
		var entries []Entry
		for _, n := range names {
			if n == "." || n == ".." {
				continue
			}
			mode := rapid.SampledFrom([]Mode{File, Executable, Symlink, Folder}).Draw(t, "mode")
			entries = append(entries, Entry{n, Node{mode, Sum(Blob, []byte(n))}})
		}
		got, err := ParseTree(EncodeTree(entries).Data)
		if err != nil || len(got) != len(entries) {
			t.Fatal(got, err)
		}
		for _, e := range entries {
			if Find(got, e.Name) != e.Node {
				t.Fatalf("%+v is lost", e)
			}
		}
	})
}

func FuzzParseTree(f *testing.F) {
	f.Add(EncodeTree([]Entry{{"a", Node{File, Hash{1}}}, {"b", Node{Folder, Hash{2}}}}).Data)
	f.Add([]byte("100644 ../x\x0012345678901234567890"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ParseTree(data)
		if err != nil {
			return
		}
		again, err := ParseTree(EncodeTree(entries).Data)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%v does not survive: %v %v", entries, again, err)
		}
	})
}

func FuzzParseCommit(f *testing.F) {
	f.Add(EncodeCommit(History{Tree: Hash{1}, Subject: "s", Trailers: []Trailer{{"K", "v"}}}).Data)
	f.Add([]byte("tree 0100000000000000000000000000000000000000\n\n\n\nA: b\n\nc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseCommit(data)
		if err != nil {
			return
		}
		again, err := ParseCommit(EncodeCommit(h).Data)
		if err != nil || again.Tree != h.Tree || again.Parent != h.Parent {
			t.Fatalf("%+v does not survive: %+v %v", h, again, err)
		}
	})
}

func FuzzDecodeLoose(f *testing.F) {
	raw, err := EncodeLoose(NewObject(Blob, []byte("hello")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o, err := DecodeLoose(raw); err == nil {
			if _, err := EncodeLoose(o); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What stands in the files of refs is a hash, or an error.
func FuzzRefs(f *testing.F) {
	f.Add([]byte("# pack-refs with: peeled\n0100000000000000000000000000000000000000 refs/tx/a\n^02\n"), []byte("0100000000000000000000000000000000000000\n"))
	f.Add([]byte(" refs/tx/a\nxyz refs/tx/b"), []byte("ref: refs/heads/main"))
	f.Fuzz(func(t *testing.T, packed, loose []byte) {
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "packed-refs"), packed, 0o644), os.MkdirAll(filepath.Join(dir, "refs/tx"), 0o755), os.WriteFile(filepath.Join(dir, "refs/tx/loose"), loose, 0o644)); err != nil {
			t.Fatal(err)
		}
		r := Open(dir)
		names, err := r.Refs("refs/tx")
		if err != nil || !slices.Contains(names, "loose") || !slices.IsSorted(names) {
			t.Fatalf("%q, %v", names, err)
		}
		for _, n := range names {
			if strings.ContainsRune(n, 0) || strings.Contains(n, "..") {
				continue // no file is called so
			}
			if h, err := r.Ref("refs/tx/" + n); err == nil && !strings.Contains(strings.ToLower(string(packed)+string(loose)), h.String()) {
				t.Fatalf("%s is %s, which stands nowhere", n, h)
			}
		}
	})
}

func FuzzPack(f *testing.F) {
	f.Add([]byte("\xfftOc\x00\x00\x00\x02"), []byte{0x95, 0x0a, 'x', 0x9c}, []byte{5, 5, 0x90, 5}, []byte("hello"))
	f.Fuzz(func(t *testing.T, index, entry, delta, base []byte) {
		if p, err := parseIndex(index); err == nil {
			p.find(Hash{7})
		}
		if _, _, _, body, err := packEntry(bytes.NewReader(entry), 0); err == nil && len(body) > 1<<30 {
			t.Fatal("huge")
		}
		if out, err := applyDelta(base, delta); err == nil && len(out) > 1<<30 {
			t.Fatal("huge")
		}
	})
}

func TestDeltasAreReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := rapid.SliceOfN(rapid.ByteRange(0, 3), 0, 400).Draw(rt, "base")
		target := rapid.SliceOfN(rapid.ByteRange(0, 3), 0, 400).Draw(rt, "own")
		if len(base) > 0 {
			from := rapid.IntRange(0, len(base)-1).Draw(rt, "from")
			target = append(target, base[from:]...)
		}
		got, err := applyDelta(base, makeDelta(base, target, len(target)+100))
		if err != nil || !bytes.Equal(got, target) {
			rt.Fatalf("%v, %v", got, err)
		}
	})
	base := bytes.Repeat([]byte("0123456789abcdef!"), 20000) // copies longer than one command
	got, err := applyDelta(base, makeDelta(base, base, 1<<20))
	if err != nil || !bytes.Equal(got, base) {
		t.Errorf("a long copy: %v", err)
	}
	random := rand.New(rand.NewSource(1))
	photo, other := make([]byte, 1<<20), make([]byte, 1<<20)
	random.Read(photo)
	random.Read(other)
	if d := makeDelta(photo, other, len(other)/2); d != nil {
		t.Errorf("a delta of %d bytes between what has nothing in common", len(d))
	}
	edited := append(append(bytes.Clone(photo[:1<<19]), "an edit"...), photo[1<<19:]...)
	if d := makeDelta(photo, edited, len(edited)/2); d == nil || len(d) > 1<<10 {
		t.Errorf("an edit takes %d bytes", len(d))
	}
}

// A lock on the index that we have left behind is ours to remove; one of a git
// command is not.
func TestIndexLock(t *testing.T) {
	r := repo(t)
	lock, ours := filepath.Join(r.Dir(), "index.lock"), filepath.Join(r.Dir(), ourIndex)
	data := EncodeIndex(nil)
	for _, left := range []string{"written", "locked", "published"} { // where we died
		if err := os.WriteFile(ours, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
		if left != "written" {
			if err := os.Link(ours, lock); err != nil {
				t.Fatal(err)
			}
		}
		if left == "published" {
			if err := os.Rename(lock, filepath.Join(r.Dir(), "index")); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.FreeIndex(); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteIndex(data); err != nil {
			t.Errorf("%s: %v", left, err)
		}
		if b, err := os.ReadFile(filepath.Join(r.Dir(), "index")); err != nil || string(b) != string(data) {
			t.Errorf("%s: the index is %q, %v", left, b, err)
		}
	}
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.FreeIndex(); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteIndex(data); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an index that git has locked: %v", err)
	}
}
