package kernel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// follow waits for the answer of a ticket.
func follow(t *testing.T, m *machine.Machine, ticket kernel.Ticket) sys.AnswerData {
	t.Helper()
	sub := m.Disk.Journal().Subscribe(0)
	defer sub.Close()
	a, _ := m.Follow(sub, ticket)
	return a
}

func ask(t *testing.T, m *machine.Machine, text string) (sys.AnswerData, kernel.Ticket) {
	t.Helper()
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: text, From: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return follow(t, m, ticket), ticket
}

// steadily calls for one more list of memories each step, so that it never ends
// by itself and never repeats itself.
func steadily(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
	return machine.Does("Glob", machine.Obj{"pattern": fmt.Sprintf("x%d/*", step)}), nil
}

func caps(c kernel.Caps) machine.Options {
	return machine.Options{Settings: func() kernel.Settings { return kernel.Settings{Caps: c} }}
}

// TestMode16ASpenderIsParked lets a model spend without end: it is parked before
// the budget is overdrawn by more than one request, says what it needs, and goes
// on when it gets that, where it stopped.
func TestMode16ASpenderIsParked(t *testing.T) {
	for name, c := range map[string]struct {
		caps kernel.Caps
		says string
	}{
		"process": {kernel.Caps{Request: &sys.Budget{}, Day: &sys.Budget{}}, "cont"},
		"request": {kernel.Caps{Request: &sys.Budget{USD: 1}}, "caps.request"},
		"program": {kernel.Caps{Programs: map[sys.Program]sys.Budget{"kernel": {USD: 1}}}, "caps.programs"},
		"day":     {kernel.Caps{Day: &sys.Budget{USD: 1}}, "caps.day"},
		"tokens":  {kernel.Caps{Day: &sys.Budget{Tokens: 20_000}}, "tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine.BootWith(t, &machine.Puppet{Play: steadily, Price: sys.Cost{Input: 5000, USD: 0.4}}, caps(c.caps))
			a, ticket := ask(t, m, "spend")
			limit := map[string]float64{"process": 5, "tokens": 20_000. / 5000 * 0.4}[name]
			if limit == 0 {
				limit = 1
			}
			if a.OK || a.Kind != sys.OverBudget || a.Cost.USD > limit+0.4+1e-9 || !strings.Contains(a.Hint+a.Text, c.says) {
				t.Errorf("answer %+v", a)
			}
			rows := m.Kernel.Processes()
			if len(rows) != 1 || rows[0].State != sys.Parked || rows[0].Parked != sys.ForBudget || rows[0].PID != ticket.PID {
				t.Fatalf("table %+v", rows)
			}
			if _, err := m.Kernel.Continue(t.Context(), ticket.PID+7, kernel.Grant{}); sys.KindOf(err) != sys.NotFound {
				t.Errorf("continue nobody: %v", err)
			}
			if name != "process" {
				return
			}
			again, err := m.Kernel.Continue(t.Context(), ticket.PID, kernel.Grant{USD: 2})
			if err != nil {
				t.Fatal(err)
			}
			if b := follow(t, m, again); b.Kind != sys.OverBudget || b.Cost.USD < 1 || b.Cost.USD > 2.4 {
				t.Errorf("with two dollars more it spent %v: %+v", b.Cost.USD, b)
			}
			s, err := m.Kernel.Spending(t.Context(), 1)
			if err != nil || len(s.Programs) != 1 || s.Programs[0].Name != "kernel" || s.Total.Cost.USD < 6 || s.Today.Reserved != 0 {
				t.Errorf("spending %+v %v", s, err)
			}
		})
	}
}

// A budget counts for children too, and their whole request rests and goes on.
func TestARequestRestsAndGoesOnAsAWhole(t *testing.T) {
	grown := false
	p := &machine.Puppet{Price: sys.Cost{USD: 0.3}, Play: func(_ context.Context, r *model.Request, step int) (model.Reply, error) {
		switch {
		case r.Program == "kernel" && step == 0:
			return machine.Does("spawn", machine.Obj{"program": "builder", "task": "build", "app": "x", "contract": machine.Contract}), nil
		case r.Program == "kernel":
			return machine.Says("All done."), nil
		case step == 0:
			return machine.Does("Write", machine.Obj{"file_path": "apps/x/a.txt", "content": "kept"}), nil
		case step < 5:
			return machine.Does("Read", machine.Obj{"file_path": fmt.Sprintf("apps/x/%d", step)}), nil
		}
		grown = true
		return machine.Says("Built."), nil
	}}
	m := machine.Boot(t, p)
	a, ticket := ask(t, m, "build")
	if a.Kind != sys.OverBudget || m.File("apps/x/a.txt") != "" || grown {
		t.Fatalf("answer %+v", a)
	}
	again, err := m.Kernel.Continue(t.Context(), ticket.PID, kernel.Grant{})
	if err != nil {
		t.Fatal(err)
	}
	b := follow(t, m, again)
	if !b.OK || b.Text != "All done." || len(b.Landings) != 1 || m.File("apps/x/a.txt") != "kept" {
		t.Errorf("answer %+v", b)
	}
}

// TestStopStaysOverARestart stops everything in the middle of a call; it stays
// stopped at the next start, until it is continued, and then it is done.
func TestStopStaysOverARestart(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{}, 8)
	var heeds atomic.Bool
	o := machine.Options{Calls: []kernel.Syscall{{
		Name: "send_test", Schema: json.RawMessage(`{"type":"object"}`), Again: true,
		Run: func(context.Context, *kernel.Call) (string, error) {
			began <- struct{}{}
			if !heeds.Load() {
				select {} // it heeds nothing
			}
			return "sent", nil
		},
	}}}
	p := &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		if step == 0 {
			return machine.Does("send_test", machine.Obj{}), nil
		}
		return machine.Says("Sent."), nil
	}}
	m := machine.StartWith(t, home, p, o)
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "send", Conversation: "talk"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	start := time.Now()
	if err := m.Kernel.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 3*time.Second { // under load; BenchmarkStop measures it
		t.Errorf("STOP took %s", d)
	}
	if a := follow(t, m, ticket); a.OK || a.Kind != sys.Canceled || !strings.Contains(a.Hint, "cont") {
		t.Errorf("answer %+v", a)
	}
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "tick", Class: sys.Scheduled}); sys.KindOf(err) != sys.Refused {
		t.Errorf("a schedule ran in spite of STOP: %v", err)
	}
	crash(t, m)
	heeds.Store(true)
	next := machine.StartWith(t, home, p, o)
	defer next.Close()
	if rows := next.Kernel.Processes(); !next.Kernel.Stopped() || len(rows) != 1 || rows[0].State != sys.Parked || rows[0].Parked != sys.ForStop {
		t.Errorf("after the restart: %+v", rows)
	}
	list, err := next.Kernel.ContinueAll(t.Context())
	if err != nil || len(list) != 1 || list[0].Request == ticket.Request {
		t.Fatalf("%+v %v", list, err)
	}
	if a := follow(t, next, list[0]); !a.OK || a.Text != "Sent." {
		t.Errorf("answer %+v", a)
	}
	if next.Kernel.Stopped() {
		t.Error("still stopped")
	}
}

// What the owner says to a conversation that rests lets it go on.
func TestWordsToAProcessThatRests(t *testing.T) {
	began := make(chan struct{}, 1)
	p := &machine.Puppet{Play: func(ctx context.Context, r *model.Request, _ int) (model.Reply, error) {
		if !strings.Contains(machine.Heard(*r), "in green") {
			began <- struct{}{}
			<-ctx.Done()
			return model.Reply{}, ctx.Err()
		}
		return machine.Says("Green."), nil
	}}
	m := machine.Boot(t, p)
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "paint", Conversation: "talk"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	if err := m.Kernel.Signal(ticket.PID, kernel.Stop); err != nil {
		t.Fatal(err)
	}
	follow(t, m, ticket)
	again, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "in green", Conversation: "talk"})
	if err != nil || again.PID != ticket.PID || again.Request == ticket.Request {
		t.Fatalf("%+v %v", again, err)
	}
	if a := follow(t, m, again); !a.OK || a.Text != "Green." {
		t.Errorf("answer %+v", a)
	}
	heard := machine.Heard(p.Asked()[1])
	if i, j := strings.Index(heard, "paint"), strings.Index(heard, "in green"); i < 0 || j < i {
		t.Errorf("heard %q", heard)
	}
}

func TestSignalsToAProcessThatRests(t *testing.T) {
	m := machine.Boot(t, &machine.Puppet{Play: steadily, Price: sys.Cost{USD: 3}})
	a, ticket := ask(t, m, "spend")
	if a.Kind != sys.OverBudget {
		t.Fatalf("answer %+v", a)
	}
	if err := m.Kernel.Signal(ticket.PID, "shout"); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a signal that there is not: %v", err)
	}
	if err := m.Kernel.Signal(ticket.PID, kernel.Kill); err != nil {
		t.Fatal(err)
	}
	if rows := m.Kernel.Processes(); len(rows) != 0 {
		t.Errorf("still there: %+v", rows)
	}
	if err := m.Kernel.Signal(ticket.PID, kernel.Cont); sys.KindOf(err) != sys.NotFound {
		t.Errorf("it goes on after its end: %v", err)
	}
}

// TestMode14AProcessThatCrashesUsIsParked dies with a process three times.
func TestMode14AProcessThatCrashesUsIsParked(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{}, 8)
	p := &machine.Puppet{Play: func(ctx context.Context, _ *model.Request, _ int) (model.Reply, error) {
		began <- struct{}{}
		<-ctx.Done()
		return model.Reply{}, ctx.Err()
	}}
	m := machine.Start(t, home, p)
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "crash"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-began
		crash(t, m)
		m = machine.Start(t, home, p)
	}
	defer m.Close()
	if a, _ := answered(t, m); a.OK || !strings.Contains(a.Text, "3 times") || !strings.Contains(a.Hint, "cont") {
		t.Errorf("answer %+v", a)
	}
	if rows := m.Kernel.Processes(); len(rows) != 1 || rows[0].Parked != sys.ForCrashes {
		t.Errorf("table %+v", rows)
	}
}

// One command must not take up what a daemon left, nor lose it.
func TestASingleCommandResumesNothing(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{}, 1)
	m := machine.Start(t, home, &machine.Puppet{Play: func(ctx context.Context, _ *model.Request, _ int) (model.Reply, error) {
		began <- struct{}{}
		<-ctx.Done()
		return model.Reply{}, ctx.Err()
	}})
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	m.Close() // in order: it is put to rest
	p := &machine.Puppet{Play: func(context.Context, *model.Request, int) (model.Reply, error) { return machine.Says("Done."), nil }}
	for range 4 {
		one := machine.StartWith(t, home, p, machine.Options{Once: true})
		if rows := one.Kernel.Processes(); len(rows) != 1 || rows[0].State.Ended() || rows[0].State == sys.Parked {
			t.Errorf("table %+v", rows)
		}
		one.Close()
	}
	if n := len(p.Asked()); n != 0 {
		t.Errorf("single commands asked the model %d times", n)
	}
	next := machine.Start(t, home, p)
	defer next.Close()
	if a := follow(t, next, ticket); !a.OK {
		t.Errorf("answer %+v", a)
	}
}

// The figures of a process tell where its time went.
func TestFigures(t *testing.T) {
	p := &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		time.Sleep(30 * time.Millisecond)
		if step == 0 {
			return machine.Does("read_state", machine.Obj{}), nil
		}
		return machine.Says("Done."), nil
	}}
	m := machine.Boot(t, p)
	_, events := m.Ask("go")
	var last sys.Process
	states := []string{}
	for _, e := range events {
		if e.Kind == sys.EventProcess {
			last = sys.Process{}
			if err := json.Unmarshal(e.Data, &last); err != nil {
				t.Fatal(err)
			}
			states = append(states, string(last.State)+string(last.WaitingFor))
		}
	}
	if last.State != sys.Done || last.WaitMillis < 60 || last.Ended.Sub(last.Started) < 60*time.Millisecond || last.Steps != 2 || last.Calls != 1 {
		t.Errorf("last row %+v", last)
	}
	if want := []string{"ready", "running", "waitingmodel"}; !slices.Equal(states[:3], want) {
		t.Errorf("states %v", states)
	}
}
