package kernel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// rig is a kernel for benchmarks.
type rig struct {
	*kernel.Kernel
	disk *disk.Disk
}

func newRig(b *testing.B, m kernel.Models, s kernel.Settings, calls ...kernel.Syscall) rig {
	b.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d, err := disk.Open(b.Context(), filepath.Join(b.TempDir(), "home"), disk.Options{Template: machine.Programs, Logger: log})
	if err != nil {
		b.Fatal(err)
	}
	k, err := kernel.New(b.Context(), kernel.Options{
		Disk: d, Models: m, Apps: &machine.Apps{}, Handle: func() sys.Handle { return "@you:test" }, Logger: log, Now: time.Now, Calls: calls,
		Settings: func() kernel.Settings { return s },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { k.Close(); d.Close() })
	return rig{k, d}
}

// finish waits for the answers of tickets.
func (r rig) finish(b *testing.B, tickets ...kernel.Ticket) {
	b.Helper()
	open := map[sys.RequestID]bool{}
	for _, t := range tickets {
		open[t.Request] = true
	}
	sub := r.disk.Journal().Subscribe(0)
	defer sub.Close()
	for len(open) > 0 {
		events, err := sub.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == sys.EventAnswer && open[e.Request] {
				delete(open, e.Request)
				var a sys.AnswerData
				if err := json.Unmarshal(e.Data, &a); err != nil || !a.OK {
					b.Fatalf("answer %+v %v", a, err)
				}
			}
		}
	}
}

func noop(name string, readOnly bool) kernel.Syscall {
	return kernel.Syscall{
		Name: name, Schema: json.RawMessage(`{"type":"object"}`), ReadOnly: readOnly,
		Run: func(context.Context, *kernel.Call) (string, error) { return "ok", nil },
	}
}

// BenchmarkSyscall is what the kernel itself takes for one system call that does
// nothing, durable: the call is in the journal before it runs and its result
// before the next one. At most 2 ms in the median.
func BenchmarkSyscall(b *testing.B) {
	for name, readOnly := range map[string]bool{"mutator": false, "reader": true} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			done := make(chan struct{})
			r := newRig(b, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
				defer close(done)
				for n := 0; b.Loop(); n++ {
					start := time.Now()
					res := h.Call(ctx, fmt.Sprint("c", n), "send_test", json.RawMessage(`{}`))
					took = append(took, time.Since(start))
					if res.Failed {
						return "", fmt.Errorf("%s", res.Text)
					}
				}
				return "ok", nil
			}}, kernel.Settings{}, noop("send_test", readOnly))
			t, err := r.Ask(b.Context(), kernel.Ask{Text: "go"})
			if err != nil {
				b.Fatal(err)
			}
			<-done
			r.finish(b, t)
			slices.Sort(took)
			median := took[len(took)/2]
			b.ReportMetric(float64(median.Microseconds())/1000, "ms/median")
			if median > 2*time.Millisecond {
				b.Errorf("a system call takes %s in the median, more than 2 ms", median)
			}
		})
	}
}

// BenchmarkConcurrent runs 200 processes at once against a model that takes a
// fixed time, of which a provider serves a fixed number at a time. The ideal is
// what the model alone takes, with every place always taken; the kernel may take
// half as much again.
func BenchmarkConcurrent(b *testing.B) {
	const processes, places, each = 200, 50, 3
	var mu sync.Mutex
	var thinking time.Duration // what the model took, all requests together
	p := &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		start := time.Now()
		time.Sleep(300 * time.Millisecond)
		mu.Lock()
		thinking += time.Since(start)
		mu.Unlock()
		if step < each-1 {
			return machine.Does("send_test", machine.Obj{"n": step}), nil
		}
		return machine.Says("ok"), nil
	}}
	r := newRig(b, p, kernel.Settings{Concurrent: map[string]int{"puppet": places}}, noop("send_test", false))
	var ratio float64
	for b.Loop() {
		thinking = 0
		start := time.Now()
		tickets := make([]kernel.Ticket, processes)
		var wg sync.WaitGroup
		for i := range tickets {
			wg.Go(func() {
				t, err := r.Ask(b.Context(), kernel.Ask{Text: fmt.Sprint("go ", i), Class: sys.Class(i % 2)})
				if err != nil {
					b.Error(err)
				}
				tickets[i] = t
			})
		}
		wg.Wait()
		r.finish(b, tickets...)
		ratio = float64(time.Since(start)) / (float64(thinking) / places)
	}
	b.ReportMetric(ratio, "times-ideal")
	if ratio > 1.5 {
		b.Errorf("the makespan is %.2f times the ideal one, more than 1.5", ratio)
	}
}

// BenchmarkStop measures STOP in the middle of calls that heed nothing. It may
// take a second.
func BenchmarkStop(b *testing.B) {
	var worst time.Duration
	began := make(chan struct{}, 64)
	hang := noop("send_test", false)
	hang.Run = func(context.Context, *kernel.Call) (string, error) { began <- struct{}{}; select {} }
	r := newRig(b, &machine.Puppet{Play: func(context.Context, *model.Request, int) (model.Reply, error) {
		return machine.Does("send_test", machine.Obj{}), nil
	}}, kernel.Settings{}, hang)
	for b.Loop() {
		for i := range 8 {
			if _, err := r.Ask(b.Context(), kernel.Ask{Text: fmt.Sprint(i)}); err != nil {
				b.Fatal(err)
			}
		}
		for range 8 {
			<-began
		}
		start := time.Now()
		if err := r.StopAll(b.Context()); err != nil {
			b.Fatal(err)
		}
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Milliseconds()), "ms/worst")
	if worst > time.Second {
		b.Errorf("STOP took %s", worst)
	}
}
