package sync

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"matrixos/disk"
)

// Devices edit and meet in any order. In the end all have the same tree; no edit
// is lost: each is in the end result, or was replaced by a later edit that
// had seen it, or its conflict was reported.
func TestDevicesConverge(t *testing.T) {
	seeds := 4
	if os.Getenv("SOAK") != "" {
		seeds = 200
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { converge(t, uint64(seed), 2+seed%2) })
	}
}

func converge(t *testing.T, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 7))
	h := hub(t)
	var all []*device
	for i := range n {
		all = append(all, newDevice(t, fmt.Sprint("d", i), h))
	}
	// Each device has lines of its own in shared files, and files of its own.
	mine := map[string]string{} // file of one device → newest text
	shared := func(i int) string { return fmt.Sprintf("shared%d.md", i) }
	lines := map[string]string{} // "file:device" → newest line
	base := ""
	for i := range n {
		base += fmt.Sprintf("device %d: -\n\n\n\n", i)
	}
	for i := range 2 {
		all[0].write(shared(i), base)
	}
	for range 2 {
		for _, v := range all {
			v.must(Request{Action: "pull"})
		}
	}
	conflicts := 0
	meet := func(v *device) {
		_, err := v.do(Request{Action: "pull"})
		var c *disk.ConflictError
		if errors.As(err, &c) {
			for _, f := range c.Files {
				if f.Path != "hot" {
					t.Fatalf("a false conflict in %s", f.Path)
				}
			}
			conflicts++
			_, err = v.do(Request{Action: "pull", Prefer: []disk.Side{disk.Ours, disk.Theirs}[r.IntN(2)]})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for step := range 14 {
		i := r.IntN(n)
		v := all[i]
		switch r.IntN(5) {
		case 0, 1:
			name := shared(r.IntN(2))
			line := fmt.Sprintf("device %d: %d\n", i, step)
			var out strings.Builder
			for l := range strings.Lines(v.read(name)) {
				if strings.HasPrefix(l, fmt.Sprintf("device %d:", i)) {
					l = line
				}
				out.WriteString(l)
			}
			v.write(name, out.String())
			lines[fmt.Sprint(name, ":", i)] = line
		case 2:
			name := fmt.Sprintf("own/%d-%d", i, r.IntN(3))
			v.write(name, fmt.Sprint(step))
			mine[name] = fmt.Sprint(step)
		case 3:
			v.write("hot", fmt.Sprint(v.name, step, "\n"))
		default:
			meet(v)
		}
	}
	for range 2 {
		for _, v := range all {
			meet(v)
		}
	}
	for _, v := range all[1:] {
		if v.tree() != all[0].tree() {
			t.Fatalf("%s differs from %s", v.name, all[0].name)
		}
	}
	for name, text := range mine {
		if got := all[0].read(name); got != text {
			t.Errorf("%s is %q, want %q", name, got, text)
		}
	}
	for key, line := range maps.All(lines) {
		name, _, _ := strings.Cut(key, ":")
		if !strings.Contains(all[0].read(name), line) {
			t.Errorf("%s lacks %q", name, line)
		}
	}
	view, err := all[0].d.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(view, ".disk"); err == nil {
		t.Error("the store is in the history")
	}
	t.Logf("%d conflicts", conflicts)
}
