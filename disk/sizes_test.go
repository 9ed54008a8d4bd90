package disk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/sys"
)

// walked measures everything by walking through it.
func (h *home) walked() (whole int64, apps map[sys.Slug]sys.AppSpace) {
	h.t.Helper()
	apps = map[sys.Slug]sys.AppSpace{}
	err := filepath.WalkDir(h.root, func(full string, e os.DirEntry, err error) error {
		path := h.relative(full)
		if err != nil || path == sys.Store {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		whole += onDisk(info)
		if slug, data, ok := appOf(path); ok {
			a := apps[slug]
			a.App = slug
			if data {
				a.Data += onDisk(info)
			} else {
				a.Files += onDisk(info)
			}
			apps[slug] = a
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return whole, apps
}

// sized compares what is known with a walk.
func (h *home) sized() error {
	var r sys.SpaceReport
	apps := map[sys.Slug]*sys.AppSpace{}
	if err := h.measureHome(context.Background(), &r, apps); err != nil {
		return err
	}
	whole, want := h.walked()
	if r.Home != whole || len(apps) != len(want) {
		return fmt.Errorf("%d bytes and %d apps are known, %d and %d are there", r.Home, len(apps), whole, len(want))
	}
	for slug, a := range want {
		if apps[slug] == nil || *apps[slug] != a {
			return fmt.Errorf("of %s %+v is known, %+v is there", slug, apps[slug], a)
		}
	}
	for _, item := range r.Largest {
		if info, err := os.Lstat(filepath.Join(h.root, item.Name)); err != nil || onDisk(info) != item.Bytes {
			return fmt.Errorf("%s is said to have %d bytes: %w", item.Name, item.Bytes, err)
		}
	}
	return nil
}

// After any landings, and any edits by hand that the watcher sees, the known
// sizes are those of a walk.
func TestSizesAreThoseOfAWalk(t *testing.T) {
	h := open(t, memory(t), func(o *Options) { o.NoWatch = false })
	rapid.Check(t, func(rt *rapid.T) {
		for _, name := range []string{"apps", "data", "a", "node_modules", "cache", "1.txt", "2.sqlite", "f"} {
			if err := os.RemoveAll(filepath.Join(h.root, name)); err != nil {
				rt.Fatal(err)
			}
		}
		folders := []string{"", "apps/notes/src", "apps/draw", "data/notes", "data/draw/x", "a/b/c", "a", "node_modules/m", "cache/deep"}
		at := func() string {
			return filepath.Join(h.root, rapid.SampledFrom(folders).Draw(rt, "folder"), rapid.SampledFrom([]string{"1.txt", "2.sqlite", "f"}).Draw(rt, "name"))
		}
		size := rapid.IntRange(0, 40_000)
		try := func(error) {} // what the last steps have made impossible changes nothing
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			path := at()
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				try(os.MkdirAll(filepath.Dir(path), 0o755))
				try(os.WriteFile(path, make([]byte, size.Draw(rt, "size")), 0o644))
			case 2:
				try(os.Truncate(path, int64(size.Draw(rt, "size"))))
			case 3:
				try(os.RemoveAll(path))
			case 4:
				if dir := filepath.Dir(path); dir != h.root {
					try(os.RemoveAll(dir))
				}
			case 5:
				from, to := filepath.Dir(path), filepath.Dir(at())
				if from != h.root && to != h.root {
					try(os.MkdirAll(filepath.Dir(to), 0o755))
					try(os.Rename(from, to))
				}
			case 6:
				rel := h.relative(path)
				if h.Versionable(sys.Path(rel), 1) {
					_, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{sys.Path(rel): make([]byte, size.Draw(rt, "size"))}})
					try(err)
				}
			}
			if rapid.Bool().Draw(rt, "ask") {
				try(h.sized())
			}
		}
		end := time.Now().Add(20 * time.Second)
		err := h.sized()
		for ; err != nil && time.Now().Before(end); err = h.sized() {
			time.Sleep(2 * time.Millisecond)
		}
		if err != nil {
			rt.Error(err)
		}
	})
}

// What nobody touched is not read again.
func TestSizesReadWhatChanged(t *testing.T) {
	h := busyHome(t, 2)
	h.sizes.blind.Store(false)
	ask := func() map[string]*measured {
		t.Helper()
		h.sizes.mu.Lock()
		defer h.sizes.mu.Unlock()
		if err := h.measureLocked(context.Background(), true); err != nil {
			t.Fatal(err)
		}
		out := map[string]*measured{}
		for path, f := range h.sizes.folders {
			out[path] = f
		}
		return out
	}
	ask() // the landings touched it
	before := ask()
	put(t, h.root+"/apps/notes/src/App.tsx", "by hand")
	h.sizes.touch("apps/notes/src/App.tsx")
	var read []string
	for path, f := range ask() {
		if before[path] != f {
			read = append(read, path)
		}
	}
	if !slices.Equal(read, []string{"apps/notes/src"}) {
		t.Errorf("read again: %q", read)
	}
}
