package disk

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// bigTemplate is a home of n small files.
func bigTemplate(n int) fstest.MapFS {
	m := fstest.MapFS{}
	for i := range n {
		m[fmt.Sprintf("apps/a%02d/src/f%03d.tsx", i%10, i)] = &fstest.MapFile{Data: []byte(strings.Repeat(fmt.Sprintf("line %d\n", i), 100))}
	}
	return m
}

func benchHome(b *testing.B, n int) *home {
	return open(b, b.TempDir(), func(o *Options) { o.Template = bigTemplate(n) })
}

func BenchmarkBegin(b *testing.B) {
	for _, n := range []int{200, 5_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			h := benchHome(b, n)
			if err := h.begin().Drop(); err != nil { // the first one of a home may wait for a generation
				b.Fatal(err)
			}
			for b.Loop() {
				tx, err := h.Begin(context.Background(), "bench")
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := tx.Drop(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkLand(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("changed=%d", n), func(b *testing.B) {
			h := benchHome(b, 100)
			round := 0
			for b.Loop() {
				b.StopTimer()
				round++
				tx, err := h.Begin(context.Background(), "bench")
				if err != nil {
					b.Fatal(err)
				}
				for i := range n {
					put(b, fmt.Sprintf("%s/apps/a%02d/src/f%03d.tsx", tx.Dir(), i%10, i), fmt.Sprint(round, i))
				}
				b.StartTimer()
				if _, err := tx.Land(context.Background(), Landing{Title: "bench"}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := tx.Drop(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	root := b.TempDir()
	h := open(b, root, func(o *Options) { o.Template = bigTemplate(100) })
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d, err := Open(context.Background(), root, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewHome(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		d, err := Open(context.Background(), fmt.Sprintf("%s/%d", b.TempDir(), i), Options{Template: bigTemplate(100)})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
