package disk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"matrixos/disk/merge"
)

// machine runs a disk beside a model of what must be live and landed.
type machine struct {
	t      *rapid.T
	root   string
	d      *Disk
	live   map[string]string
	landed map[string]string
	txns   []*modelTxn
	texts  int
	hook   hooked
}

const died = "died here"

type modelTxn struct {
	txn  *Txn
	base map[string]string
	own  map[string]string
}

var modelFiles = []string{"a", "b.json", "d/x", "d/X", "d/y", "d/e/z"}

// A link is modelled as a text that no file has.
const linkTo = "link to "

// readState is what a file's state is in the model.
func readState(path string) (text string, ok bool) {
	if to, err := os.Readlink(path); err == nil {
		return linkTo + to, true
	}
	b, err := os.ReadFile(path)
	return string(b), err == nil
}

// writeState brings a file to a state, as an editor does that renames, or one that
// writes in place.
func writeState(path, text string, rename bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, link := strings.CutPrefix(text, linkTo)
	if _, isLink := strings.CutPrefix(firstOf(readState(path)), linkTo); link || isLink {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if link {
		return os.Symlink(to, path)
	}
	if !rename {
		return os.WriteFile(path, []byte(text), 0o644)
	}
	if err := os.WriteFile(path+".tmp", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func firstOf(text string, _ bool) string { return text }

func (m *machine) open() {
	o := Options{NoWatch: true}
	m.hook.option(&o)
	d, err := Open(context.Background(), m.root, o)
	if err != nil {
		m.t.Fatal(err)
	}
	d.redoRows = mostRedoRows - 2
	m.d = d
}

// text makes a new content, sometimes one that merges with others.
func (m *machine) text(file, old string) string {
	m.texts++
	if file == "b.json" {
		return fmt.Sprintf(`{"k%d": %d}`, m.texts%3, m.texts)
	}
	if old == "" || strings.HasPrefix(old, linkTo) {
		old = "1\n2\n3\n4\n5\n6\n7\n"
	}
	line := m.texts * 3 % 8
	for i := range old {
		if old[i] == '\n' {
			if line--; line < 0 {
				return old[:i] + fmt.Sprint(" v", m.texts) + old[i:]
			}
		}
	}
	return fmt.Sprintf("v%d\n", m.texts)
}

// capture is what the model says about recording the owner's edits of files.
func (m *machine) capture(files []string) {
	for _, f := range files {
		if text, ok := m.live[f]; ok {
			m.landed[f] = text
		} else {
			delete(m.landed, f)
		}
	}
}

// merge is what the model says about bringing a change of one file, from base to
// own, into what has landed.
func (m *machine) merge(f string, base, own, onto map[string]string) (text string, gone, ok bool) {
	b, inBase := base[f]
	o, inOwn := own[f]
	n, inNow := onto[f]
	switch {
	case inOwn == inNow && o == n, inOwn == inBase && o == b:
		return n, !inNow, true
	case inNow == inBase && n == b:
		return o, !inOwn, true
	case !inBase || !inOwn || !inNow, strings.HasPrefix(o, linkTo), strings.HasPrefix(n, linkTo):
		return "", false, false
	}
	out, ok := merge.Three(f, []byte(b), []byte(n), []byte(o))
	return string(out), false, ok
}

// merged is what has landed once some files of a transaction have, if they fit.
func (m *machine) merged(x *modelTxn, files []string) (after map[string]string, fits bool) {
	after, fits = maps.Clone(m.landed), true
	for _, f := range files {
		text, gone, ok := m.merge(f, x.base, x.own, m.landed)
		fits = fits && ok
		if gone {
			delete(after, f)
		} else {
			after[f] = text
		}
	}
	return after, fits
}

// check compares the disk with the model after every step.
func (m *machine) check(rt *rapid.T) {
	v, err := m.d.View(0)
	if err != nil {
		rt.Fatal(err)
	}
	for _, f := range modelFiles {
		got, there := readState(filepath.Join(m.root, f))
		if text, ok := m.live[f]; ok != there || text != got {
			rt.Fatalf("live %s is %q (%v), the model has %q (%v)", f, got, there, text, ok)
		}
		got, there = viewState(v, f)
		if text, ok := m.landed[f]; ok != there || text != got {
			rt.Fatalf("landed %s is %q (%v), the model has %q (%v)", f, got, there, text, ok)
		}
	}
	for _, x := range m.txns {
		for _, f := range modelFiles {
			got, there := readState(filepath.Join(x.txn.Dir(), f))
			if text, ok := x.own[f]; ok != there || text != got {
				rt.Fatalf("transaction's %s is %q (%v), the model has %q (%v)", f, got, there, text, ok)
			}
		}
	}
}

// viewState is a file's state in a landing.
func viewState(v *View, f string) (text string, ok bool) {
	if to, err := v.ReadLink(f); err == nil {
		return linkTo + to, true
	}
	b, err := v.ReadFile(f)
	return string(b), err == nil
}

// memory returns a folder in memory where there is such a thing: a model test
// asks what is done, not how durable it is.
func memory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "matrixos-test")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// atMost bounds the number of checks of a property that is slow to check, unless
// the command line asks for another.
func atMost(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return
	}
	set := func(v string) {
		if err := f.Value.Set(v); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		n *= 5 // rapid makes a fifth of it
	}
	set(strconv.Itoa(n))
	t.Cleanup(func() { set(f.DefValue) })
}

// TestModel holds histories of several transactions, an owner who edits by hand,
// undos and restarts against a model of a few maps.
func TestModel(t *testing.T) {
	base := memory(t)
	atMost(t, soak(t, 40, 600))
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(base, "home")
		if err != nil {
			rt.Fatal(err)
		}
		m := &machine{t: rt, root: root, live: map[string]string{}, landed: map[string]string{}}
		m.open()
		defer func() {
			if err := m.d.Close(); err != nil {
				rt.Error(err)
			}
		}()
		anyFile := rapid.SampledFrom(modelFiles)
		edit := func(rt *rapid.T, root string, state map[string]string) {
			f := anyFile.Draw(rt, "file")
			path := filepath.Join(root, f)
			if _, ok := state[f]; ok && rapid.IntRange(0, 3).Draw(rt, "delete") == 0 {
				if err := os.Remove(path); err != nil {
					rt.Fatal(err)
				}
				delete(state, f)
				return
			}
			state[f] = m.text(f, state[f])
			if st, err := os.Lstat(path); err == nil && st.IsDir() { // an empty one
				if err := os.Remove(path); err != nil {
					rt.Fatal(err)
				}
			}
			if err := writeState(path, state[f], rapid.Bool().Draw(rt, "rename")); err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"begin": func(rt *rapid.T) {
				if len(m.txns) > 3 {
					rt.Skip()
				}
				txn, err := m.d.Begin(context.Background(), "model")
				if err != nil {
					rt.Fatal(err)
				}
				m.txns = append(m.txns, &modelTxn{txn, maps.Clone(m.landed), maps.Clone(m.landed)})
			},
			"write": func(rt *rapid.T) {
				if len(m.txns) == 0 {
					rt.Skip()
				}
				x := rapid.SampledFrom(m.txns).Draw(rt, "transaction")
				edit(rt, x.txn.Dir(), x.own)
			},
			"owner": func(rt *rapid.T) { edit(rt, m.root, m.live) },
			"capture": func(rt *rapid.T) {
				if _, err := m.d.Capture(context.Background()); err != nil {
					rt.Fatal(err)
				}
				m.capture(modelFiles)
			},
			"land":    m.land,
			"undo":    m.undo,
			"restart": m.restart,
			"crash":   m.crash,
			"die":     m.landAndDie,
			"git":     m.gitByHand,
			"by hand": m.byHand,
			"":        m.check,
		})
	})
}
