package backup

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// A collection that is asked for while a backup or an export reads is refused, and
// the copy is whole; afterwards it runs.
func TestACollectionWaitsForABackup(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	for i := range 3 { // each more than a pack of the backup
		put(t, d.Root(), fmt.Sprintf("big%d", i), noise(9<<20+i))
	}
	r, f, _ := begun(t)
	var once sync.Once
	f.fail = func(_, name string) error {
		if !strings.HasPrefix(name, packPrefix) {
			return nil
		}
		once.Do(func() { // everything is gathered, much of it is still to be read
			if _, err := d.GC(ctx, true); sys.KindOf(err) != sys.Held {
				t.Errorf("a collection during a backup: %v", err)
			}
		})
		return nil
	}
	s := run(t, r, d)
	f.fail = nil
	report, err := d.GC(ctx, true)
	if err != nil || report.Packed == 0 {
		t.Errorf("afterwards: %+v, %v", report, err)
	}
	restored := filepath.Join(t.TempDir(), "h")
	if _, err := r.Restore(ctx, s, restored, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	fsck(t, filepath.Join(restored, gitDir))
}

// A backup that is asked for while a collection runs waits for its end.
func TestABackupWaitsForACollection(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "home")
	r, _, _ := begun(t)
	var d *disk.Disk
	var once sync.Once
	done := make(chan error, 1)
	var s Snapshot
	d, err := disk.Open(ctx, dir, disk.Options{NoWatch: true, Hook: func(point string) {
		if point != "packed" {
			return
		}
		once.Do(func() { // everything is gathered, much of it is still to be read
			go func() {
				var err error
				s, err = r.Run(ctx, d, "test")
				done <- err
			}()
			stopped, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := d.KeepStored(stopped); err == nil {
				t.Error("the store is said to stay while it is collected")
			}
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 3 {
		put(t, dir, "note.md", noise(5000))
		if _, err := d.Capture(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.GC(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := r.Restore(ctx, s, filepath.Join(t.TempDir(), "h"), RestoreOptions{}); err != nil {
		t.Error(err)
	}
}
