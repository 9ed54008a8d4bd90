package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// fileSystem names what a folder is on, for a figure means nothing without.
func fileSystem(b *testing.B, dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		b.Fatal(err)
	}
	names := map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.XFS_SUPER_MAGIC: "xfs", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay"}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	name, ok := names[st.Type]
	if !ok {
		name = fmt.Sprintf("%#x", st.Type)
	}
	return fmt.Sprintf("%s, load %s", name, load[:4])
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// One landing of ten files, durable and in the live files, in a home of 1,000.
func BenchmarkLandTenFiles(b *testing.B) {
	h := benchHome(b, 1000)
	b.Log(fileSystem(b, h.root))
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		tx := h.begin()
		for i := range 10 {
			put(b, fmt.Sprintf("%s/apps/a%02d/src/f%03d.tsx", tx.Dir(), i, i), fmt.Sprint(n, i))
		}
		b.StartTimer()
		start := time.Now()
		h.land(tx, "ten")
		took = append(took, time.Since(start))
		b.StopTimer()
		if err := tx.Drop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(median(took).Microseconds())/1000, "median-ms")
}

const writers = 8

// writeFor runs the writers for a while and returns how many rounds per second
// they made.
func writeFor(b *testing.B, length time.Duration, round func(w, n int) error) float64 {
	var rounds atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for w := range writers {
		wg.Go(func() {
			for n := 0; time.Since(start) < length; n++ {
				if err := round(w, n); err != nil {
					b.Error(err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(rounds.Load()) / time.Since(start).Seconds()
}

// Eight writers, each on files of its own, against eight who use git worktrees,
// commit in them and merge into main, both durable, one after the other.
func BenchmarkWriters(b *testing.B) {
	h := benchHome(b, 200)
	b.Log(fileSystem(b, h.root))
	ours, direct, theirs := 0.0, 0.0, 0.0
	repo := gitWriters(b)
	var main sync.Mutex
	for b.Loop() {
		ours += writeFor(b, 3*time.Second, func(w, n int) error {
			tx, err := h.Begin(context.Background(), "writer")
			if err != nil {
				return err
			}
			if err := write(filepath.Join(tx.Dir(), writerFile(w)), fmt.Sprint(time.Now(), n)); err != nil {
				return err
			}
			_, err = tx.Land(context.Background(), Landing{Title: "writer"})
			return errors.Join(err, tx.Drop())
		})
		direct += writeFor(b, 3*time.Second, func(w, n int) error { // the same without a workspace
			_, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{sys.Path(writerFile(w)): fmt.Append(nil, time.Now(), n)}})
			return err
		})
		theirs += writeFor(b, 3*time.Second, func(w, n int) error {
			tree := fmt.Sprintf("%s-w%d", repo, w)
			if err := write(filepath.Join(tree, writerFile(w)), fmt.Sprint(time.Now(), n)); err != nil {
				return err
			}
			if _, err := gitIn(tree, "commit", "-qam", "writer"); err != nil {
				return err
			}
			main.Lock()
			defer main.Unlock()
			if _, err := gitIn(repo, "merge", "-q", "--no-edit", fmt.Sprintf("w%d", w)); err != nil {
				return err
			}
			_, err := gitIn(tree, "merge", "-q", "--ff-only", "main")
			return err
		})
	}
	b.ReportMetric(ours/float64(b.N), "landings/s")
	b.ReportMetric(direct/float64(b.N), "writes/s")
	b.ReportMetric(theirs/float64(b.N), "git-merges/s")
	b.ReportMetric(ours/theirs, "ratio")
}

func writerFile(w int) string { return fmt.Sprintf("apps/a%02d/src/f%03d.tsx", w, w) }

// gitWriters is a repository with a worktree for each writer.
func gitWriters(b *testing.B) string {
	repo := filepath.Join(b.TempDir(), "main")
	for p, f := range bigTemplate(200) {
		put(b, filepath.Join(repo, p), string(f.Data))
	}
	commands := [][]string{
		{"init", "-q", "-b", "main"},
		{"config", "user.name", "x"},
		{"config", "user.email", "x@x"},
		{"config", "core.fsync", "all"},
		{"config", "gc.auto", "0"},
		{"add", "-A"},
		{"commit", "-qm", "first"},
	}
	for w := range writers {
		commands = append(commands, []string{"worktree", "add", "-q", "-b", fmt.Sprintf("w%d", w), fmt.Sprintf("%s-w%d", repo, w)})
	}
	for _, c := range commands {
		if _, err := gitIn(repo, c...); err != nil {
			b.Fatal(err)
		}
	}
	return repo
}

// Opening a home of 5,000 files after a death in the middle of its work.
func BenchmarkRecover(b *testing.B) {
	root := b.TempDir()
	h := open(b, root, func(o *Options) { o.Template = bigTemplate(5000) })
	b.Log(fileSystem(b, root))
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		for k := range 10 {
			if _, err := h.Write(context.Background(), Write{Files: map[sys.Path][]byte{"apps/a00/src/f000.tsx": fmt.Append(nil, n, k)}}); err != nil {
				b.Fatal(err)
			}
		}
		h.crash()
		b.StartTimer()
		d, err := Open(context.Background(), root, Options{NoWatch: true})
		if err != nil {
			b.Fatal(err)
		}
		h.Disk = d
	}
}

// Recording a thousand new files that an owner has copied into the home.
func BenchmarkCaptureThousand(b *testing.B) {
	h := benchHome(b, 100)
	b.Log(fileSystem(b, h.root))
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		for i := range 1000 {
			h.put(fmt.Sprintf("copied%d/f%d.txt", n, i), fmt.Sprint("file ", i, " of ", n))
		}
		b.StartTimer()
		h.capture()
	}
}
