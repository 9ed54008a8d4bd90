package disk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"matrixos/sys"
)

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
	lived := true // it may not come that far: nothing to land, a conflict, nothing to exchange
	m.hook.once(point, func() {
		lived = false
		panic(died)
	})
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
	m.hook.set(nil)
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
