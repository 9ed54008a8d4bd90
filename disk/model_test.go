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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
	dieAt  string // the point where the next landing dies
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
	d, err := Open(context.Background(), m.root, Options{NoWatch: true, Hook: func(point string) {
		if point == m.dieAt {
			m.dieAt = ""
			panic(died)
		}
	}})
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
	after, fits := m.merged(x, changed)
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
			if text, ok := viewState(v, f); ok {
				out[f] = text
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

func (m *machine) dropAll(rt *rapid.T) {
	for _, x := range m.txns {
		if err := x.txn.Drop(); err != nil {
			rt.Fatal(err)
		}
	}
	m.txns = nil
}

func (m *machine) restart(rt *rapid.T) {
	m.dropAll(rt)
	if err := m.d.Close(); err != nil {
		rt.Fatal(err)
	}
	m.open()
	m.capture(modelFiles)
}

// crash lets go of the disk as a death does: nothing more is written.
func (m *machine) crash(rt *rapid.T) {
	m.dropAll(rt)
	m.d.crash()
	m.open()
	m.capture(modelFiles)
}

// deaths are points of a landing, and whether it has happened there.
var deaths = map[string]bool{
	"scanned": false, "captured": false, "merged": false, "checked": false, "objects": false, "staged": false,
	"committed": true, "exchange": true, "exchanged": true, "applied": true,
}

// landAndDie kills the disk in the middle of a landing.
func (m *machine) landAndDie(rt *rapid.T) {
	if len(m.txns) == 0 {
		rt.Skip()
	}
	if _, err := m.d.Capture(context.Background()); err != nil { // so that it dies in no capture
		rt.Fatal(err)
	}
	m.capture(modelFiles)
	point := rapid.SampledFrom(slices.Sorted(maps.Keys(deaths))).Draw(rt, "point")
	x := m.txns[0]
	m.dieAt = point
	after, fits := m.merged(x, modelFiles)
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(died) {
				panic(p)
			}
		}()
		if _, err := x.txn.Land(context.Background(), Landing{}); fits && err != nil {
			rt.Fatal(err)
		}
	}()
	lived := m.dieAt != "" // it did not come that far: nothing to land, a conflict, nothing to exchange
	m.dieAt = ""
	if fits && (lived || deaths[point]) {
		m.landed = after
		m.live = maps.Clone(after)
	}
	m.crash(rt)
}

// gitByHand is an owner with plain git in the home.
func (m *machine) gitByHand(rt *rapid.T) {
	if len(m.landed) == 0 {
		rt.Skip() // git knows no file
	}
	git := func(args ...string) {
		if err := errors.Join(m.d.publishHistory(), m.d.writeIndex(true)); err != nil {
			rt.Fatal(err)
		}
		_, err := gitIn(m.root, append([]string{"-c", "user.name=x", "-c", "user.email=x@x"}, args...)...)
		for try := 0; err != nil && strings.Contains(err.Error(), "index.lock") && try < 50; try++ {
			time.Sleep(10 * time.Millisecond) // the disk was just writing the index: an owner runs it again
			_, err = gitIn(m.root, append([]string{"-c", "user.name=x", "-c", "user.email=x@x"}, args...)...)
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
	switch rapid.SampledFrom([]string{"commit", "stash", "checkout"}).Draw(rt, "git") {
	case "commit":
		git("add", "-A")
		git("commit", "-q", "--allow-empty", "-m", "by hand")
		if _, err := m.d.Capture(context.Background()); err != nil {
			rt.Fatal(err)
		}
		m.capture(modelFiles)
	case "stash": // tracked files go back to what has landed
		git("stash", "-q")
		for f, text := range m.landed {
			m.live[f] = text
		}
	case "checkout":
		git("checkout", "-q", "HEAD", "--", ".")
		for f, text := range m.landed {
			m.live[f] = text
		}
	}
}

// byHand is something else that an owner does to the live files.
func (m *machine) byHand(rt *rapid.T) {
	var err error
	switch rapid.SampledFrom([]string{"folder", "case", "link"}).Draw(rt, "by hand") {
	case "folder": // an empty one, perhaps where a file will land
		f := rapid.SampledFrom([]string{"a", "d/y", "empty"}).Draw(rt, "folder")
		if _, ok := m.live[f]; !ok {
			err = os.MkdirAll(filepath.Join(m.root, f), 0o755)
		}
	case "case":
		from, to := "d/x", "d/X"
		if _, ok := m.live[from]; !ok {
			from, to = to, from
		}
		text, ok := m.live[from]
		if _, taken := m.live[to]; !ok || taken {
			rt.Skip()
		}
		err = os.Rename(filepath.Join(m.root, from), filepath.Join(m.root, to))
		delete(m.live, from)
		m.live[to] = text
	case "link":
		m.live["d/y"] = linkTo + fmt.Sprint("target", m.texts%2)
		m.texts++
		err = m.put("d/y", m.live["d/y"], false)
	}
	if err != nil {
		rt.Fatal(err)
	}
}

// put writes a live file; where an empty folder is, the owner removes it before.
func (m *machine) put(f, text string, rename bool) error {
	path := filepath.Join(m.root, f)
	if st, err := os.Lstat(path); err == nil && st.IsDir() {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return writeState(path, text, rename)
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
