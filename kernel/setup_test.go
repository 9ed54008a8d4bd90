package kernel_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

const plan = `{"role":"baker","apps":[{"title":"Loaves","request":"make loaves"},{"title":"Cakes","request":"make cakes"}],"skills":[{"title":"Kneading","request":"learn kneading"}]}`

// worked waits until no step of a plan is left, and returns their states.
func worked(t *testing.T, m *machine.Machine) []string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		rows, err := m.Disk.Journal().Query(t.Context(), `SELECT s.state || ' ' || t.state FROM kernel_setup s JOIN ipc_task t ON t.id = s.task ORDER BY s.id`)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if len(out) > 0 && !slices.ContainsFunc(out, func(s string) bool { return strings.HasPrefix(s, "waiting") || strings.HasPrefix(s, "running") }) {
			return out
		}
	}
	t.Fatal("the plan is not worked off")
	return nil
}

// A plan that has landed is worked off step by step; a step that fails does not
// keep the next from its turn.
func TestAPlanIsWorkedOff(t *testing.T) {
	var mu sync.Mutex
	var done []string
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
		if said == "set me up" {
			return machine.Call(ctx, h, "write_setup_plan", machine.Obj{"plan_json": plan})
		}
		mu.Lock()
		done = append(done, said)
		mu.Unlock()
		if said == "make cakes" {
			return "", &sys.Error{Op: "bake", Kind: sys.Invalid, Err: errors.New("no flour")}
		}
		return "Made.", nil
	}})
	if a, _ := m.Ask("set me up"); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if got := worked(t, m); !slices.Equal(got, []string{"done done", "failed failed", "done done"}) {
		t.Errorf("the steps are %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(done, []string{"make loaves", "make cakes", "learn kneading"}) {
		t.Errorf("in the order %q", done)
	}
}

// A plan goes on after a crash, with the step that was at work.
func TestAPlanGoesOnAfterACrash(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	began := make(chan struct{})
	var once sync.Once
	crashing := true
	play := func(ctx context.Context, r *model.Request, step int) (model.Reply, error) {
		heard := machine.Heard(*r)
		switch {
		case strings.Contains(heard, "set me up") && step == 0:
			return machine.Does("write_setup_plan", machine.Obj{"plan_json": plan}), nil
		case strings.Contains(heard, "make cakes") && crashing:
			once.Do(func() { close(began) })
			<-ctx.Done()
			return model.Reply{}, ctx.Err()
		}
		return machine.Says("Made."), nil
	}
	m := machine.Start(t, home, &machine.Puppet{Play: play})
	if a, _ := m.Ask("set me up"); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	select {
	case <-began:
	case <-time.After(30 * time.Second):
		t.Fatal("the second step does not begin")
	}
	crash(t, m)
	crashing = false
	next := machine.Start(t, home, &machine.Puppet{Play: play})
	defer next.Close()
	if got := worked(t, next); !slices.Equal(got, []string{"done done", "done done", "done done"}) {
		t.Errorf("the steps are %q", got)
	}
}

// An emptied bootstrap file is removed by its landing.
func TestBootstrapIsRemoved(t *testing.T) {
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, turn int, _ string) (string, error) {
		return machine.Call(ctx, h, "Write", machine.Obj{"file_path": string(kernel.BootstrapFile), "content": "\n"})
	}})
	if a, _ := m.Ask("we have met"); !a.OK {
		t.Errorf("answer %+v", a)
	}
	if l, err := m.Disk.View(0); err != nil {
		t.Error(err)
	} else if _, err := l.Open(string(kernel.BootstrapFile)); err == nil {
		t.Error("it is there")
	}
}

func FuzzParsePlan(f *testing.F) {
	for _, s := range []string{plan, `{}`, `[]`, `{"apps":[{"title":"a\nb","request":"x"}]}`, `{"schedule":[{"name":"x","message":"y","every":"day 08:00"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := kernel.ParsePlan(text)
		if err != nil && sys.HintOf(err) == "" {
			t.Errorf("%v has no way out", err)
		}
		if err == nil && len(p.Apps)+len(p.Skills)+len(p.Schedule)+len(p.Soul) == 0 {
			t.Error("an empty plan")
		}
	})
}
