package kernel_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// resting is a main agent that makes one call, and says what came of it.
func resting(name string, args machine.Obj) *machine.Puppet {
	return &machine.Puppet{Play: func(_ context.Context, r *model.Request, step int) (model.Reply, error) {
		heard := machine.Heard(*r)
		switch {
		case strings.Contains(heard, "write to it"):
			if step == 0 {
				return machine.Does("send_message", machine.Obj{"to": "1", "content": "the bread is done"}), nil
			}
			return machine.Says("written"), nil
		case step == 0:
			return machine.Does(name, args), nil
		}
		return machine.Says(heard), nil
	}}
}

// untilWaits waits until the first process waits for why, and returns its row.
func untilWaits(t *testing.T, m *machine.Machine, why sys.WaitFor) sys.Process {
	t.Helper()
	for {
		if rows := m.Kernel.Processes(); len(rows) > 0 && rows[0].WaitingFor == why {
			return rows[0]
		}
		select {
		case <-t.Context().Done():
			t.Fatal("it does not wait for a " + why)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestAProcessWaitsForATime(t *testing.T) {
	m := machine.Boot(t, resting("wait", machine.Obj{"seconds": 1}))
	start := time.Now()
	a, _ := m.Ask("rest")
	if !a.OK || !strings.Contains(a.Text, "It is ") || strings.Contains(a.Text, "owner") || time.Since(start) < time.Second {
		t.Errorf("after %s: %+v", time.Since(start), a)
	}
}

// What the owner says ends a rest: nobody has to wait for a clock to be heard.
func TestTheOwnerEndsARest(t *testing.T) {
	for name, c := range map[string]struct {
		call string
		args machine.Obj
		why  sys.WaitFor
		want string
	}{
		"a time": {"wait", machine.Obj{"seconds": 3600}, sys.ForTimer, "before the time was over"},
		"mail":   {"read_messages", machine.Obj{"wait_seconds": 3600}, sys.ForMessage, "No messages."},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine.Boot(t, resting(c.call, c.args))
			sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
			defer sub.Close()
			ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "rest", Conversation: "talk"})
			if err != nil {
				t.Fatal(err)
			}
			if r := untilWaits(t, m, c.why); r.State != sys.Waiting || !strings.HasPrefix(r.WaitingOn, "until ") {
				t.Errorf("row %+v", r)
			}
			if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go on now", Conversation: "talk"}); err != nil {
				t.Fatal(err)
			}
			a, _ := m.Follow(sub, ticket)
			if !a.OK || !strings.Contains(a.Text, c.want) || !strings.Contains(a.Text, "go on now") {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestMailEndsTheWaitForIt(t *testing.T) {
	m := machine.Boot(t, resting("read_messages", machine.Obj{"wait_seconds": 3600}))
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "rest"})
	if err != nil {
		t.Fatal(err)
	}
	untilWaits(t, m, sys.ForMessage)
	if b, _ := m.Ask("write to it"); b.Text != "written" {
		t.Fatalf("%+v", b)
	}
	a, _ := m.Follow(sub, ticket)
	if !a.OK || !strings.Contains(a.Text, "the bread is done") {
		t.Errorf("%+v", a)
	}
}

// A rest that a restart cuts off ends when it would have ended, not an hour after
// the restart.
func TestARestIsNotBegunAnew(t *testing.T) {
	var later atomic.Int64
	o := machine.Options{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }}
	home := filepath.Join(t.TempDir(), "home")
	p := resting("wait", machine.Obj{"seconds": 3600})
	m := machine.StartWith(t, home, p, o)
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "rest"}); err != nil {
		t.Fatal(err)
	}
	first := untilWaits(t, m, sys.ForTimer)
	m.Close()
	later.Store(int64(10 * time.Minute))
	m = machine.StartWith(t, home, p, o)
	if r := untilWaits(t, m, sys.ForTimer); r.WaitingOn != first.WaitingOn {
		t.Errorf("it rests %s, and was to rest %s", r.WaitingOn, first.WaitingOn)
	}
	m.Close()
	later.Store(int64(2 * time.Hour))
	m = machine.StartWith(t, home, p, o)
	defer m.Close()
	answered(t, m)
	if n := len(p.Asked()); n != 2 {
		t.Errorf("the model was asked %d times", n)
	}
}
