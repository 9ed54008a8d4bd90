package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/disk/git"
)

func TestMain(m *testing.M) {
	if os.Args[0] == HolderName {
		os.Exit(Hold(os.Args))
	}
	if os.Getenv("WORKSPACE_TEST_DIE") != "" {
		beginAndWait()
	}
	os.Exit(m.Run())
}

// files is a home in a test: what each path has. A text that begins with "@" is
// a link, one with "!" a program.
type files map[string]string

var someHome = files{
	".matrixignore":          "*.tmp\n",
	"system/soul.md":         "Be kind.\n",
	"apps/notes/matrix.json": "{}\n",
	"apps/notes/src/App.tsx": "one\ntwo\n",
	"apps/notes/src/util.ts": "util\n",
	"apps/notes/bin/run":     "!#!/bin/sh\n",
	"apps/notes/deep/a/b/c":  "c\n",
	"apps/notes/link":        "@src/App.tsx",
	"apps/todo/matrix.json":  "{}\n",
	"apps/todo/src/App.tsx":  "todo\n",
	"empty":                  "",
}

func node(text string) (git.Node, []byte) {
	mode := git.File
	if rest, ok := strings.CutPrefix(text, "@"); ok {
		mode, text = git.Symlink, rest
	} else if rest, ok := strings.CutPrefix(text, "!"); ok {
		mode, text = git.Executable, rest
	}
	o := git.NewObject(git.Blob, []byte(text))
	return git.Node{Mode: mode, Hash: o.Hash}, o.Data
}

// memory is a Source.
type memory struct {
	mu    sync.Mutex
	trees map[git.Hash][]git.Entry
	blobs map[git.Hash][]byte
}

func (m *memory) Tree(h git.Hash) ([]git.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.trees[h]
	if !ok && !h.IsZero() {
		return nil, git.ErrNotFound
	}
	return e, nil
}

func (m *memory) Content(h git.Hash) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[h]
	if !ok {
		return nil, git.ErrNotFound
	}
	return b, nil
}

func (m *memory) add(f files) git.Hash {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addLocked(f)
}

func (m *memory) addLocked(f files) git.Hash {
	below := map[string]files{}
	var entries []git.Entry
	for path, text := range f {
		name, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[name] == nil {
				below[name] = files{}
			}
			below[name][rest] = text
			continue
		}
		n, data := node(text)
		m.blobs[n.Hash] = data
		entries = append(entries, git.Entry{Name: name, Node: n})
	}
	for name, sub := range below {
		entries = append(entries, git.Entry{Name: name, Node: git.Node{Mode: git.Folder, Hash: m.addLocked(sub)}})
	}
	o := git.EncodeTree(entries)
	m.trees[o.Hash] = entries
	return o.Hash
}

// world is a store under test; its verbs fail the test.
type world struct {
	*Store
	mem  *memory
	t    testing.TB
	base files
	tree git.Hash
}

type setup struct {
	name string
	dir  func(t testing.TB) string
	o    Options
}

// setups are all the backends that this machine can be made to offer.
func setups() []setup {
	return []setup{
		{"overlay", tempDir, Options{Only: Overlay, Holder: "/proc/self/exe"}},
		{"overlay in a user namespace", tempDir, Options{Only: Overlay, Holder: "/proc/self/exe", User: true}},
		{"snapshot on btrfs", image("btrfs"), Options{Only: Snapshot}},
		{"reflink on btrfs", image("btrfs"), Options{Only: Reflink}},
		{"reflink on xfs", image("xfs"), Options{Only: Reflink}},
		{"overlay on xfs", image("xfs"), Options{Only: Overlay, Holder: "/proc/self/exe"}},
		{"copy", tempDir, Options{Only: Copy}},
	}
}

func tempDir(t testing.TB) string { return t.TempDir() }

// image makes a file system in a file and mounts it.
func image(kind string) func(t testing.TB) string {
	return func(t testing.TB) string {
		t.Helper()
		mkfs, err := exec.LookPath("mkfs." + kind)
		if err != nil || os.Geteuid() != 0 {
			t.Skipf("NOT TESTED on %s: it takes root and mkfs.%s (tools/setup installs it)", kind, kind)
		}
		top := t.TempDir()
		file, at := filepath.Join(top, "image"), filepath.Join(top, "mount")
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, 512<<20), os.Mkdir(at, 0o755)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(mkfs, "-q", file).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", mkfs, err, out)
		}
		if out, err := exec.Command("mount", "-o", "loop", file, at).CombinedOutput(); err != nil {
			t.Skipf("NOT TESTED on %s: no loop device: %s", kind, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("umount", "-l", at).CombinedOutput(); err != nil {
				t.Errorf("umount: %s", out)
			}
		})
		return at
	}
}

// eachBackend runs fn on every backend.
func eachBackend(t *testing.T, fn func(w *world)) {
	t.Helper()
	for _, s := range setups() {
		t.Run(s.name, func(t *testing.T) { fn(newWorld(t, s, s.dir(t), someHome)) })
	}
}

func newWorld(t testing.TB, s setup, dir string, base files) *world {
	t.Helper()
	w := &world{t: t, mem: &memory{trees: map[git.Hash][]git.Entry{}, blobs: map[git.Hash][]byte{}}, base: base}
	w.tree = w.mem.add(base)
	w.openStore(s, dir)
	return w
}

func (w *world) openStore(s setup, dir string) {
	w.t.Helper()
	o := s.o
	o.Dir, o.Source = dir, w.mem
	var err error
	if w.Store, err = Open(context.Background(), o, w.tree); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.Backend()
	if w.failed == nil {
		return
	}
	if o.Only == Copy || os.Getenv("CI") != "" && o.Only != Overlay {
		w.t.Fatal(w.failed)
	}
	w.t.Skip("NOT TESTED: ", w.failed)
}

func (w *world) begin(scope ...string) *Folder {
	w.t.Helper()
	f, err := w.Begin(context.Background(), w.tree, scope)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.drop(f) })
	return f
}

func (w *world) drop(f *Folder) {
	w.t.Helper()
	if err := f.Drop(); err != nil {
		w.t.Error(err)
	}
	if _, err := os.Lstat(f.top); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("after Drop its folder is there: %v", err)
	}
}

// land makes f the newest tree.
func (w *world) land(f files) {
	w.base, w.tree = f, w.mem.add(f)
	w.Follow(w.tree)
}

// content reads a whole folder the slow way: the oracle.
func content(t testing.TB, dir string) files {
	t.Helper()
	out := files{}
	root := dir + "/" // it may be a link
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		path := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		if e.Type() == fs.ModeSymlink {
			to, err := os.Readlink(p)
			out[path] = "@" + to
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		out[path] = string(text)
		if info.Mode()&0o100 != 0 {
			out[path] = "!" + out[path]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changes is what a scan finds, as the disk makes of it.
func (w *world) changes(f *Folder) map[string][2]git.Node {
	w.t.Helper()
	root, err := f.Files()
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string][2]git.Node{}
	err = f.Scan(context.Background(), func(string) bool { return false }, func(c Found) error {
		if _, twice := out[c.Path]; twice {
			w.t.Errorf("%s was offered twice", c.Path)
		}
		if !c.Known {
			full := filepath.Join(root.Name(), c.Path)
			info, err := os.Lstat(full)
			if err != nil {
				return err
			}
			text := ""
			if info.Mode().Type() == fs.ModeSymlink {
				to, err := os.Readlink(full)
				if err != nil {
					return err
				}
				text = "@" + to
			} else {
				b, err := os.ReadFile(full)
				if err != nil {
					return err
				}
				text = string(b)
				if info.Mode()&0o100 != 0 {
					text = "!" + text
				}
			}
			c.New, _ = node(text)
		}
		out[c.Path] = [2]git.Node{c.Old, c.New}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	maps.DeleteFunc(out, func(_ string, c [2]git.Node) bool { return c[0] == c[1] })
	return out
}

// wantExact checks a scan against what is in the folder now.
func (w *world) wantExact(f *Folder, base files) map[string][2]git.Node {
	w.t.Helper()
	now := content(w.t, f.Dir())
	want := map[string][2]git.Node{}
	for path := range maps.Keys(now) {
		n, _ := node(now[path])
		want[path] = [2]git.Node{{}, n}
	}
	for path, text := range base {
		if f.scope != nil && !f.filled(path) {
			if _, ok := now[path]; !ok {
				continue
			}
		}
		n, _ := node(text)
		want[path] = [2]git.Node{n, want[path][1]}
	}
	maps.DeleteFunc(want, func(_ string, c [2]git.Node) bool { return c[0] == c[1] })
	got := w.changes(f)
	if !maps.Equal(got, want) {
		w.t.Errorf("the scan says\n%s\nbut it was\n%s", list(got), list(want))
	}
	return got
}

func list(changes map[string][2]git.Node) string {
	var out []string
	for path, c := range changes {
		out = append(out, fmt.Sprintf("%s %.12s -> %.12s", path, c[0].Hash, c[1].Hash))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (w *world) want(f *Folder, text files) {
	w.t.Helper()
	if got := content(w.t, f.Dir()); !maps.Equal(got, text) {
		w.t.Errorf("the folder has\n%q\nwant\n%q", got, text)
	}
}

func put(t testing.TB, dir, path, text string) {
	t.Helper()
	full := filepath.Join(dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// eventually asks again until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never happened: %s", what)
		}
	}
}
