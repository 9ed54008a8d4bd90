package kernel_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

func TestStopReachesARunningProcessWithinASecond(t *testing.T) {
	began := make(chan struct{})
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
			return "", err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/x/a", "content": "a"}); err != nil {
				return "", err
			}
			close(began)
			<-ctx.Done()
			return "", ctx.Err()
		},
	})
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	start := time.Now()
	if err := m.Kernel.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("STOP took %s", d)
	}
	a, _ := m.Follow(sub, ticket)
	if a.OK || a.Kind != sys.Canceled {
		t.Errorf("answer %+v", a)
	}
	if m.File("apps/x/a") != "" {
		t.Error("work of a stopped process landed")
	}
}

func TestWordsDuringATurnAreFoldedIn(t *testing.T) {
	began, said := make(chan struct{}), make(chan string, 1)
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			close(began)
			for ctx.Err() == nil {
				if in := h.Steering(); len(in) > 0 {
					said <- in[0].Text
					return "ok", nil
				}
				time.Sleep(time.Millisecond)
			}
			return "", ctx.Err()
		},
	})
	first, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go", Conversation: "talk"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	second, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "and in blue", Conversation: "talk"})
	if err != nil {
		t.Fatal(err)
	}
	if second.PID != first.PID || second.Request != first.Request {
		t.Errorf("the words made a process of their own: %+v %+v", first, second)
	}
	if got := <-said; got != "and in blue" {
		t.Errorf("steered with %q", got)
	}
}

func TestAQuestionWaitsForTheOwner(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			a, err := machine.Call(ctx, h, "ask_owner", machine.Obj{"question": "Which colour?", "choices": []string{"red", "blue"}})
			return "You said " + a, err
		},
	})
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	for id == "" {
		events, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == sys.EventQuestion {
				_, id, _ = strings.Cut(string(e.Data), `"id":"`)
				id, _, _ = strings.Cut(id, `"`)
			}
		}
	}
	if err := m.Kernel.Answer(t.Context(), id, "blue"); err != nil {
		t.Fatal(err)
	}
	if a, _ := m.Follow(sub, ticket); !a.OK || a.Text != "You said blue" {
		t.Errorf("answer %+v", a)
	}
	if err := m.Kernel.Answer(t.Context(), id, "red"); !errors.Is(err, sys.NotFound) {
		t.Errorf("a second answer: %v", err)
	}
}

func TestBudgetEndsAProcess(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"}); err == nil {
				return "", errors.New("the child did not fail")
			}
			return "It was too much.", nil
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			for range 100 {
				if _, err := h.Reserve(ctx, engine.Estimate{}); err != nil {
					return "", err
				}
				if err := h.Keep(ctx, machine.Reply("more"), sys.Cost{USD: 0.3}); err != nil {
					return "", err
				}
			}
			return "", errors.New("nothing stopped it")
		},
	})
	a, _ := m.Ask("spend")
	if a.OK || a.Kind != sys.OverBudget {
		t.Errorf("answer %+v", a)
	}
	if a.Cost.USD > 1+0.3+0.5 { // the budget, one request over it, and the parent
		t.Errorf("spent %v of 1: more than one request over", a.Cost.USD)
	}
}

func TestWhatARunLeftUnfinishedGoesOn(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{})
	m := machine.Start(t, home, machine.Script{
		"kernel": func(ctx context.Context, _ engine.Host, _ int, _ string) (string, error) {
			close(began)
			<-ctx.Done()
			return "", ctx.Err()
		},
	})
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	// The binary dies: the disk lets go of the home, and no process gets to end.
	if err := m.Disk.Close(); err != nil {
		t.Fatal(err)
	}
	next := machine.Start(t, home, machine.Script{"kernel": func(context.Context, engine.Host, int, string) (string, error) { return "again", nil }})
	defer next.Close()
	sub := next.Disk.Journal().Subscribe(0)
	defer sub.Close()
	if a, _ := next.Follow(sub, ticket); !a.OK || a.Text != "again" {
		t.Errorf("answer %+v", a)
	}
	if a, _ := next.Ask("hello"); !a.OK {
		t.Errorf("answer %+v", a)
	}
	events, err := next.Disk.Journal().Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	for _, e := range events {
		if e.Kind == sys.EventAnswer && e.Request == ticket.Request && e.Conversation == ticket.Conversation {
			answers++
		}
	}
	if answers != 1 {
		t.Errorf("%d answers to the request that was cut off", answers)
	}
	_ = m.Kernel.Close()
}

func TestConversationIsKeptAndResumed(t *testing.T) {
	m := machine.Boot(t, machine.Script{"kernel": func(context.Context, engine.Host, int, string) (string, error) { return "hello", nil }})
	for _, text := range []string{"one", "two"} {
		sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
		ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: text, Conversation: "talk"})
		if err != nil {
			t.Fatal(err)
		}
		m.Follow(sub, ticket)
		sub.Close()
	}
	entries, err := m.Kernel.Conversation(t.Context(), "talk")
	if err != nil || len(entries) != 4 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	list, err := m.Kernel.Conversations(t.Context())
	if err != nil || len(list) != 1 || list[0].Title != "one" || list[0].Messages != 4 {
		t.Errorf("list %+v %v", list, err)
	}
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "x", Conversation: "../../etc/passwd"}); !errors.Is(err, sys.Invalid) {
		t.Errorf("a conversation outside its folder: %v", err)
	}
}
