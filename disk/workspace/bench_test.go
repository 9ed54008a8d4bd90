package workspace

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// BenchmarkBegin is how long a begin takes on each backend, and how many times
// quicker it is than a plain copy of all files on the same file system, made in
// the same run. Homes of 50,000 files take minutes to make: `make bench` only.
func BenchmarkBegin(b *testing.B) {
	sizes := []int{200, 5_000}
	if os.Getenv("MATRIXOS_BENCH") != "" {
		sizes = append(sizes, 50_000)
	}
	for _, s := range setups() {
		for _, n := range sizes {
			if n > mostSpare && s.o.Only == Copy {
				continue // a plain copy: the others' base line says how long it takes
			}
			b.Run(fmt.Sprintf("%s/files=%d", strings.ReplaceAll(s.name, " ", "-"), n), func(b *testing.B) { benchBegin(b, s, n) })
		}
	}
}

func benchBegin(b *testing.B, s setup, n int) {
	home := files{}
	for i := range n {
		home[fmt.Sprintf("apps/a%03d/src/f%05d.tsx", i%100, i)] = strings.Repeat(fmt.Sprintf("line %d\n", i), 100)
	}
	w := newWorld(b, s, s.dir(b), home)
	w.drop(w.begin()) // the first one may wait for a generation
	start := time.Now()
	items := []item{}
	for path, text := range home {
		n, _ := node(text)
		items = append(items, item{path, n})
	}
	plain := w.path("plain")
	if _, err := w.write(b.Context(), plain, items, false, nil); err != nil {
		b.Fatal(err)
	}
	copied := time.Since(start)
	if err := remove(plain); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		for range 400 { // what begins in a row finds a spare, given time
			w.mu.Lock()
			ready := w.spare != nil || w.backend.Kind == Overlay || w.backend.Kind == Snapshot
			w.mu.Unlock()
			if ready {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		b.StartTimer()
		f, err := w.Begin(b.Context(), w.tree, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := f.Drop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(copied)/(float64(b.Elapsed())/float64(b.N)), "x-copy")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/begin")
	b.Logf("%s", w.backend.Detail)
}
