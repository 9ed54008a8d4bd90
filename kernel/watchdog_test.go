package kernel

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// TestMode13ADeadlock lets a background loop hang on a mutex: the watchdog writes
// all stacks to the log and another run of the loop goes on.
func TestMode13ADeadlock(t *testing.T) {
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := &Kernel{now: time.Now, journal: j, log: slog.New(slog.NewTextHandler(&log, nil)), base: func() context.Context { return ctx }, procs: map[sys.PID]*process{}}
		hang := make(chan struct{})
		var mu sync.Mutex
		rounds, first := 0, true
		l := &loop{name: "clock", run: func(ctx context.Context, l *loop) {
			for ctx.Err() == nil {
				end := l.work(k.now)
				mu.Lock()
				stuck := first
				first = false
				mu.Unlock()
				if stuck {
					lockedForEver(hang)
				}
				mu.Lock()
				rounds++
				mu.Unlock()
				end()
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		}}
		k.loops = []*loop{l}
		k.start(l)
		go k.watch(ctx)
		time.Sleep(loopStuck + 2*lookEvery)
		mu.Lock()
		n := rounds
		mu.Unlock()
		if n < 5 {
			t.Errorf("%d rounds: nothing took the loop's place", n)
		}
		close(hang)
		cancel()
		synctest.Wait()
	})
	if text := log.String(); !strings.Contains(text, "lockedForEver") || strings.Count(text, "level=ERROR") != 1 {
		t.Errorf("the log says %.2000s", text)
	}
}

// lockedForEver stands for a lock that is never given back.
func lockedForEver(hang chan struct{}) { <-hang }
