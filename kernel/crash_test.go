package kernel_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// crashAt makes a run of this test binary one that dies at a point; see
// TestMode12KilledAtEachPoint.
const (
	crashAt   = "MATRIXOS_KERNEL_TEST_CRASH"
	crashHome = "MATRIXOS_KERNEL_TEST_HOME"
)

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// writer writes two files, then says so.
func writer(at func(step int)) *machine.Puppet {
	return &machine.Puppet{Price: sys.Cost{Input: 10, USD: 0.01}, Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		at(step)
		switch step {
		case 0:
			return machine.Does("Write", machine.Obj{"file_path": "system/a.md", "content": "one"}), nil
		case 1:
			return machine.Does("Edit", machine.Obj{"file_path": "system/a.md", "old_string": "one", "new_string": "two"}), nil
		}
		return machine.Says("Written."), nil
	}}
}

// TestCrashChild is the process that is killed.
func TestCrashChild(t *testing.T) {
	point := os.Getenv(crashAt)
	if point == "" {
		t.Skip("only as a child of TestMode12KilledAtEachPoint")
	}
	var armed atomic.Bool
	m := machine.StartWith(t, os.Getenv(crashHome), writer(func(step int) {
		if point == "model "+string(rune('0'+step)) {
			die()
		}
	}), machine.Options{Hook: func(at string) {
		if armed.Load() && at == point {
			die()
		}
	}})
	armed.Store(true)
	m.Ask("write it")
	t.Error("it lived past " + point)
}

// TestMode12KilledAtEachPoint kills a process of the kernel with SIGKILL between
// any two steps and at every point of its landing. At the next start the request
// is answered, what was done is there once, and nothing is asked of the model again
// that it had answered.
func TestMode12KilledAtEachPoint(t *testing.T) {
	for point, again := range map[string]int{
		"model 0": 3, "model 1": 2, "model 2": 1,
		"scanned": 0, "merged": 0, "checked": 0, "objects": -1, "staged": 0, "committed": 0, "exchanged": -1, "applied": 0,
	} {
		t.Run(point, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
			cmd.Env = append(os.Environ(), crashAt+"="+point, crashHome+"="+home)
			out, err := cmd.CombinedOutput()
			if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || st.Signal() != syscall.SIGKILL {
				if again < 0 {
					t.Skipf("this landing does not pass %s", point)
				}
				t.Fatalf("the child was not killed: %v\n%s", err, out)
			}
			p := writer(func(int) {})
			m := machine.Start(t, home, p)
			defer m.Close()
			a, events := answered(t, m)
			if !a.OK || a.Text != "Written." || len(a.Landings) != 1 || m.File("system/a.md") != "two" {
				t.Errorf("answer %+v, file %q", a, m.File("system/a.md"))
			}
			if n := len(p.Asked()); again >= 0 && n != again {
				t.Errorf("the model was asked %d times again, want %d", n, again)
			}
			count := map[sys.EventKind]int{}
			for _, e := range events {
				count[e.Kind]++
			}
			if count[sys.EventAnswer] != 1 || count[sys.EventLanding] != 2 { // one is the template's
				t.Errorf("events %v", count)
			}
		})
	}
}

// answered waits for the answer that a home owes, and returns all its events.
func answered(t *testing.T, m *machine.Machine) (sys.AnswerData, []sys.Event) {
	t.Helper()
	var req sys.RequestID
	events, err := m.Disk.Journal().Read(t.Context(), 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == sys.EventRequest {
			req = e.Request
		}
	}
	sub := m.Disk.Journal().Subscribe(0)
	defer sub.Close()
	a, _ := m.Follow(sub, kernel.Ticket{Request: req})
	events, err = m.Disk.Journal().Read(t.Context(), 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	return a, events
}

// crash ends a machine as a power cut does: nothing gets to finish.
func crash(t *testing.T, m *machine.Machine) {
	t.Helper()
	if err := m.Disk.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Kernel.Close() })
}

func TestWordsSurviveACrash(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{})
	m := machine.Start(t, home, &machine.Puppet{Play: func(ctx context.Context, _ *model.Request, _ int) (model.Reply, error) {
		close(began)
		<-ctx.Done()
		return model.Reply{}, ctx.Err()
	}})
	for _, text := range []string{"paint it", "in blue"} {
		if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: text, Conversation: "talk"}); err != nil {
			t.Fatal(err)
		}
		if text == "paint it" {
			<-began
		}
	}
	crash(t, m)
	p := &machine.Puppet{Play: func(context.Context, *model.Request, int) (model.Reply, error) { return machine.Says("Painted."), nil }}
	next := machine.Start(t, home, p)
	defer next.Close()
	if a, _ := answered(t, next); !a.OK {
		t.Errorf("answer %+v", a)
	}
	all := p.Asked()
	if heard := machine.Heard(all[len(all)-1]); strings.Count(heard, "in blue") != 1 || strings.Count(heard, "paint it") != 1 {
		t.Errorf("the model heard %q", heard)
	}
}

// A call of which nobody knows whether it took effect is not made again, and the
// model is told.
func TestACallThatWasCutOffIsNotRepeated(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{})
	var runs atomic.Int32
	send := func(run func(ctx context.Context) (string, error)) machine.Options {
		return machine.Options{Calls: []kernel.Syscall{{
			Name: "send_test", Schema: json.RawMessage(`{"type":"object"}`),
			Run: func(ctx context.Context, _ *kernel.Call) (string, error) { runs.Add(1); return run(ctx) },
		}}}
	}
	p := &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		if step == 0 {
			return machine.Does("send_test", machine.Obj{}), nil
		}
		return machine.Says("Looked after."), nil
	}}
	m := machine.StartWith(t, home, p, send(func(ctx context.Context) (string, error) {
		close(began)
		<-ctx.Done()
		return "", ctx.Err()
	}))
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "send it"}); err != nil {
		t.Fatal(err)
	}
	<-began
	crash(t, m)
	next := machine.StartWith(t, home, p, send(func(context.Context) (string, error) { return "sent", nil }))
	defer next.Close()
	a, _ := answered(t, next)
	all := p.Asked()
	if heard := machine.Heard(all[len(all)-1]); !a.OK || !strings.Contains(heard, "interrupted before a result") || runs.Load() != 1 {
		t.Errorf("answer %+v, %d runs; the model heard %q", a, runs.Load(), heard)
	}
}
