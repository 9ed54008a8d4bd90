package workspace

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// do is a change to a folder, and the paths that it changes.
type do struct {
	name string
	in   func(dir string) error
	want string // "+added ~modified -deleted", sorted
}

var everyChange = []do{
	{"nothing", func(string) error { return nil }, ""},
	{"add", func(d string) error { return os.WriteFile(d+"/apps/new", []byte("x"), 0o644) }, "+apps/new"},
	{"add in a new folder", func(d string) error {
		return errors.Join(os.MkdirAll(d+"/apps/a/b", 0o755), os.WriteFile(d+"/apps/a/b/c", nil, 0o755))
	}, "+apps/a/b/c"},
	{"edit in place", func(d string) error {
		f, err := os.OpenFile(d+"/apps/notes/src/App.tsx", os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("three\n")
		return errors.Join(err, f.Close())
	}, "~apps/notes/src/App.tsx"},
	{"replace by rename", func(d string) error {
		return errors.Join(os.WriteFile(d+"/apps/notes/src/.tmp", []byte("1\n"), 0o644), os.Rename(d+"/apps/notes/src/.tmp", d+"/apps/notes/src/App.tsx"))
	}, "~apps/notes/src/App.tsx"},
	{"same bytes again", func(d string) error { return os.WriteFile(d+"/system/soul.md", []byte("Be kind.\n"), 0o644) }, ""},
	{"touch", func(d string) error { return os.Chtimes(d+"/system/soul.md", time.Now(), time.Now()) }, ""},
	{"same size and time", func(d string) error {
		st, err := os.Stat(d + "/system/soul.md")
		return errors.Join(err, os.WriteFile(d+"/system/soul.md", []byte("Be bold.\n"), 0o644), os.Chtimes(d+"/system/soul.md", st.ModTime(), st.ModTime()))
	}, "~system/soul.md"},
	{"delete", func(d string) error { return os.Remove(d + "/system/soul.md") }, "-system/soul.md"},
	{"delete and make again", func(d string) error {
		return errors.Join(os.Remove(d+"/system/soul.md"), os.WriteFile(d+"/system/soul.md", []byte("Be kind.\n"), 0o644))
	}, ""},
	{"delete a folder", func(d string) error { return os.RemoveAll(d + "/apps/todo") }, "-apps/todo/matrix.json -apps/todo/src/App.tsx"},
	{"a folder anew", func(d string) error {
		return errors.Join(os.RemoveAll(d+"/apps/todo"), os.Mkdir(d+"/apps/todo", 0o755), os.WriteFile(d+"/apps/todo/matrix.json", []byte("{}\n"), 0o644))
	}, "-apps/todo/src/App.tsx"},
	{"an empty folder anew", func(d string) error {
		return errors.Join(os.RemoveAll(d+"/apps/todo/src"), os.Mkdir(d+"/apps/todo/src", 0o755))
	}, "-apps/todo/src/App.tsx"},
	{"an empty folder", func(d string) error { return os.MkdirAll(d+"/apps/a/b/c", 0o755) }, ""},
	{"chmod +x", func(d string) error { return os.Chmod(d+"/system/soul.md", 0o755) }, "~system/soul.md"},
	{"chmod -x", func(d string) error { return os.Chmod(d+"/apps/notes/bin/run", 0o644) }, "~apps/notes/bin/run"},
	{"chmod read-only", func(d string) error { return os.Chmod(d+"/system/soul.md", 0o444) }, ""},
	{"chmod a folder", func(d string) error { return os.Chmod(d+"/apps/notes", 0o700) }, ""},
	{"new link", func(d string) error { return os.Symlink("../nowhere", d+"/apps/l") }, "+apps/l"},
	{"another link", func(d string) error {
		return errors.Join(os.Remove(d+"/apps/notes/link"), os.Symlink("bin/run", d+"/apps/notes/link"))
	}, "~apps/notes/link"},
	{"link to file", func(d string) error {
		return errors.Join(os.Remove(d+"/apps/notes/link"), os.WriteFile(d+"/apps/notes/link", []byte("src/App.tsx"), 0o644))
	}, "~apps/notes/link"},
	{"file to folder", func(d string) error {
		return errors.Join(os.Remove(d+"/system/soul.md"), os.Mkdir(d+"/system/soul.md", 0o755), os.WriteFile(d+"/system/soul.md/x", nil, 0o644))
	}, "+system/soul.md/x -system/soul.md"},
	{"folder to file", func(d string) error {
		return errors.Join(os.RemoveAll(d+"/apps/todo"), os.WriteFile(d+"/apps/todo", nil, 0o644))
	}, "+apps/todo -apps/todo/matrix.json -apps/todo/src/App.tsx"},
	{"folder to link", func(d string) error {
		return errors.Join(os.RemoveAll(d+"/apps/todo"), os.Symlink("notes", d+"/apps/todo"))
	}, "+apps/todo -apps/todo/matrix.json -apps/todo/src/App.tsx"},
	{"rename a file", func(d string) error { return os.Rename(d+"/system/soul.md", d+"/system/heart.md") }, "+system/heart.md -system/soul.md"},
	{
		"rename a folder", func(d string) error { return mv(d+"/apps/todo", d+"/apps/done") },
		"+apps/done/matrix.json +apps/done/src/App.tsx -apps/todo/matrix.json -apps/todo/src/App.tsx",
	},
	{"rename a folder, then in it", func(d string) error {
		return errors.Join(mv(d+"/apps/notes", d+"/apps/n"), mv(d+"/apps/n/deep/a", d+"/apps/n/a"), os.WriteFile(d+"/apps/n/src/App.tsx", []byte("1"), 0o644),
			os.Remove(d+"/apps/n/src/util.ts"), os.Remove(d+"/apps/n/link"), os.RemoveAll(d+"/apps/n/bin"), os.Remove(d+"/apps/n/matrix.json"))
	}, "+apps/n/a/b/c +apps/n/src/App.tsx -apps/notes/bin/run -apps/notes/deep/a/b/c -apps/notes/link -apps/notes/matrix.json -apps/notes/src/App.tsx -apps/notes/src/util.ts"},
	{"rename a folder and back", func(d string) error {
		return errors.Join(mv(d+"/apps/todo", d+"/x"), mv(d+"/x", d+"/apps/todo"))
	}, ""},
	{"swap two folders", func(d string) error {
		return errors.Join(mv(d+"/apps/todo", d+"/x"), mv(d+"/apps/notes/deep", d+"/apps/todo"), mv(d+"/x", d+"/apps/notes/deep"))
	}, "+apps/notes/deep/matrix.json +apps/notes/deep/src/App.tsx +apps/todo/a/b/c -apps/notes/deep/a/b/c -apps/todo/matrix.json -apps/todo/src/App.tsx"},
	{"a folder over a deleted one", func(d string) error {
		return errors.Join(os.RemoveAll(d+"/apps/todo"), mv(d+"/apps/notes/src", d+"/apps/todo"))
	}, "+apps/todo/App.tsx +apps/todo/util.ts -apps/notes/src/App.tsx -apps/notes/src/util.ts -apps/todo/matrix.json -apps/todo/src/App.tsx"},
	{"hard link", func(d string) error {
		return errors.Join(os.Link(d+"/system/soul.md", d+"/system/twin.md"), os.WriteFile(d+"/system/twin.md", []byte("both"), 0o644))
	}, "+system/twin.md ~system/soul.md"},
	{"large", func(d string) error {
		return errors.Join(os.WriteFile(d+"/big", nil, 0o644), os.Truncate(d+"/big", 65<<20))
	}, "+big"},
	{"delete everything", func(d string) error {
		entries, err := os.ReadDir(d)
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d, e.Name())))
		}
		return err
	}, "-.matrixignore -apps/notes/bin/run -apps/notes/deep/a/b/c -apps/notes/link -apps/notes/matrix.json -apps/notes/src/App.tsx -apps/notes/src/util.ts -apps/todo/matrix.json -apps/todo/src/App.tsx -empty -system/soul.md"},
}

// mv moves as mv(1): by copying where a folder cannot be renamed.
func mv(from, to string) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	return errors.Join(copyAll(from, to), os.RemoveAll(from))
}

func copyAll(from, to string) error {
	st, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case st.IsDir():
		entries, err := os.ReadDir(from)
		err = errors.Join(err, os.Mkdir(to, 0o755))
		for _, e := range entries {
			err = errors.Join(err, copyAll(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())))
		}
		return err
	case st.Mode().IsRegular():
		b, err := os.ReadFile(from)
		return errors.Join(err, os.WriteFile(to, b, st.Mode().Perm()))
	}
	target, err := os.Readlink(from)
	return errors.Join(err, os.Symlink(target, to))
}

func TestEveryKindOfChangeIsFoundExactly(t *testing.T) {
	eachBackend(t, func(w *world) {
		for _, c := range everyChange {
			f := w.begin()
			if err := c.in(f.Dir()); err != nil {
				w.t.Errorf("%s: %v", c.name, err)
				continue
			}
			var got []string
			for path, n := range w.wantExact(f, w.base) {
				sign := "~"
				if n[0].IsZero() {
					sign = "+"
				} else if n[1].IsZero() {
					sign = "-"
				}
				got = append(got, sign+path)
			}
			slices.Sort(got)
			want := strings.Fields(c.want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				w.t.Errorf("%s: found %q, want %q", c.name, got, want)
			}
			w.drop(f)
		}
	})
}

func TestFoldersAreIsolated(t *testing.T) {
	eachBackend(t, func(w *world) {
		first := w.begin()
		w.want(first, someHome)
		put(t, first.Dir(), "apps/notes/src/App.tsx", "first")
		second := w.begin()
		w.want(second, someHome)
		next := maps.Clone(someHome)
		delete(next, "apps/notes/src/util.ts")
		delete(next, "system/soul.md")
		next["system/soul.md/now/a"], next["empty"], next["apps/third/x"] = "folder", "full", "!x"
		w.land(next)
		third := w.begin()
		w.want(third, next)
		put(t, third.Dir(), "empty", "third")
		w.want(second, someHome)
		w.wantExact(first, someHome)
		w.wantExact(second, someHome)
		w.wantExact(third, next)
		w.drop(second)
		w.drop(first)
		fourth := w.begin()
		w.want(fourth, next)
		w.wantExact(fourth, next)
	})
}

func TestManyLandings(t *testing.T) {
	eachBackend(t, func(w *world) {
		var held []*Folder
		var then []files
		for i := range 3*mostLayers + 2 {
			next := maps.Clone(w.base)
			next[fmt.Sprintf("apps/a%d/x", i)] = fmt.Sprint(i)
			delete(next, fmt.Sprintf("apps/a%d/x", i-2))
			if i%2 == 0 {
				delete(next, "apps/turn")
				next["apps/turn/in/out"] = fmt.Sprint(i)
			} else {
				delete(next, "apps/turn/in/out")
				next["apps/turn"] = "@x"
			}
			w.land(next)
			f := w.begin()
			w.want(f, next)
			w.wantExact(f, next)
			if i%10 == 0 {
				held, then = append(held, f), append(then, next)
			} else {
				w.drop(f)
			}
		}
		for i, f := range held {
			w.want(f, then[i])
			w.drop(f)
		}
		if w.backend.Kind != Overlay {
			return
		}
		eventually(w.t, "layers are folded, and those of nobody removed", func() bool {
			layers, err := os.ReadDir(w.path("layers"))
			w.Follow(w.tree)
			return err == nil && len(layers) <= mostLayers
		})
		w.want(w.begin(), w.base)
	})
}

func TestNewGeneration(t *testing.T) {
	eachBackend(t, func(w *world) {
		old := w.begin()
		next := maps.Clone(someHome)
		for i := range 2 * mostChanged {
			next[fmt.Sprintf("apps/new/d%d/f%d", i%7, i)] = fmt.Sprint(i)
		}
		w.land(next)
		f := w.begin()
		w.want(f, next)
		w.drop(f)
		w.want(old, someHome)
		w.drop(old)
		if w.backend.Kind == Copy {
			return
		}
		eventually(w.t, "one generation, of the newest landing", func() bool {
			gens, err := w.generations()
			w.mu.Lock()
			defer w.mu.Unlock()
			return err == nil && len(gens) == 1 && w.stack.gen.tree == w.tree
		})
		f = w.begin()
		w.want(f, next)
		w.wantExact(f, next)
	})
}

func TestDropRemovesEverything(t *testing.T) {
	eachBackend(t, func(w *world) {
		f := w.begin()
		put(t, f.Dir(), "a/b/c", "x")
		for _, p := range []string{"a/b/c", "a/b", "a", "apps/notes/src/App.tsx", "apps/notes/src", "apps/notes"} {
			if err := os.Chmod(filepath.Join(f.Dir(), p), 0); err != nil {
				t.Fatal(err)
			}
		}
		w.drop(f)
		if err := f.Drop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentBegins(t *testing.T) {
	eachBackend(t, func(w *world) {
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 3 {
					f, err := w.Begin(t.Context(), w.tree, nil)
					if err != nil {
						w.t.Error(err)
						return
					}
					put(w.t, f.Dir(), "apps/notes/src/App.tsx", fmt.Sprint(i))
					if got := w.wantExact(f, someHome); len(got) != 1 {
						w.t.Errorf("found %s", list(got))
					}
					w.drop(f)
				}
			})
		}
		group.Wait()
	})
}

func TestFilesThatAreNotVersioned(t *testing.T) {
	eachBackend(t, func(w *world) {
		f := w.begin()
		put(t, f.Dir(), "data/notes/notes.sqlite", "rows")
		put(t, f.Dir(), "node_modules/a/b.js", "x")
		seen := map[string]bool{}
		err := f.Scan(t.Context(), func(dir string) bool { return dir == "node_modules" }, func(c Found) error {
			seen[c.Path] = true
			return nil
		})
		if err != nil || !maps.Equal(seen, map[string]bool{"data/notes/notes.sqlite": true}) {
			w.t.Errorf("found %v, %v", seen, err)
		}
		if got, err := os.ReadFile(f.Dir() + "/data/notes/notes.sqlite"); err != nil || string(got) != "rows" {
			w.t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestScope(t *testing.T) {
	eachBackend(t, func(w *world) {
		f := w.begin("apps/notes/src", "apps/notes")
		want := maps.Clone(someHome)
		maps.DeleteFunc(want, func(p, _ string) bool { return strings.HasPrefix(p, "apps/todo") })
		w.want(f, want)
		w.wantExact(f, someHome)
		put(t, f.Dir(), "apps/todo/src/App.tsx", "mine")
		put(t, f.Dir(), "apps/other/x", "mine")
		if err := os.Remove(f.Dir() + "/apps/notes/matrix.json"); err != nil {
			t.Fatal(err)
		}
		got := w.wantExact(f, someHome)
		was, _ := node(someHome["apps/todo/src/App.tsx"])
		if len(got) != 3 || got["apps/todo/src/App.tsx"][0] != was || !got["apps/other/x"][0].IsZero() {
			w.t.Errorf("found\n%s", list(got))
		}
		if err := os.RemoveAll(f.Dir() + "/apps"); err != nil {
			t.Fatal(err)
		}
		for path := range w.wantExact(f, someHome) {
			if !strings.HasPrefix(path, "apps/notes/") {
				w.t.Errorf("%s counts as deleted, but was never there", path)
			}
		}
	})
}

func TestReads(t *testing.T) {
	eachBackend(t, func(w *world) {
		f := w.begin()
		if _, err := os.ReadFile(f.Dir() + "/system/soul.md"); err != nil {
			t.Fatal(err)
		}
		put(t, f.Dir(), "empty", "written")
		got, known := f.Reads(t.Context())
		switch {
		case known != (w.atime && (w.backend.Kind == Copy || w.backend.Kind == Reflink)):
			w.t.Errorf("known is %v", known)
		case known && !slices.Equal(got, []string{"system/soul.md"}):
			w.t.Errorf("read were %q", got)
		}
	})
}
