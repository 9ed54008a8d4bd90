package disk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"matrixos/disk/merge"
	"matrixos/sys"
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
}

type modelTxn struct {
	txn  *Txn
	base map[string]string
	own  map[string]string
}

var modelFiles = []string{"a", "b.json", "d/x", "d/y", "d/e/z"}

func (m *machine) open() {
	d, err := Open(context.Background(), m.root, Options{NoWatch: true})
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
	if old == "" {
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
	case !inBase || !inOwn || !inNow:
		return "", false, false
	}
	out, ok := merge.Three(f, []byte(b), []byte(n), []byte(o))
	return string(out), false, ok
}

func (m *machine) land(rt *rapid.T) {
	if len(m.txns) == 0 {
		rt.Skip()
	}
	i := rapid.IntRange(0, len(m.txns)-1).Draw(rt, "transaction")
	x := m.txns[i]
	m.txns = append(m.txns[:i:i], m.txns[i+1:]...)
	var changed []string
	for _, f := range modelFiles {
		b, inBase := x.base[f]
		o, inOwn := x.own[f]
		if inBase != inOwn || b != o {
			changed = append(changed, f)
		}
	}
	m.capture(changed)
	after := maps.Clone(m.landed)
	fits := true
	for _, f := range changed {
		text, gone, ok := m.merge(f, x.base, x.own, m.landed)
		fits = fits && ok
		if gone {
			delete(after, f)
		} else {
			after[f] = text
		}
	}
	_, err := x.txn.Land(context.Background(), Landing{})
	if fits && err != nil || !fits && !errors.Is(err, sys.Conflict) {
		rt.Fatalf("fits is %v, landing says %v", fits, err)
	}
	if fits {
		for _, f := range changed {
			if text, ok := after[f]; ok {
				m.live[f] = text
			} else {
				delete(m.live, f)
			}
		}
		m.landed = after
	}
	if err := x.txn.Drop(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) undo(rt *rapid.T) {
	ctx := context.Background()
	log, err := m.d.Log(ctx, Query{Limit: 1000})
	if err != nil {
		rt.Fatal(err)
	}
	l := rapid.SampledFrom(log).Draw(rt, "landing")
	if l.ID == 1 || l.UndoneBy != 0 {
		rt.Skip()
	}
	read := func(id sys.LandingID) map[string]string {
		v, err := m.d.View(id)
		if err != nil {
			rt.Fatal(err)
		}
		out := map[string]string{}
		for _, f := range modelFiles {
			if b, err := v.ReadFile(f); err == nil {
				out[f] = string(b)
			}
		}
		return out
	}
	was, before := read(l.ID), read(l.ID-1)
	var files []string
	for _, c := range l.Changes {
		files = append(files, string(c.Path))
	}
	m.capture(files)
	after := maps.Clone(m.landed)
	fits := true
	for _, f := range files {
		text, gone, ok := m.merge(f, was, before, m.landed)
		fits = fits && ok
		if gone {
			delete(after, f)
		} else {
			after[f] = text
		}
	}
	_, _, err = m.d.Undo(ctx, l.ID, UndoOptions{})
	switch {
	case !fits && !errors.Is(err, sys.Conflict):
		rt.Fatalf("undo %s does not fit, but says %v", l.ID, err)
	case fits && maps.Equal(after, m.landed) && !errors.Is(err, sys.Exists):
		rt.Fatalf("undo %s changes nothing, but says %v", l.ID, err)
	case fits && !maps.Equal(after, m.landed) && err != nil:
		rt.Fatalf("undo %s: %v", l.ID, err)
	}
	if fits {
		for _, f := range files {
			if text, ok := after[f]; ok {
				m.live[f] = text
			} else {
				delete(m.live, f)
			}
		}
		m.landed = after
	}
}

// check compares the disk with the model after every step.
func (m *machine) check(rt *rapid.T) {
	v, err := m.d.View(0)
	if err != nil {
		rt.Fatal(err)
	}
	for _, f := range modelFiles {
		b, err := os.ReadFile(filepath.Join(m.root, f))
		if text, ok := m.live[f]; ok != (err == nil) || text != string(b) {
			rt.Fatalf("live %s is %q (%v), the model has %q (%v)", f, b, err, text, ok)
		}
		b, err = v.ReadFile(f)
		if text, ok := m.landed[f]; ok != (err == nil) || text != string(b) {
			rt.Fatalf("landed %s is %q (%v), the model has %q (%v)", f, b, err, text, ok)
		}
	}
	for _, x := range m.txns {
		for _, f := range modelFiles {
			b, err := os.ReadFile(filepath.Join(x.txn.Dir(), f))
			if text, ok := x.own[f]; ok != (err == nil) || text != string(b) {
				rt.Fatalf("transaction's %s is %q (%v), the model has %q (%v)", f, b, err, text, ok)
			}
		}
	}
}

func (m *machine) restart(rt *rapid.T) {
	for _, x := range m.txns {
		if err := x.txn.Drop(); err != nil {
			rt.Fatal(err)
		}
	}
	m.txns = nil
	if err := m.d.Close(); err != nil {
		rt.Fatal(err)
	}
	m.open()
	m.capture(modelFiles)
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
	set(strconv.Itoa(n))
	t.Cleanup(func() { set(f.DefValue) })
}

// TestModel holds histories of several transactions, an owner who edits by hand,
// undos and restarts against a model of a few maps.
func TestModel(t *testing.T) {
	base := memory(t)
	atMost(t, 30)
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
			if err := write(path, state[f]); err != nil {
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
			"":        m.check,
		})
	})
}
